"""Optimizers are torch's, with the settings that the config names."""

import pytest
import torch
from torch.optim import SGD, AdamW, RMSprop

from cifar_core.config import ConfigError, field_specs
from cifar_core.training.batches import AUGMENTATIONS, Augmentation
from cifar_core.training.optimizers import OPTIMIZERS, create_optimizer
from cifar_core.training.schedules import SCHEDULES, learning_rate
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


@pytest.mark.parametrize(
    ("setting", "table"),
    [("optimizer", OPTIMIZERS), ("schedule", SCHEDULES), ("augmentation", AUGMENTATIONS)],
)
def test_every_choice_of_a_setting_is_implemented_and_no_other(setting, table):
    assert set(next(spec.choices for spec in field_specs() if spec.name == setting)) == set(table)


@pytest.mark.parametrize(
    ("table", "name", "use"),
    [
        (OPTIMIZERS, "adamw", lambda: create_optimizer(tiny_net(), toy_config(optimizer="adamw"))),
        (SCHEDULES, "linear", lambda: learning_rate(toy_config(schedule="linear"), 0, 5)),
        (AUGMENTATIONS, "flip", lambda: Augmentation.of(toy_config(augmentation="flip"))),
    ],
)
def test_a_choice_that_nothing_implements_is_refused(monkeypatch, table, name, use):
    use()
    monkeypatch.delitem(table, name)
    with pytest.raises(ConfigError, match=f"'{name}'.*{next(iter(table))}, "):
        use()
