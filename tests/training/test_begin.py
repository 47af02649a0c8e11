"""A run begins with the weights of a trained network where its settings name one, and its card says so."""

import pytest
import torch

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


def test_a_network_that_does_not_fit_is_refused_with_its_name(toy, tmp_path, class_names):
    with pytest.raises(ConfigError, match="toy"):
        prepared(toy, model_args={"widths": [4, 12]})
    with pytest.raises(UnknownCheckpoint, match="gone"):
        prepared(tmp_path / "gone")
    other = save_toy(tmp_path / "other", class_names=class_names[::-1])
    with pytest.raises(ConfigError, match="other"):
        prepared(other)
