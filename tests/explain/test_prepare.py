"""One command makes all that the pages show of a network, once, and goes on where it was cut short."""

import itertools

import pytest

from cifar_core.checkpoint import load_card, weights_version
from cifar_core.data.synthetic import SHAPE_NAMES, make_synthetic
from cifar_core.explain import prepare as module
from cifar_core.explain.portraits import read_portraits
from cifar_core.explain.prepare import prepare
from cifar_core.explain.robustness import load
from cifar_core.recipes import get_recipe
from cifar_core.runs.history import class_averages
from tests.support.toy_checkpoints import save_toy

CONFIG = get_recipe("smoke").config.to_json() | {"val_size": 30}


@pytest.fixture(scope="module")
def data():
    return make_synthetic(train_size=60, test_size=20)


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(module, "DAMAGED", (10, 20))


def make(folder, **changes):
    return save_toy(folder, config=CONFIG, class_names=list(SHAPE_NAMES), **changes)


def test_everything_is_there_afterwards(tmp_path, data):
    folder = make(tmp_path / "net")
    said = list(prepare(folder, data))
    assert any("portraits" in words for words in said) and any("class averages" in words for words in said)
    assert [(one.n, one.is_whole, one.weights) for one in load(folder / "robustness.json")] == [
        (10, True, weights_version(folder)),
        (20, True, weights_version(folder)),
    ]
    assert read_portraits(folder).n == 30
    card = load_card(folder)
    averages = class_averages(folder, card.epoch, card.class_names)
    assert set(averages) == set(card.class_names)
    for blocks in averages.values():
        assert list(blocks) == ["B1", "B2", "B3"]
        assert all(sum(shares) == pytest.approx(1, abs=1e-3) for shares in blocks.values())


def test_it_goes_on_where_it_stopped_and_measures_nothing_twice(tmp_path, data):
    folder = make(tmp_path / "net")
    told = prepare(folder, data)
    list(itertools.islice((words for words in told if "left" in words), 5))
    told.close()
    before = load(folder / "robustness.json")[0]
    assert sum(map(len, before.accuracy.values())) == 4 and not before.is_whole
    rest = [words for words in prepare(folder, data) if "on 10 images" in words and "left" in words]
    assert len(rest) == 41 - 5
    again = list(prepare(folder, data))
    assert not any("left" in words or "looking" in words for words in again)


def test_other_weights_are_measured_anew(tmp_path, data):
    folder = make(tmp_path / "net")
    list(prepare(folder, data))
    before = read_portraits(folder)
    averages = (folder / "mixing.json").read_text()
    other = make(tmp_path / "other", seed=1)
    (folder / "weights.safetensors").write_bytes((other / "weights.safetensors").read_bytes())
    list(prepare(folder, data))
    assert read_portraits(folder).weights == weights_version(folder) != before.weights
    assert {one.weights for one in load(folder / "robustness.json")} == {weights_version(folder)}
    assert (folder / "mixing.json").read_text() != averages


def test_a_network_that_does_not_mix_has_its_robustness_alone(tmp_path, data):
    folder = make(tmp_path / "net", model="speed94", model_args={"widths": [4, 6, 6]})
    list(prepare(folder, data))
    assert len(load(folder / "robustness.json")) == 2
    assert not (folder / "portraits.json").exists() and not (folder / "mixing.json").exists()
