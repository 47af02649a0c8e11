"""The running average follows weights and buffers as its formula says."""

import copy

import pytest
import torch
from torch.nn.functional import cross_entropy

from cifar_core.models import create_model
from cifar_core.training.trainer import create_ema
from tests.support.toy_trainers import run, tiny_net, train_batches, trainer_of, val_batches

DECAY = 0.7


def averaged_by_hand(states):
    """First state, then decay * average + (1 - decay) * state, for all that is no counter."""
    average = dict(states[0])
    for state in states[1:]:
        for name, value in state.items():
            if value.is_floating_point():
                average[name] = DECAY * average[name] + (1 - DECAY) * value
    return average


def assert_average(module, expected):
    for name, value in module.state_dict().items():
        if value.is_floating_point():
            torch.testing.assert_close(value, expected[name], rtol=1e-5, atol=1e-6, msg=name)


def test_no_decay_is_no_average():
    assert create_ema(tiny_net(), 0.0) is None
    trainer = trainer_of(tiny_net())
    assert trainer.averaged is trainer.model


@pytest.mark.parametrize("accumulation_steps", [1, 2])
def test_the_average_follows_every_change_of_weights_and_batch_norms_statistics(accumulation_steps):
    trainer = trainer_of(tiny_net(batch_norm=True), ema_decay=DECAY, accumulation_steps=accumulation_steps)
    states = []
    for images, targets in train_batches().epoch(1):
        trainer.train_step(images, targets)
        if trainer.step % accumulation_steps == 0 or trainer.step == 5:
            states.append(copy.deepcopy(trainer.model.state_dict()))
    assert len(states) == {1: 5, 2: 3}[accumulation_steps]
    assert_average(trainer.averaged, averaged_by_hand(states))
    assert trainer.averaged.features[1].running_mean.ne(trainer.model.features[1].running_mean).any()


def test_the_first_average_is_the_network_itself():
    model = tiny_net(batch_norm=True)
    ema = create_ema(model, DECAY)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)
    ema.update_parameters(model)
    assert all(
        torch.equal(ema.module.state_dict()[name], value) for name, value in model.state_dict().items()
    )


def test_validation_looks_at_the_average():
    trainer = trainer_of(tiny_net(batch_norm=True), ema_decay=0.99, lr=0.5)
    epoch = run(trainer)[-2]
    losses = {}
    for name, model in (("average", trainer.averaged), ("network", trainer.model)):
        with torch.no_grad():
            logits, targets = zip(*((model.eval()(x), y) for x, y in val_batches().in_order()), strict=True)
        losses[name] = cross_entropy(torch.cat(logits), torch.cat(targets)).item()
    assert epoch.val_loss == pytest.approx(losses["average"], rel=1e-5)
    assert losses["network"] < losses["average"]  # a slow average is still near its start


def test_the_averages_mixing_temperature_is_the_networks():
    torch.manual_seed(0)
    model = create_model("mixing_lite", num_classes=4, widths=[4, 4], num_kernels=2)
    trainer = trainer_of(model, ema_decay=0.9, mixing_temperature=20.0, epochs=10)  # falls in 5 steps
    seen = []
    for epoch in (1, 2):
        for images, targets in train_batches().epoch(epoch):
            trainer.train_step(images, targets)
            averaged = [m.temperature.item() for m in trainer.averaged.modules() if hasattr(m, "temperature")]
            trained = [m.temperature.item() for m in trainer.model.modules() if hasattr(m, "temperature")]
            assert averaged == trained
            seen.append(trained[0])
    assert seen[0] == 20.0
    assert seen[5:] == [1.0] * 5
