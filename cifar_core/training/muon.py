"""Muon: each filter bank moves by its orthogonalized momentum (Jordan et al. 2024, kellerjordan.github.io).

As in airbench94_muon the filters are first brought to the norm sqrt(rows), so that the learning rate is an
angle. torch.optim.Muon takes matrices alone, and orthogonalizes one after another; here all matrices of one
shape go through Newton-Schulz together.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # the steepest quintic at 0; singular values end near 0.7..1.2
NEWTON_SCHULZ_STEPS = 3


def orthogonalize(matrices: Tensor) -> Tensor:
    """Matrices (n, rows, columns) -> the same singular vectors with all singular values near 1."""
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    if x.dtype == torch.float32 and x.shape[2] > 2 * x.shape[1]:
        x = _orthogonalize_wide(x)
    else:
        for _ in range(NEWTON_SCHULZ_STEPS):
            gram = x @ x.mT
            x = torch.baddbmm(x, _beyond_identity(gram), x, beta=NEWTON_SCHULZ[0])
    return x.mT if tall else x


def _orthogonalize_wide(x: Tensor) -> Tensor:
    """The same steps with two products of the width of x for six; 16 bits are too coarse for it.

    A step multiplies x by a polynomial p of its Gram matrix g = x·xᵀ, which thereby becomes p·g·p.
    """
    gram = x @ x.mT
    step = product = _polynomial(gram)
    for _ in range(NEWTON_SCHULZ_STEPS - 1):
        gram = step @ gram @ step
        step = _polynomial(gram)
        product = step @ product
    return product @ x


def _polynomial(gram: Tensor) -> Tensor:
    step = _beyond_identity(gram)
    step.diagonal(dim1=1, dim2=2).add_(NEWTON_SCHULZ[0])
    return step


def _beyond_identity(gram: Tensor) -> Tensor:
    _, b, c = NEWTON_SCHULZ
    return torch.baddbmm(gram, gram, gram, beta=b, alpha=c)


class Muon(Optimizer):
    """Parameters of four dimensions (rows, …), or of five (K, rows, …): K filter banks in one.

    lr: share of a filter bank's norm that a step moves at the most, about; momentum: Nesterov's.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float, momentum: float) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Change the parameters that have a gradient."""
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            if parameters:
                self._step(parameters, group["lr"], group["momentum"])

    def _step(self, parameters: list[Tensor], lr: float, momentum: float) -> None:
        gradients: list[Tensor] = [parameter.grad for parameter in parameters]  # type: ignore[misc]
        buffers = [self._buffer(parameter) for parameter in parameters]
        torch._foreach_mul_(buffers, momentum)
        torch._foreach_add_(buffers, gradients)
        updates = list(torch._foreach_add(gradients, buffers, alpha=momentum))
        for numbers in _by_shape(updates).values():
            matrices = torch.cat([_matrices(updates[number]) for number in numbers])
            if matrices.device.type == "cuda":  # where 16 bits cost nothing in quality and a third in time
                matrices = matrices.bfloat16()
            parts = orthogonalize(matrices).split([len(_matrices(updates[number])) for number in numbers])
            for number, part in zip(numbers, parts, strict=True):
                _move(parameters[number], part, lr)

    def _buffer(self, parameter: Tensor) -> Tensor:
        state = self.state[parameter]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        buffer: Tensor = state["momentum_buffer"]
        return buffer


def _matrices(filters: Tensor) -> Tensor:
    """(rows, C, R, S) -> (1, rows, C·R·S); (K, rows, C, R, S) -> (K, rows, C·R·S)."""
    return (filters if filters.ndim == 5 else filters[None]).flatten(2)


def _by_shape(tensors: list[Tensor]) -> dict[torch.Size, list[int]]:
    """Matrix shape -> the positions of the tensors that have it."""
    numbers: dict[torch.Size, list[int]] = {}
    for number, tensor in enumerate(tensors):
        numbers.setdefault(_matrices(tensor).shape[1:], []).append(number)
    return numbers


def _move(parameter: Tensor, update: Tensor, lr: float) -> None:
    """Rescale each filter bank to the norm sqrt(rows), then take the step."""
    banks = _matrices(parameter.detach())  # (K, rows, columns)
    norms = banks.norm(dim=(1, 2))
    shape = (-1, *[1] * (parameter.ndim - 1)) if parameter.ndim == 5 else (1,) * parameter.ndim
    parameter.mul_((banks.shape[1] ** 0.5 / norms).view(shape))
    parameter.add_(update.view(parameter.shape).to(parameter.dtype), alpha=-lr)
