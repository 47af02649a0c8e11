"""Muon: orthogonal updates of filter banks, each as airbench's loop over single matrices makes them."""

import copy

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from cifar_core.training.muon import Muon, orthogonalize
from cifar_core.training.optimizers import Optimizers, create_optimizer
from tests.support.toy_trainers import tiny_net, toy_config


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def newton_schulz(matrix):
    """One matrix, as published: the oracle."""
    x = matrix / (matrix.norm() + 1e-7)
    if tall := x.shape[0] > x.shape[1]:
        x = x.T
    for _ in range(3):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.T if tall else x


@pytest.mark.parametrize("shape", [(3, 8, 27), (2, 27, 8), (1, 5, 5)])
def test_orthogonalizing_together_equals_one_after_another(shape):
    matrices = drawn(*shape)
    expected = torch.stack([newton_schulz(matrix) for matrix in matrices])
    torch.testing.assert_close(orthogonalize(matrices), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rank", [1, 3, 24])
def test_wide_matrices_cost_half_and_keep_their_accuracy_whatever_their_rank(rank):
    matrix = drawn(24, rank) @ drawn(rank, 216, seed=1) + 1e-4 * drawn(24, 216, seed=2)
    expected = newton_schulz(matrix.double())
    with FlopCounterMode(display=False) as counter:
        ours = orthogonalize(matrix[None])[0]
    assert (ours - expected).abs().max() < 1e-4 * expected.abs().max()
    published = 3 * (2 * 2 * 24 * 24 * 216 + 2 * 24**3)
    assert counter.get_total_flops() < 0.52 * published


def test_sixteen_bits_go_through_every_product_of_the_published_steps():
    matrix = drawn(24, 216).bfloat16()  # by the Gram matrix alone the error would double
    error = (orthogonalize(matrix[None])[0] - newton_schulz(matrix.double())).abs().max()
    assert error < 0.005


def test_singular_values_come_near_one_and_vectors_stay():
    matrix = drawn(6, 40)
    u, _, vh = torch.linalg.svd(matrix, full_matrices=False)
    turned = u.T @ orthogonalize(matrix[None])[0] @ vh.T
    values = turned.diagonal()
    torch.testing.assert_close(turned, values.diag(), atol=1e-4, rtol=0)
    assert values.min() > 0.5 and values.max() < 1.3


def test_a_zero_gradient_moves_nothing_but_the_norm():
    weight = nn.Parameter(drawn(4, 3, 3, 3))
    weight.grad = torch.zeros_like(weight)
    Muon([weight], lr=0.1, momentum=0.6).step()
    assert weight.detach().norm().item() == pytest.approx(2.0, rel=1e-5)  # sqrt of four rows
    assert weight.isfinite().all()


@pytest.mark.parametrize("shape", [(6, 3, 3, 3), (2, 6, 3, 3, 3)], ids=["a bank", "K banks"])
def test_steps_equal_those_of_the_published_loop(shape):
    ours, oracle = nn.Parameter(drawn(*shape)), drawn(*shape)
    optimizer = Muon([ours], lr=0.2, momentum=0.6)
    banks = oracle if len(shape) == 5 else oracle[None]
    buffers = [torch.zeros_like(bank) for bank in banks]
    for step in range(3):
        ours.grad = drawn(*shape, seed=10 + step)
        gradients = ours.grad if len(shape) == 5 else ours.grad[None]
        for bank, buffer, gradient in zip(banks, buffers, gradients, strict=True):
            buffer.mul_(0.6).add_(gradient)
            direction = gradient + 0.6 * buffer
            bank.mul_(len(bank) ** 0.5 / bank.norm())
            bank.sub_(0.2 * newton_schulz(direction.flatten(1)).view(bank.shape))
        optimizer.step()
    torch.testing.assert_close(ours.detach(), oracle, rtol=1e-4, atol=1e-5)


def test_banks_of_one_shape_go_together_and_do_not_disturb_each_other():
    alone, beside, other = (nn.Parameter(drawn(4, 2, 3, 3, seed=seed)) for seed in (1, 1, 2))
    for parameter, seed in ((alone, 5), (beside, 5), (other, 6)):
        parameter.grad = drawn(4, 2, 3, 3, seed=seed)
    Muon([alone], lr=0.1, momentum=0.5).step()
    Muon([other, beside], lr=0.1, momentum=0.5).step()
    torch.testing.assert_close(beside, alone)


class Mixed(nn.Module):
    """One parameter of each kind that the recipe tells apart."""

    def __init__(self):
        super().__init__()
        self.filters = nn.Parameter(drawn(4, 3, 3, 3))
        self.norm_bias = nn.Parameter(drawn(4))
        self.head = nn.Linear(4, 2, bias=False)
        self.coefficients = nn.Linear(3, 2)
        self.bias = nn.Parameter(drawn(2, 4))  # of K convolutions


def test_each_kind_of_parameter_has_its_own_rate_and_follows_the_schedule():
    model = Mixed()
    config = toy_config(
        optimizer="muon", lr=0.2, bias_lr=20.0, head_lr=300.0, mixing_lr=2.0, weight_decay=0.01
    )
    optimizer = create_optimizer(model, config)
    assert isinstance(optimizer, Optimizers)
    optimizer.set_lr(0.1)  # half of the rate
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert rates[id(model.filters)] == pytest.approx(0.1)
    assert rates[id(model.norm_bias)] == pytest.approx(10.0)
    assert rates[id(model.head.weight)] == pytest.approx(150.0)
    for parameter in (model.coefficients.weight, model.coefficients.bias, model.bias):
        assert rates[id(parameter)] == pytest.approx(1.0)
    assert len(rates) == len(list(model.parameters()))


def test_weight_decay_pulls_the_rest_alike_whatever_its_rate_and_never_the_filters():
    model = Mixed()
    config = toy_config(
        optimizer="muon", lr=0.2, bias_lr=20.0, head_lr=300.0, mixing_lr=2.0, weight_decay=0.01
    )
    optimizer = create_optimizer(model, config)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.set_lr(0.2)
    optimizer.step()
    for name, parameter in model.named_parameters():
        if name == "filters":
            shrunk = parameter / parameter.norm() * before[name].norm()
            torch.testing.assert_close(shrunk.detach(), before[name])
        else:  # the first step of Nesterov's momentum counts a gradient 1.85 times
            torch.testing.assert_close(parameter.detach(), before[name] * (1 - 0.01 * 1.85))


def test_a_network_without_filters_trains_as_well():
    linear = nn.Linear(3, 2)
    optimizer = create_optimizer(linear, toy_config(optimizer="muon", bias_lr=0.1, head_lr=0.1))
    linear(drawn(4, 3)).sum().backward()
    before = linear.weight.detach().clone()
    optimizer.step()
    assert not torch.equal(before, linear.weight)


def test_the_state_goes_on_in_another_process_and_another_set_is_refused():
    config = toy_config(optimizer="muon", bias_lr=0.1, head_lr=0.1)
    ours, twin = tiny_net(), tiny_net(seed=1)
    one, other = create_optimizer(ours, config), create_optimizer(twin, config)
    ours(drawn(2, 3, 8, 8)).square().sum().backward()
    one.step()
    twin.load_state_dict(ours.state_dict())
    other.load_state_dict(copy.deepcopy(one.state_dict()))  # torch would share the tensors
    for mine, theirs in zip(ours.parameters(), twin.parameters(), strict=True):
        theirs.grad = mine.grad.clone()
    one.step()
    other.step()
    for mine, theirs in zip(ours.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs)
    with pytest.raises(ValueError, match="1 optimizers, not of 2"):
        one.load_state_dict({"0": {}})
