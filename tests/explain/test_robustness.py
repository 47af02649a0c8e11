"""Accuracy under damage is measured on the damaged pictures, goes on where it stopped, and is kept."""

import dataclasses
import json
from contextlib import suppress
from threading import Barrier, BrokenBarrierError, Thread

import numpy as np
import pytest
import torch

from cifar_core.data.synthetic import make_synthetic
from cifar_core.explain.corruptions import CORRUPTIONS, STRENGTHS, corrupt
from cifar_core.explain.robustness import Robustness, cells_left, keep, load, measure
from cifar_core.inference.classifier import Classifier
from tests.support.toy_checkpoints import save_toy

START = Robustness("test-30", 30, "w")


@pytest.fixture(scope="module")
def split():
    return make_synthetic(train_size=10, test_size=30).test


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    return Classifier.load(save_toy(tmp_path_factory.mktemp("toy") / "net", tta=6), device="cpu")


def made_up() -> Robustness:
    row = [0.9, 0.8, 0.7, 0.6, 0.5]
    return Robustness("val-10", 10, "w", 1.0, dict.fromkeys(CORRUPTIONS, row))


def test_each_cell_is_the_accuracy_on_its_pictures(classifier, split):
    *_, whole = measure(classifier, split.images, split.targets, START)
    assert whole.is_whole and whole.n == 30 and set(whole.accuracy) == set(CORRUPTIONS)
    for kind, strength in (("noise", 5), ("shift", 2), ("JPEG", 1)):
        answers = classifier.logits(corrupt(split.images, kind, strength)).argmax(axis=1)
        assert whole.accuracy[kind][strength - 1] == (answers == split.targets).mean()
    assert whole.clean == (classifier.logits(split.images).argmax(axis=1) == split.targets).mean()


def test_a_measurement_cut_short_goes_on_to_the_same_end(classifier, split):
    steps = list(measure(classifier, split.images, split.targets, START))
    assert len(steps) == 1 + len(CORRUPTIONS) * STRENGTHS
    rest = list(measure(classifier, split.images, split.targets, steps[11]))
    assert len(rest) == len(steps) - 12 and rest[-1] == steps[-1]
    assert list(measure(classifier, split.images, split.targets, steps[-1])) == []


def test_all_kinds_come_before_the_next_strength():
    cells = cells_left(START)
    assert [kind for kind, strength in cells if strength == 1] == list(CORRUPTIONS)
    assert [strength for _, strength in cells] == sorted(strength for _, strength in cells)


def test_the_mean_is_over_the_kinds():
    assert made_up().mean == pytest.approx([1.0, 0.9, 0.8, 0.7, 0.6, 0.5])


def test_what_was_kept_comes_back_and_replaces_only_its_own_pictures(tmp_path):
    path = tmp_path / "robustness.json"
    assert load(path) == []
    keep(path, made_up())
    keep(path, START)
    better = dataclasses.replace(made_up(), clean=0.5)
    keep(path, better)
    assert load(path) == [START, better]


def test_what_two_visitors_measure_at_once_is_kept_from_both(tmp_path, monkeypatch):
    path, both_are_here = tmp_path / "robustness.json", Barrier(2)

    def slowly_load(path):
        found = load(path)
        with suppress(BrokenBarrierError):  # where one waits for the other, nobody comes
            both_are_here.wait(timeout=0.3)
        return found

    monkeypatch.setattr("cifar_core.explain.robustness.load", slowly_load)
    visitors = [Thread(target=keep, args=(path, one)) for one in (START, made_up())]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert {one.pictures for one in load(path)} == {START.pictures, made_up().pictures}


def test_the_folder_of_a_deleted_run_does_not_come_back(tmp_path):
    with pytest.raises(OSError):
        keep(tmp_path / "deleted" / "robustness.json", START)
    assert not (tmp_path / "deleted").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"clean": 1.5},
        {"n": 0},
        {"accuracy": {"rain": [0.5]}},
        {"accuracy": {"noise": [0.5] * 6}},
        {"accuracy": {"noise": ["much"]}},
        {"accuracy": {"noise": 7}},
        {"extra": 1},
    ],
)
def test_damaged_measurements_are_left_out_and_the_others_stay(tmp_path, change):
    good, bad = dataclasses.asdict(made_up()), {**dataclasses.asdict(made_up()), **change}
    path = tmp_path / "robustness.json"
    path.write_text(json.dumps({"robustness": [bad, good]}))
    assert load(path) == [made_up()]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"robustness": 3}', '{"robustness": [3]}', "\x00"])
def test_a_file_that_is_no_measurement_is_none(tmp_path, text):
    path = tmp_path / "robustness.json"
    path.write_text(text)
    assert load(path) == []


def test_logits_are_of_one_look(classifier, split):
    several = np.log(classifier.probs(split.images))
    once = classifier.logits(split.images)
    assert once.shape == (30, 10) and not np.allclose(once - once.mean(1, keepdims=True), several)
    answers, _ = classifier.network(classifier.normalize(torch.from_numpy(split.images)))
    assert np.allclose(once, answers.numpy(), atol=1e-5)
    assert classifier.logits(split.images[:0]).shape == (0, 10)
