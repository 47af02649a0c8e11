"""What is done for speed alone changes no result: losses stay equal, step by step, to rounding."""

import pytest
import torch
from torch import nn

from cifar_core.models import create_model
from cifar_core.models.ops import mix
from cifar_core.training.optimizers import OPTIMIZERS
from cifar_core.training.trainer import Trainer
from tests.support.toy_trainers import DEVICE, toy_config

STEPS = 4


def losses(images_of, layout=torch.contiguous_format, **changes):
    """The loss of each of a few steps of a small mixing network with its weights in `layout`."""
    torch.manual_seed(0)
    model = create_model("mixing_lite", widths=[8, 16], num_kernels=3, num_classes=4)
    model = model.to(memory_format=layout)
    trainer = Trainer(model, toy_config(momentum=0.9, lr=0.05, **changes), DEVICE, STEPS)
    generator = torch.Generator().manual_seed(1)
    found = []
    for _ in range(STEPS):
        images = torch.randn(6, 3, 16, 16, generator=generator)
        before = trainer.epoch_sums.loss.clone()
        trainer.train_step(images_of(images), torch.randint(0, 4, (6,), generator=generator))
        found.append((trainer.epoch_sums.loss - before).item() / 6)
    return found


def plain(images):
    return images.contiguous()


def channels_last(images):
    return images.contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("form", mix.FORMS)
def test_every_form_of_mixing_gives_the_losses_of_the_loop(form, monkeypatch):
    monkeypatch.setattr(mix, "choose_form", lambda *_, **__: "loop")
    oracle = losses(plain)
    monkeypatch.setattr(mix, "choose_form", lambda *_, **__: form)
    assert losses(channels_last) == pytest.approx(oracle, rel=1e-4)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_memory_format_changes_no_loss(optimizer):
    settings = {"optimizer": optimizer, "weight_decay": 0.01, "head_lr": 0.3, "bias_lr": 0.1}
    assert losses(channels_last, torch.channels_last, **settings) == pytest.approx(
        losses(plain, **settings), rel=1e-4
    )


def test_without_help_torch_refuses_to_lay_five_dimensions_channels_last():
    """Once it does not, MixingConv2d needs no `_apply` of its own."""
    bank = nn.Module()
    bank.weight = nn.Parameter(torch.zeros(2, 3, 4, 3, 3))
    with pytest.raises(RuntimeError):
        bank.to(memory_format=torch.channels_last)


def test_a_change_that_counts_shows():
    assert losses(plain, label_smoothing=0.1) != pytest.approx(losses(plain), rel=1e-4)
