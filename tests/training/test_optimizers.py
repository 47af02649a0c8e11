"""Optimizers are torch's, with the settings that the config names."""

import pytest
import torch
from torch.optim import SGD, AdamW, RMSprop

from cifar_core.config import ConfigError, field_specs
from cifar_core.training.optimizers import OPTIMIZERS, create_optimizer
from tests.support.toy_trainers import tiny_net, toy_config

BY_HAND = {  # config -> the optimizer as torch's documentation writes it
    "sgd": (
        {"optimizer": "sgd", "lr": 0.2, "momentum": 0.0, "weight_decay": 0.01},
        lambda p: SGD(p, lr=0.2, weight_decay=0.01),
    ),
    "sgd with momentum": (
        {"optimizer": "sgd", "lr": 0.2, "momentum": 0.8},
        lambda p: SGD(p, lr=0.2, momentum=0.8),
    ),
    "nesterov": (
        {"optimizer": "sgd", "lr": 0.2, "momentum": 0.8, "nesterov": True, "weight_decay": 0.01},
        lambda p: SGD(p, lr=0.2, momentum=0.8, nesterov=True, weight_decay=0.01),
    ),
    "nesterov without momentum": (
        {"optimizer": "sgd", "lr": 0.2, "momentum": 0.0, "nesterov": True},
        lambda p: SGD(p, lr=0.2),
    ),
    "adamw": (
        {"optimizer": "adamw", "lr": 0.003, "weight_decay": 0.1},
        lambda p: AdamW(p, lr=0.003, weight_decay=0.1),
    ),
    "rmsprop": (
        {"optimizer": "rmsprop", "lr": 0.0015, "momentum": 0.0},
        lambda p: RMSprop(p, lr=0.0015),
    ),
    "rmsprop with momentum": (
        {"optimizer": "rmsprop", "lr": 0.0015, "momentum": 0.9, "weight_decay": 0.02},
        lambda p: RMSprop(p, lr=0.0015, momentum=0.9, weight_decay=0.02),
    ),
}


@pytest.mark.parametrize(("settings", "by_hand"), BY_HAND.values(), ids=BY_HAND)
def test_the_weights_move_as_by_torchs_plain_optimizer(settings, by_hand):
    # without a norm: the bias before one has no gradient but rounding noise, which Adam makes a step of
    ours, oracle = tiny_net(), tiny_net()
    optimizers = (create_optimizer(ours, toy_config(**settings)), by_hand(oracle.parameters()))
    images = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    for _ in range(4):
        for model, optimizer in zip((ours, oracle), optimizers, strict=True):
            optimizer.zero_grad()
            model(images).square().sum().backward()
            optimizer.step()
    for mine, wanted in zip(ours.parameters(), oracle.parameters(), strict=True):
        torch.testing.assert_close(mine, wanted, rtol=1e-4, atol=1e-6)


def test_every_name_of_the_setting_has_an_optimizer():
    (setting,) = (spec for spec in field_specs() if spec.name == "optimizer")
    assert set(setting.choices) == set(OPTIMIZERS)


def test_a_name_without_an_optimizer_is_refused(monkeypatch):
    monkeypatch.delitem(OPTIMIZERS, "adamw")
    with pytest.raises(ConfigError, match=r"adamw.*sgd, rmsprop, muon"):
        create_optimizer(tiny_net(), toy_config(optimizer="adamw"))
