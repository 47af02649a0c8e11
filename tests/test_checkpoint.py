"""A checkpoint is loaded whole and checked, or refused with one sentence; it is replaced in one step."""

import dataclasses
import json
import math
import os
import pickle
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from cifar_core import checkpoint as subject
from cifar_core.checkpoint import (
    CARD,
    WEIGHTS,
    CheckpointError,
    UnknownCheckpoint,
    checkpoint_name,
    list_checkpoints,
    load_card,
    load_checkpoint,
    newest_folder,
    resolve_checkpoint,
    save_checkpoint,
    write_card,
)
from cifar_core.files import DEFAULT_CHECKPOINT
from cifar_core.models import create_model
from tests.support import toy_checkpoints
from tests.support.toy_checkpoints import save_toy


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return save_toy(tmp_path_factory.mktemp("checkpoints") / "toy")


@pytest.fixture
def folder(toy, tmp_path):
    return shutil.copytree(toy, tmp_path / "checkpoints" / "toy")


@pytest.fixture
def shipped(toy, tmp_path, monkeypatch):
    """A folder of shipped checkpoints: a, the default, and z."""
    root = tmp_path / "shipped"
    monkeypatch.setattr(subject, "checkpoints_dir", lambda: root)
    for name in ("a", DEFAULT_CHECKPOINT, "z"):
        shutil.copytree(toy, root / name)
    return root


def change_card(folder, **changes):
    document = json.loads((folder / CARD).read_text())
    (folder / CARD).write_text(json.dumps({**document, **changes}))


def change_weights(folder, change):
    weights = load_file(folder / WEIGHTS)
    change(weights)
    save_file(weights, folder / WEIGHTS)


def refusal(folder, load=load_checkpoint):
    with pytest.raises(CheckpointError) as refused:
        load(folder)
    assert len(str(refused.value).splitlines()) == 1
    return str(refused.value)


# Whole ones


def test_a_checkpoint_comes_back_equal(tmp_path):
    model = create_model("mixing_lite", widths=[4, 8], num_kernels=2).train()
    model(torch.rand(2, 3, 32, 32))  # so that its running statistics are not those of a new one
    card = dataclasses.replace(toy_checkpoints.CARD, model_args={"widths": [4, 8], "num_kernels": 2})
    save_checkpoint(tmp_path / "toy", model, card)
    loaded, loaded_card = load_checkpoint(tmp_path / "toy")
    assert loaded_card == card and not loaded.training
    assert loaded.state_dict().keys() == model.state_dict().keys()
    assert all(torch.equal(value, loaded.state_dict()[name]) for name, value in model.state_dict().items())


def test_loading_draws_no_random_numbers_of_the_users(folder):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_checkpoint(folder)
    assert torch.equal(torch.rand(3), expected)


def halved(weights):
    return {name: value.half() for name, value in weights.items() if value.is_floating_point()}


def test_weights_in_half_precision_are_taken(folder):
    change_weights(folder, lambda weights: weights.update(halved(weights)))
    assert load_checkpoint(folder)[0].classifier[1].weight.dtype == torch.float32


def test_the_class_names_give_the_number_of_classes(tmp_path):
    model = create_model("mixing_lite", widths=[4], num_classes=2)
    card = dataclasses.replace(toy_checkpoints.CARD, model_args={"widths": [4]}, class_names=["cat", "dog"])
    save_checkpoint(tmp_path / "two", model, card)
    assert load_checkpoint(tmp_path / "two")[0].num_classes == 2


def test_measures_of_splits_stand_side_by_side(folder):
    card = load_card(folder)
    write_card(folder, card.with_metrics("val", 0.5, 1.25, 99))
    assert load_card(folder).metrics == {**card.metrics, "val": {"accuracy": 0.5, "loss": 1.25, "n": 99}}


# Weights that do not fit


BIAS = "classifier.1.bias"
MISFITS = {
    "missing": (lambda weights: weights.pop(BIAS), f"'{BIAS}' is missing"),
    "extra": (lambda weights: weights.update(extra=torch.zeros(1)), "'extra' is not known to the network"),
    "shape": (lambda weights: weights.update({BIAS: torch.zeros(9)}), "has the shape (9,), not (10,)"),
    "nan": (lambda weights: weights[BIAS].fill_(math.nan), "not finite"),
    "inf": (lambda weights: weights[BIAS][3:4].fill_(-math.inf), "not finite"),
    "too large": (lambda weights: weights.update({BIAS: torch.ones(10).double() * 1e300}), "not finite"),
    "whole": (lambda weights: weights.update({BIAS: torch.zeros(10, dtype=torch.int64)}), "int64"),
    "complex": (lambda weights: weights.update({BIAS: torch.zeros(10, dtype=torch.complex64)}), "complex64"),
    "empty": (lambda weights: weights.clear(), "is missing"),
}


@pytest.mark.parametrize(("change", "words"), MISFITS.values(), ids=MISFITS.keys())
def test_weights_that_do_not_fit_are_refused(folder, change, words):
    change_weights(folder, change)
    assert words in refusal(folder)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_truncated_weights_are_refused(folder, share):
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[: int(len(content) * share)])
    assert "is not a whole safetensors file" in refusal(folder)


def test_weights_with_more_behind_them_are_refused(folder):
    with open(folder / WEIGHTS, "ab") as file:
        file.write(b"more")
    assert "is not a whole safetensors file" in refusal(folder)


def test_missing_weights_are_named(folder):
    (folder / WEIGHTS).unlink()
    assert f"{folder / WEIGHTS} is missing" in refusal(folder)


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("dump", [pickle.dumps, "torch"])
def test_a_pickle_is_refused_and_never_opened(folder, tmp_path, dump):
    bomb = Bomb(tmp_path / "boom")
    if dump == "torch":
        torch.save(bomb, folder / WEIGHTS)
    else:
        (folder / WEIGHTS).write_bytes(dump(bomb))
    assert "pickles and other formats are refused" in refusal(folder)
    assert not bomb.path.exists()
    pickle.loads(pickle.dumps(bomb))  # noqa: S301 (our own: shows that it would have gone off)
    assert bomb.path.exists()


# Cards that are damaged


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"{}", b"\xff", b"[" * 100_000, b'{"self": 1}'],
    ids=["empty", "torn", "list", "null", "no fields", "no text", "nested", "self"],
)
def test_cards_that_are_none_are_refused(folder, content):
    (folder / CARD).write_bytes(content)
    assert "is damaged" in refusal(folder, load_card) and "copy the checkpoint again" in refusal(folder)


FIELDS = dataclasses.fields(subject.Card)
NEEDED = [item.name for item in FIELDS if item.default is item.default_factory is dataclasses.MISSING]


@pytest.mark.parametrize("name", [item.name for item in FIELDS])
@pytest.mark.parametrize("value", [None, [[True]]])
def test_each_value_of_a_card_has_its_type(folder, name, value):
    change_card(folder, **{name: value})
    if value is None and name in ("calibration", "ood", "sure", "photographs"):
        assert getattr(load_card(folder), name) is None
        return
    assert f"{name} is " in refusal(folder, load_card)


@pytest.mark.parametrize("name", NEEDED)
def test_no_value_of_a_card_may_be_missing(folder, name):
    document = json.loads((folder / CARD).read_text())
    del document[name]
    (folder / CARD).write_text(json.dumps(document))
    assert f"'{name}'" in refusal(folder, load_card)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"class_names": []}, "0 class names"),
        ({"class_names": ["cat"]}, "does not fit its card"),
        ({"class_names": [1, 2]}, "class_names"),
        ({"mean": [0.5]}, "mean [0.5]"),
        ({"mean": [math.nan] * 3}, "mean [nan"),
        ({"std": [0.5, 0.0, 0.5]}, "std [0.5, 0.0"),
        ({"tta": 3}, "3 views"),
        ({"tta_below": 1.5}, "below 1.5"),
        ({"tta_below": math.nan}, "below nan"),
        ({"model": "resnet_9000"}, "There is no network 'resnet_9000'"),
        ({"model": ["mixing_lite"]}, "model is ['mixing_lite']"),
        ({"model_args": {"widths": [4, 8], "depth": 3}}, "cannot be built"),
        ({"model_args": {"name": "mixing_2"}}, "cannot be built"),
        ({"model_args": {"widths": [-4]}}, "cannot be built"),
        ({"model_args": {"widths": [10**12]}}, "does not fit its card"),
        ({"model_args": {"widths": [10**12, 10**12]}}, "cannot be built"),
        ({"model_args": {"widths": [4, 9]}}, "has the shape"),
    ],
)
def test_cards_that_make_no_sense_are_refused(folder, changes, words):
    change_card(folder, **changes)
    assert words in refusal(folder)


def test_a_folder_without_a_card_is_none(tmp_path):
    assert "has no card.json" in refusal(tmp_path)
    (tmp_path / "file").write_text("")
    assert refusal(tmp_path / "file")


# Names


def test_names_and_paths_lead_to_folders(shipped, folder, monkeypatch):
    assert list_checkpoints() == [DEFAULT_CHECKPOINT, "a", "z"]
    assert resolve_checkpoint() == shipped / DEFAULT_CHECKPOINT
    assert resolve_checkpoint("a") == shipped / "a"
    assert resolve_checkpoint(folder) == resolve_checkpoint(str(folder)) == folder
    monkeypatch.chdir(folder.parent)
    assert resolve_checkpoint("toy").samefile(folder) and resolve_checkpoint("./toy/").samefile(folder)


def test_a_run_is_known_by_its_id(shipped, tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_RUNS", str(tmp_path / "runs"))
    best = save_toy(tmp_path / "runs" / "toy-1" / "checkpoints" / "best")
    assert resolve_checkpoint("toy-1") == best and checkpoint_name(best) == "toy-1"
    assert checkpoint_name(shipped / "a") == "a"
    with pytest.raises(UnknownCheckpoint, match="a run"):
        resolve_checkpoint("toy-2")


def test_a_name_goes_before_a_folder_here(shipped, tmp_path, monkeypatch):
    save_toy(tmp_path / "here" / "a")
    monkeypatch.chdir(tmp_path / "here")
    assert resolve_checkpoint("a") == shipped / "a"


@pytest.mark.parametrize("name", ["b", "", ".", "..", "/", "a/../z", "../shipped", "x" * 5000, "a\0"])
def test_unknown_names_list_the_known(shipped, tmp_path, monkeypatch, name):
    """A name is one of those listed; anything else is a path from here, not from checkpoints/."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    with pytest.raises(UnknownCheckpoint, match=f"{DEFAULT_CHECKPOINT}, a, z"):
        resolve_checkpoint(name)


def test_nothing_is_listed_where_nothing_is_shipped(tmp_path, monkeypatch):
    monkeypatch.setattr(subject, "checkpoints_dir", lambda: tmp_path / "none")
    assert list_checkpoints() == []
    with pytest.raises(UnknownCheckpoint, match="one of: none"):
        resolve_checkpoint()


# Replacing


def test_saving_again_replaces_and_keeps_the_one_before(folder):
    before = load_card(folder)
    save_toy(folder, seed=1, epoch=9)
    assert load_card(folder).epoch == 9
    assert load_card(folder.with_name("toy.previous")) == before
    save_toy(folder, seed=2, epoch=10)
    assert load_card(folder.with_name("toy.previous")).epoch == 9
    assert sorted(path.name for path in folder.parent.iterdir()) == ["toy", "toy.previous"]


@pytest.mark.parametrize("call", ["save_file", "write_json", "sync_folder"])
def test_a_failure_while_saving_leaves_a_whole_checkpoint(folder, monkeypatch, call):
    def fail(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(subject, call, fail)
        with pytest.raises((OSError, CheckpointError)):
            save_toy(folder, seed=1, epoch=9)
    assert load_checkpoint(resolve_checkpoint(folder))[1].epoch in (2, 9)
    save_toy(folder, seed=1, epoch=10)
    assert load_checkpoint(resolve_checkpoint(folder))[1].epoch == 10


def test_every_moment_of_replacing_leaves_a_whole_checkpoint(folder, monkeypatch):
    """Looks at the folders before and after each call that changes them, as a reader or a kill would."""
    seen = []

    def watched(call):
        def watch(*arguments, **options):
            seen.append(load_checkpoint(resolve_checkpoint(folder))[1].epoch)
            result = call(*arguments, **options)
            seen.append(load_checkpoint(resolve_checkpoint(folder))[1].epoch)
            return result

        return watch

    save_toy(folder, epoch=3)
    monkeypatch.setattr(subject.os, "replace", watched(os.replace))
    monkeypatch.setattr(subject.shutil, "rmtree", watched(subject.shutil.rmtree))
    save_toy(folder, epoch=4)
    assert set(seen) == {3, 4} and seen[-1] == 4


def test_weights_that_did_not_reach_the_disk_do_not_replace_whole_ones(folder, monkeypatch):
    def half(tensors, path):
        save_file(tensors, path)
        os.truncate(path, os.path.getsize(path) // 2)

    monkeypatch.setattr(subject, "save_file", half)
    with pytest.raises(CheckpointError):
        save_toy(folder, epoch=9)
    assert load_checkpoint(folder)[1].epoch == 2


def test_newest_folder_falls_back(folder):
    save_toy(folder, epoch=9)
    assert newest_folder(folder) == folder
    folder.rename(folder.with_name("gone"))
    assert load_card(newest_folder(folder)).epoch == 2
    assert newest_folder(folder.with_name("never")) is None
