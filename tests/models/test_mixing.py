"""Mixing networks: what a block computes, how it starts, and the networks that are stated."""

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d
from torch.utils.flop_counter import FlopCounterMode

from cifar_core.models import count_macs, count_parameters, create_model
from cifar_core.models.mixing import MixingBlock, MixingCoefficients, MixingConv2d, MixingNet
from cifar_core.models.ops import mix


@pytest.fixture(autouse=True)
def fixed_seed():
    torch.manual_seed(0)


def on_meta(name, **arguments):
    with torch.device("meta"):
        return create_model(name, **arguments)


# Coefficients


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_softmax_coefficients_share_out_one(temperature):
    mixer = MixingCoefficients(6, 4)
    mixer.temperature.fill_(temperature)
    x = 10 * torch.randn(5, 6, 3, 3)
    scores = x.flatten(2).mean(dim=2) @ mixer.linear.weight.T + mixer.linear.bias
    coefficients = mixer(x)
    torch.testing.assert_close(coefficients, torch.softmax(scores / temperature, dim=1))
    torch.testing.assert_close(coefficients.sum(dim=1), torch.ones(5))


def test_sigmoid_coefficients_stand_each_for_themselves():
    mixer = MixingCoefficients(6, 4, "sigmoid")
    x = 10 * torch.randn(5, 6, 3, 3)
    coefficients = mixer(x)
    torch.testing.assert_close(coefficients, torch.sigmoid(mixer.linear(x.mean(dim=(2, 3)))))
    assert ((coefficients > 0) & (coefficients < 1)).all()
    assert (coefficients.sum(dim=1) - 1).abs().max() > 0.1


def test_a_higher_temperature_evens_the_mix_out():
    mixer, x = MixingCoefficients(6, 4), 20 * torch.randn(8, 6, 3, 3)
    spreads = []
    for temperature in (1.0, 10.0, 1e6):
        mixer.temperature.fill_(temperature)
        spreads.append((mixer(x) - 0.25).abs().max().item())
    assert spreads[0] > 2 * spreads[1] > 4 * spreads[2]
    assert spreads[2] < 1e-4


def test_the_temperature_is_a_buffer_and_not_learned():
    mixer = MixingCoefficients(6, 4)
    assert mixer.state_dict()["temperature"] == 1
    assert "temperature" not in dict(mixer.named_parameters())


def test_standardized_averages_have_mean_0_and_variance_1_over_the_batch():
    mixer, x = MixingCoefficients(6, 3, standardize=True), 0.01 * torch.randn(16, 6, 4, 4) + 5
    averages = x.mean(dim=(2, 3))
    standardized = (averages - averages.mean(dim=0)) / (averages.var(dim=0, correction=0) + 1e-5).sqrt()
    expected = torch.softmax(mixer.linear(standardized), dim=1)
    torch.testing.assert_close(mixer(x), expected, rtol=1e-3, atol=1e-4)
    plain = MixingCoefficients(6, 3)
    assert mixer(x).std(dim=0).mean() > 10 * plain(x).std(dim=0).mean()


def test_standardizing_adds_no_parameter():
    with_it, without = MixingCoefficients(6, 3, standardize=True), MixingCoefficients(6, 3)
    assert sum(p.numel() for p in with_it.parameters()) == sum(p.numel() for p in without.parameters())


@pytest.mark.parametrize("standardize", [False, True])
def test_coefficients_are_not_rounded_to_bf16(standardize):
    mixer = MixingCoefficients(6, 3, standardize=standardize)
    with torch.autocast("cpu", torch.bfloat16):
        coefficients = mixer(torch.randn(5, 6, 3, 3))
    assert coefficients.dtype == torch.float32
    assert (coefficients.sum(dim=1) - 1).abs().max() < 1e-6


# Blocks


@pytest.mark.parametrize("n", [1, 4])
def test_a_mixing_convolution_is_the_coefficients_sum_of_plain_ones(n):
    conv = MixingConv2d(4, 6, kernel_size=3, stride=2, padding=1, num_kernels=3).double()
    x = torch.randn(n, 4, 9, 9, dtype=torch.float64)
    shares = conv.coefficients(x)
    expected = sum(
        shares[:, k, None, None, None] * conv2d(x, conv.weight[k], conv.bias[k], stride=2, padding=1)
        for k in range(3)
    )
    torch.testing.assert_close(conv(x), expected, rtol=0, atol=1e-12)


def test_the_residual_is_the_input_where_channels_agree():
    block, x = MixingBlock(5, 5, num_kernels=2), torch.randn(3, 5, 6, 6)
    torch.testing.assert_close(block(x) - block.conv(x), x, rtol=1e-4, atol=1e-5)


def test_the_residual_is_a_convolution_and_batch_norm_where_channels_change():
    block, x = MixingBlock(3, 5, num_kernels=2), torch.randn(4, 3, 6, 6)
    assert [type(layer) for layer in block.residual] == [nn.Conv2d, nn.BatchNorm2d]
    assert block.residual[0].kernel_size == (1, 1) and block.residual[0].bias is not None
    residual = block(x) - block.conv(x)
    torch.testing.assert_close(residual.mean(dim=(0, 2, 3)), torch.zeros(5), rtol=0, atol=1e-4)
    torch.testing.assert_close(residual.std(dim=(0, 2, 3)), torch.ones(5), rtol=0.02, atol=0)


# Start


def test_every_kernel_is_drawn_for_itself_with_kaimings_spread():
    weight = MixingConv2d(64, 64, num_kernels=4).weight
    for kernel in weight:
        assert kernel.mean().abs() < 1e-3
        assert kernel.std().item() == pytest.approx(math.sqrt(2 / (64 * 9)), rel=0.02)
    correlations = torch.corrcoef(weight.flatten(1)) - torch.eye(4)
    assert correlations.abs().max() < 0.03


def test_biases_start_as_those_of_a_plain_convolution():
    bias = MixingConv2d(16, 512, num_kernels=3).bias
    bound = 1 / math.sqrt(16 * 9)
    assert bias.abs().max() <= bound
    assert bias.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.05)
    assert not torch.equal(bias[0], bias[1])


@pytest.mark.parametrize("name", ["mixing_6", "mixing_lite"])
def test_no_kernel_is_shut_out_at_the_start_and_heat_makes_all_count_alike(name):
    model = create_model(name)
    for temperature, lowest, highest in ((1.0, 0.05, 0.85), (10.0, 0.25, 0.45)):
        model.set_mixing_temperature(temperature)
        with torch.no_grad(), model.record_mixing() as record:
            model(torch.randn(8, 3, 32, 32))
        for block in record:
            assert block.min() > lowest
            assert block.max() < highest


# Networks


@pytest.mark.parametrize("standardize", [False, True])
def test_the_record_is_in_the_networks_order(standardize):
    net = MixingNet((4, 5, "pool", 6), num_kernels=3, standardize=standardize).eval()
    x = images = torch.randn(3, 3, 8, 8)
    expected = []
    with torch.no_grad():
        for layer in net.blocks:
            if isinstance(layer, nn.Sequential):
                expected.append(layer[0].conv.coefficients(x))
            x = layer(x)
        with net.record_mixing() as record:
            net(images)
    assert net.mixing_blocks() == ["B1", "B2", "B3"]
    for block, coefficients in zip(record, expected, strict=True):
        assert torch.equal(block, coefficients)


def test_two_records_can_be_open_at_once():
    net = MixingNet((4,))
    with net.record_mixing() as outer:
        with net.record_mixing() as inner:
            net(torch.randn(2, 3, 8, 8))
        net(torch.randn(5, 3, 8, 8))
    assert (len(inner[0]), len(outer[0])) == (2, 5)


def test_the_whole_network_learns_alike_in_either_form(monkeypatch):
    net = MixingNet((4, 5, "pool", 6), num_kernels=3, standardize=True).double()
    images = torch.randn(4, 3, 8, 8, dtype=torch.float64)
    gradients = []
    for form in ("loop", "grouped"):
        monkeypatch.setattr(mix, "choose_form", lambda *_, form=form: form)
        logits = net(images)
        assert logits.dtype == torch.float64
        gradients.append(torch.autograd.grad(logits.square().sum(), list(net.parameters())))
    for looped, grouped in zip(*gradients, strict=True):
        torch.testing.assert_close(looped, grouped, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize(
    ("name", "widths", "features"),
    [
        ("mixing_2", [64, 64], (64, 16, 16)),
        ("mixing_4", [64, 64, 128, 128], (128, 8, 8)),
        ("mixing_6", [64, 64, 128, 128, 256, 256], (256, 4, 4)),
        ("mixing_11", [64] * 2 + [128] * 3 + [256] * 3 + [512] * 3, (512, 4, 4)),
        ("mixing_lite", [32, 32, 64, 64, 128, 128, 256], (256, 4, 4)),
    ],
)
def test_networks_have_their_stated_blocks(name, widths, features):
    model = on_meta(name)
    blocks = [module for module in model.modules() if isinstance(module, MixingBlock)]
    assert [block.conv.weight.shape[:2] for block in blocks] == [(3, width) for width in widths]
    assert [block.conv.weight.shape[2] for block in blocks] == [3, *widths[:-1]]
    assert model.mixing_blocks() == [f"B{number}" for number in range(1, len(widths) + 1)]
    assert model.forward_features(torch.zeros(2, 3, 32, 32, device="meta")).shape == (2, *features)
    linear = model.classifier[-1]
    assert (linear.in_features, linear.out_features) == (widths[-1], 10)


@pytest.mark.parametrize(("name", "parameters"), [("mixing_6", 3_485_029), ("mixing_lite", 1_796_424)])
def test_networks_have_their_stated_numbers_of_parameters(name, parameters):
    assert count_parameters(on_meta(name)) == parameters


def test_the_published_network_costs_what_was_stated_with_the_loop(monkeypatch):
    model = on_meta("mixing_6").eval()
    assert count_macs(model) / 1e6 == pytest.approx(161, abs=1)
    monkeypatch.setattr(mix, "choose_form", lambda *_: "loop")
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 3, 32, 32, device="meta"))
    assert counter.get_total_flops() / 2e6 == pytest.approx(463, abs=1)


def test_counting_leaves_the_networks_mode_alone():
    model = on_meta("mixing_2")
    count_macs(model)
    assert model.training
    count_macs(model.eval())
    assert not model.training


def test_the_light_network_fits_in_ten_megabytes():
    state = on_meta("mixing_lite").state_dict().values()
    assert sum(value.numel() * value.element_size() for value in state) < 10e6


def test_the_fourth_network_drops_features_while_training_only():
    model, features = create_model("mixing_4"), torch.rand(2, 128, 8, 8)
    assert not torch.equal(model.forward_head(features), model.forward_head(features))
    model.eval()
    assert torch.equal(model.forward_head(features), model.forward_head(features))


def test_each_argument_of_the_light_network_counts():
    sigmoid = on_meta("mixing_lite", activation="sigmoid", num_kernels=2, widths=[8, 16], standardize=False)
    mixers = [module for module in sigmoid.modules() if isinstance(module, MixingCoefficients)]
    assert [mixer.linear.weight.shape for mixer in mixers] == [(2, 3), (2, 8), (2, 8)]
    assert {mixer.activation for mixer in mixers} == {"sigmoid"}
    assert {type(mixer.norm) for mixer in mixers} == {nn.Identity}
