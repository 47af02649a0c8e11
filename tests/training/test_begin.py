"""A run begins with the weights of a trained network where its settings name one, and its card says so."""

import pytest
import torch

from cifar_core import checkpoint
from cifar_core.checkpoint import UnknownCheckpoint, load_checkpoint
from cifar_core.config import ConfigError, TrainConfig
from cifar_core.data import load_data
from cifar_core.training.setup import prepare
from tests.support.toy_checkpoints import CARD, save_toy


@pytest.fixture(scope="module")
def class_names():
    return list(load_data(source="synthetic").class_names)


@pytest.fixture
def toy(tmp_path, class_names):
    return save_toy(tmp_path / "toy", seed=5, class_names=class_names)


def prepared(start_from, **changes):
    settings = {"model": CARD.model, "model_args": CARD.model_args, "data": "synthetic", "val_size": 100}
    return prepare(TrainConfig(start_from=str(start_from), **{**settings, **changes}), None, lambda *_: None)


def test_the_first_weights_are_those_of_the_network_that_is_named(toy):
    begun = prepared(toy)
    trained, _ = load_checkpoint(toy)
    for name, value in trained.state_dict().items():
        assert torch.equal(begun.model.state_dict()[name], value), name
    fresh = prepared("")
    assert any(
        not torch.equal(a, b) for a, b in zip(fresh.model.parameters(), trained.parameters(), strict=True)
    )
    assert any(str(toy) in note for note in begun.card(1, {}).notes) and fresh.card(1, {}).notes == []


@pytest.mark.parametrize("other", [["a", "b", "c"], None])
def test_of_a_network_that_knows_other_classes_all_but_the_head_is_taken(tmp_path, class_names, other):
    toy = save_toy(tmp_path / "toy", seed=5, class_names=other or class_names[::-1])
    begun, fresh = (prepared(start, epochs=5) for start in (toy, ""))
    trained, _ = load_checkpoint(toy)
    head = begun.model.head_names()
    for name, value in begun.model.state_dict().items():
        assert torch.equal(value, (fresh.model if name in head else trained).state_dict()[name]), name
    assert begun.trainer.head_steps == begun.trainer.total_steps / 5 > 0 == fresh.trainer.head_steps
    assert any(str(begun.trainer.head_steps) in note for note in begun.card(1, {}).notes)
    assert prepared(toy, head_first=0.0).trainer.head_steps == 0


def test_a_network_of_the_same_classes_has_no_new_head(toy):
    assert prepared(toy).trainer.head_steps == 0


def test_a_network_that_does_not_fit_is_refused_with_those_that_do(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "checkpoints_dir", lambda: tmp_path / "shipped")
    save_toy(tmp_path / "shipped" / "fits.v1", model_args={"widths": [4, 12]})
    save_toy(tmp_path / "shipped" / "other.v1")
    (tmp_path / "shipped" / "broken.v1").mkdir()
    (tmp_path / "shipped" / "broken.v1" / "card.json").write_text("{")
    with pytest.raises(ConfigError, match=r"toy'.*\[4, 12\].* fit are fits.v1\.$"):
        prepared(toy, model_args={"widths": [4, 12]})
    with pytest.raises(ConfigError, match="none of the shipped"):
        prepared(toy, model_args={"widths": [4, 16]})
    with pytest.raises(UnknownCheckpoint, match="gone"):
        prepared(tmp_path / "gone")
