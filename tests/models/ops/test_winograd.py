"""Winograd's convolutions are torch's own to rounding, in all passes, and are taken where they fit."""

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from cifar_core.models import create_model
from cifar_core.models.convolution import Conv2d
from cifar_core.models.ops import winograd
from cifar_core.models.ops.winograd import Shape, choose_side, winograd_conv2d, winograd_mix

SIZES = [(8, 8), (9, 7), (1, 1), (2, 5), (13, 12)]


def draw(*shape, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, dtype=dtype, generator=generator).requires_grad_()


def agree(result, expected, tensors, rtol):
    """Values and gradients agree, as a share of each one's norm."""
    upstream = draw(*expected.shape, dtype=expected.dtype, seed=9).detach()
    pairs = [(result, expected)]
    pairs += zip(
        torch.autograd.grad(result, tensors, upstream, retain_graph=True),
        torch.autograd.grad(expected, tensors, upstream),
        strict=True,
    )
    for own, other in pairs:
        assert own.shape == other.shape
        assert (own - other).norm() <= rtol * other.norm()


@pytest.mark.parametrize("side", winograd.SIDES)
@pytest.mark.parametrize("size", SIZES)
def test_a_convolution_agrees_in_all_passes(side, size):
    x, weight = draw(3, 4, *size), draw(6, 4, 3, 3, seed=1)
    agree(winograd_conv2d(x, weight, side), conv2d(x, weight, padding=1), (x, weight), 1e-12)


@pytest.mark.parametrize("side", winograd.SIDES)
def test_mixing_agrees_in_all_passes(side):
    x, weight, shares = draw(3, 4, 9, 6), draw(2, 5, 4, 3, 3, seed=1), draw(3, 2, seed=2)
    parts = [shares[:, k, None, None, None] * conv2d(x, weight[k], padding=1) for k in range(2)]
    agree(winograd_mix(x, weight, shares, side), sum(parts), (x, weight, shares), 1e-12)


@pytest.mark.parametrize("side", winograd.SIDES)
def test_rounding_in_single_precision_stays_small(side):
    x, weight = draw(4, 64, 9, 9, dtype=torch.float32), draw(32, 64, 3, 3, dtype=torch.float32, seed=1)
    agree(winograd_conv2d(x, weight, side), conv2d(x, weight, padding=1), (x, weight), 1e-5)


def test_many_chunks_give_what_one_gives(monkeypatch):
    x, weight, shares = draw(7, 4, 9, 6), draw(2, 5, 4, 3, 3, seed=1), draw(7, 2, seed=2)
    whole = winograd_mix(x, weight, shares, 3)
    monkeypatch.setattr(winograd, "CHUNK_BYTES", 8 * 25 * 6 * 8 * 2)  # two images
    agree(winograd_mix(x, weight, shares, 3), whole, (x, weight, shares), 1e-12)


def test_an_input_without_gradient_gets_none():
    x, weight = draw(2, 3, 4, 4).detach(), draw(2, 3, 3, 3, seed=1)
    winograd_conv2d(x, weight, 4).sum().backward()
    assert x.grad is None and weight.grad is not None


@pytest.mark.parametrize(
    ("shape", "side"),  # as measured; see the table beside the rule
    [
        (Shape(500, 24, 64, 31, 31), None),
        (Shape(500, 64, 64, 15, 15), 5),
        (Shape(500, 64, 256, 15, 15), 5),
        (Shape(500, 64, 256, 12, 12), 6),
        (Shape(500, 64, 256, 9, 9), 3),
        (Shape(500, 256, 256, 7, 7), 4),
        (Shape(500, 256, 256, 6, 6), 6),
        (Shape(500, 256, 256, 4, 4), 4),
        (Shape(500, 256, 256, 3, 3), 3),
        (Shape(500, 256, 256, 2, 2), 2),
        (Shape(500, 3, 64, 32, 32), None),
    ],
)
def test_the_rule_takes_what_was_quickest(shape, side):
    found, cost = choose_side(shape)
    assert (found if winograd.GAIN * cost < 1 else None) == side


def test_few_images_do_not_pay_for_the_kernels_way_to_tiles():
    assert choose_side(Shape(1, 256, 256, 2, 2))[1] > choose_side(Shape(500, 256, 256, 2, 2))[1]


@pytest.fixture
def calls(monkeypatch):
    """The sides with which Winograd's way was taken."""
    taken = []

    def spy(x, weight, side):
        taken.append(side)
        return winograd_conv2d(x, weight, side)

    monkeypatch.setattr(winograd, "winograd_conv2d", spy)
    return taken


def layer(**changes):
    return Conv2d(**{"in_channels": 256, "out_channels": 256, "kernel_size": 3, "padding": 1, **changes})


def test_a_layer_takes_it_in_training_and_agrees(calls):
    own, x = layer(), draw(20, 256, 4, 4, dtype=torch.float32)
    expected = conv2d(x, own.weight, own.bias, padding=1)
    agree(own(x), expected, (x, own.weight, own.bias), 1e-5)
    assert calls == [4]


@pytest.mark.parametrize(
    "changes",
    [
        {"stride": 2},
        {"padding": 0},
        {"groups": 2},
        {"dilation": 2, "padding": 2},
        {"kernel_size": 5},
        {"padding_mode": "reflect"},
        {"padding": "same"},
        {"dtype": torch.bfloat16},
    ],
)
def test_other_layers_are_torchs_own(changes, calls):
    own = layer(**changes)
    plain = nn.Conv2d(256, 256, **{"kernel_size": 3, "padding": 1, **changes})
    plain.load_state_dict(own.state_dict())
    x = draw(20, 256, 4, 4, dtype=own.weight.dtype)
    assert torch.equal(own(x), plain(x)) and not calls


def test_neither_answers_nor_low_precision_take_it(calls):
    own, x = layer(), draw(20, 256, 4, 4, dtype=torch.float32)
    with torch.no_grad():
        own(x)
    with torch.autocast("cpu", torch.bfloat16):
        own(x)
    own(x[0])  # an image without a batch, as nn.Conv2d takes it
    own(x[:1])
    assert not calls


def test_the_speed_network_trains_by_it(calls, monkeypatch):
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: "AVX2")  # the rule asks for it
    create_model("speed94")(torch.randn(50, 3, 20, 20)).sum().backward()
    assert calls == [3, 3, 4, 4, 2]
