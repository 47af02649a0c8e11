"""The speed network: begins as the identity, takes small images, and mixes where asked for."""

import pytest
import torch

from cifar_core.models import ModelError, count_macs, count_parameters, create_model
from cifar_core.models.speed_net import SpeedNet


def test_its_size_is_that_of_airbench94_without_the_whitening_bias():
    model = create_model("speed94")
    assert count_parameters(model) == 1_971_328
    assert count_macs(model) == 118_147_360
    assert model.mixing_blocks() == []


@pytest.mark.parametrize("num_kernels", [1, 2])
def test_every_convolution_passes_its_input_on(num_kernels):
    model = create_model("speed94", num_kernels=num_kernels, widths=[32, 40])
    for block, channels in zip(model.blocks, (24, 32, 32, 40), strict=True):
        weight = block[0].weight if num_kernels > 1 else block[0].weight[None]
        x = torch.randn(1, channels, 9, 9)
        for kernel in weight:
            passed = torch.nn.functional.conv2d(x, kernel, padding=1)[:, :channels]
            torch.testing.assert_close(passed, x)


@pytest.mark.parametrize("size", [16, 20, 26, 32])
def test_images_of_every_training_size_are_taken(size):
    model = create_model("speed94", widths=[8, 8, 8])
    assert model(torch.randn(2, 3, size, size)).shape == (2, 10)


def test_norms_keep_their_scale_and_learn_their_shift():
    model = create_model("speed94", widths=[8])
    names = {name for name, _ in model.named_parameters()}
    assert "blocks.0.2.bias" in names and "blocks.0.2.weight" not in names
    assert torch.equal(model.state_dict()["blocks.0.2.weight"], torch.ones(8))
    model.train()(torch.randn(64, 3, 32, 32))
    assert model.blocks[0][2].running_mean.abs().sum() > 0


def test_the_mixing_sibling_has_coefficients_of_every_convolution():
    model = create_model("speed94", num_kernels=3, widths=[8, 8]).eval()
    with model.record_mixing() as record:
        model(torch.randn(5, 3, 32, 32))
    assert model.mixing_blocks() == ["B1", "B2", "B3", "B4"]
    assert [tuple(block.shape) for block in record] == [(5, 3)] * 4


@pytest.mark.parametrize(
    "arguments",
    [
        {"widths": []},
        {"widths": [0]},
        {"num_kernels": 0},
        {"widths": [8.5]},
        {"num_kernels": [2, 2]},
        {"num_kernels": "2"},
    ],
)
def test_what_is_no_network_is_refused(arguments):
    with pytest.raises(ModelError, match="does not take these arguments"):
        create_model("speed94", **arguments)


def test_a_group_has_two_or_three_convolutions():
    with pytest.raises(ValueError, match="2 or 3"):
        SpeedNet([8], convolutions=4)


def test_the_deep_network_mixes_where_it_is_cheap_and_keeps_to_five_million_parameters():
    model = create_model("deep_mixing")
    assert count_parameters(model) == 4_956_942
    assert model.mixing_kernels() == [4, 4, 4, 2]
    assert 2 * count_parameters(model) < 10_000_000  # as a checkpoint keeps it


def test_a_residual_adds_what_its_layers_make_of_its_input():
    model = create_model("deep_mixing", widths=[4, 6], num_kernels=[2, 3, 1, 1, 1, 2]).eval()
    assert model.mixing_kernels() == [2, 3, 2]
    residual, x = model.blocks[1], torch.randn(2, 4, 8, 8)
    kept = x.clone()
    torch.testing.assert_close(residual(x), torch.nn.functional.silu(kept + residual.layers(kept)))
    assert torch.equal(x, kept)


def test_the_kernels_of_a_mixing_block_have_filters_of_their_own_and_fit_into_a_checkpoint():
    model = create_model("speed_mixing")
    weight = model.blocks[0][0].weight  # (K, 64, 24, 3, 3)
    assert torch.equal(weight[0, :24], weight[1, :24]) and not torch.equal(weight[0, 24:], weight[1, 24:])
    assert 4 * count_parameters(model) < 10_000_000
