"""Batch norm over the images of all ranks, on CPUs too, where torch's SyncBatchNorm refuses to work.

While `shared_statistics` is open every batch norm in training mode, whatever its class, takes the mean and
the variance of the whole batch. Of each channel two numbers travel forward, and two sums of the gradient
backward (Ioffe & Szegedy 2015, arXiv 1502.03167).
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import batch_norm
from torch.overrides import TorchFunctionMode

from cifar_core.training.ranks import Ranks


def shared_statistics(ranks: Ranks, count: int, shared: bool) -> AbstractContextManager[Any]:
    """Share statistics over the ranks for a batch of `count` images, if asked for, or where shares are tiny.

    One image alone has no variance: shares of less than two always share them.
    """
    if ranks.size == 1 or not (shared or count < 2 * ranks.size):
        return nullcontext()
    own = ranks.share(count)
    return _SharedStatistics(ranks, own.stop > own.start)


class _SharedStatistics(TorchFunctionMode):
    """counted: False where this rank has no image of the batch, and only keeps step."""

    def __init__(self, ranks: Ranks, counted: bool) -> None:
        super().__init__()
        self.ranks, self.counted = ranks, counted

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return (self._norm if func is batch_norm else func)(*args, **(kwargs or {}))

    def _norm(
        self,
        x: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Tensor:
        """As torch's `batch_norm`: x (N, C) or (N, C, H, W) -> the same shape."""
        if not training:
            return batch_norm(x, running_mean, running_var, weight, bias, False, momentum, eps)
        if weight is None:
            weight = torch.ones(x.shape[1], device=x.device)
        normed, mean, var, values = _SharedNorm.apply(x, weight, bias, eps, self.ranks, self.counted)
        if running_mean is not None and running_var is not None:
            with torch.no_grad():
                running_mean.lerp_(mean, momentum)
                running_var.lerp_(var * (values / (values - 1)), momentum)
        return normed


class _SharedNorm(torch.autograd.Function):
    """(normed, mean (C,), biased variance (C,), values a channel ()) of x over all ranks."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, eps: float, ranks: Ranks, counted: bool
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        channels = x.shape[1]
        single = torch.zeros(2, channels, device=x.device)  # makes 16-bit images have 32-bit statistics
        mean, var = torch.batch_norm_update_stats(x, single[0], single[1], 0.0)  # of the own share
        images = mean.new_full((1,), len(x) if counted else 0)
        means, variances, counts = ranks.gather(torch.cat([mean, var, images])).split(
            [channels, channels, 1], 1
        )
        shares = counts / counts.sum()  # (ranks, 1)
        mean = (shares * means).sum(0)
        var = (shares * (variances + (means - mean) ** 2)).sum(0)
        values = counts.sum() * (x[0].numel() // channels)
        ctx.save_for_backward(x, weight, mean, var, values)
        ctx.eps, ctx.ranks, ctx.counted = eps, ranks, counted
        ctx.mark_non_differentiable(mean, var, values)
        return batch_norm(x, mean, var, weight, bias, False, 0.0, eps), mean, var, values

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, *_: Any) -> tuple[Any, ...]:
        x, weight, mean, var, values = ctx.saved_tensors
        inverse = (var + ctx.eps).rsqrt()
        # as if mean and variance were constants: also the sums over the own share of g·x̂ and g
        at_constants, of_weight, of_bias = torch.ops.aten.native_batch_norm_backward(
            gradient, x, weight, mean, var, mean, inverse, False, ctx.eps, [True, True, True]
        )
        sums = torch.stack([of_weight, of_bias])
        ctx.ranks.total([sums])
        slope = -weight * inverse**2 * sums[0] / values
        offset = -weight * inverse * sums[1] / values - mean * slope
        if ctx.counted:
            shape = (-1,) + (1,) * (x.ndim - 2)
            at_constants += torch.addcmul(offset.view(shape), x, slope.view(shape))
        needed = (at_constants, of_weight, of_bias)
        return (
            *(one if wanted else None for one, wanted in zip(needed, ctx.needs_input_grad, strict=False)),
            None,
            None,
            None,
        )
