"""Shared batch norm is torch's, for every class of it: output, gradients, running statistics."""

import pytest
import torch
from torch import nn

from cifar_core.models.scale_resnet import BatchStatisticsNorm
from cifar_core.models.speed_net import QuickBatchNorm2d
from cifar_core.training.ranks import ALONE, Ranks
from cifar_core.training.shared_norm import shared_statistics

NORMS = {
    "torch's": (lambda: nn.BatchNorm2d(6), (8, 6, 5, 5)),
    "quick": (lambda: QuickBatchNorm2d(6), (8, 6, 5, 5)),
    "of a batch": (lambda: BatchStatisticsNorm(6, True), (8, 6, 5, 5)),
    "of coefficients": (lambda: nn.BatchNorm1d(6, affine=False), (8, 6)),
}


class OneOfTwo(Ranks):
    """Rank 1 of two whose other one has the same images: the statistics are those of its own."""

    def gather(self, tensor):
        return torch.stack([tensor, tensor])

    def total(self, tensors):
        for tensor in tensors:
            tensor *= 2


def passed(norm, x, gradient, ranks):
    """Output, gradients and running statistics after a step."""
    x = x.clone().requires_grad_()
    with shared_statistics(ranks, 2 * len(x), shared=True):
        y = norm(x)
    y.backward(gradient)
    return [y, x.grad, norm.running_mean, *(one.grad for one in norm.parameters())], norm.running_var


@pytest.mark.parametrize(("make", "shape"), NORMS.values(), ids=NORMS)
@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
def test_it_is_torchs_of_all_images(make, shape, dtype, error):
    torch.manual_seed(0)
    x, gradient = (3 * torch.randn(shape) + 2).to(dtype), torch.randn(shape).to(dtype)
    ours, our_var = passed(make(), x, gradient, OneOfTwo(1, 2))
    theirs, their_var = passed(make(), x, gradient, ALONE)
    assert ours[0].dtype == dtype
    for one, other in zip(ours, theirs, strict=True):
        assert torch.allclose(one.float(), other.float(), rtol=error, atol=error)
    assert torch.allclose(our_var, their_var, rtol=2 * 6 / x.numel())  # unbiased, of twice as many values


def test_it_leaves_evaluation_alone():
    norm, x = nn.BatchNorm2d(6).eval(), torch.randn(4, 6, 3, 3)
    with shared_statistics(OneOfTwo(1, 2), 8, shared=True):
        assert torch.equal(norm(x), norm(x))
        assert norm.num_batches_tracked == 0


@pytest.mark.parametrize(("count", "shared", "whole"), [(8, True, True), (8, False, False), (3, False, True)])
def test_shares_without_a_variance_of_their_own_always_take_the_whole_batchs(count, shared, whole):
    called = []

    class Listening(OneOfTwo):
        def gather(self, tensor):
            called.append(tensor)
            return super().gather(tensor)

    with shared_statistics(Listening(1, 2), count, shared):
        nn.BatchNorm2d(6)(torch.randn(2, 6, 3, 3))
    assert bool(called) == whole
