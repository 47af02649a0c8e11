"""Batch norm folded into the convolutions before it, on a copy of a network made for inference.

In eval mode batch norm is y·scale + shift for each channel, and a convolution takes both into its kernel and
bias (Jacob et al. 2018, arXiv 1712.05877, section 3.2). Exact up to rounding; what is not recognized stays.
"""

import copy
import itertools
import threading
from collections.abc import Callable
from typing import Any, TypeGuard

import torch
from torch import Tensor, fx, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.parametrize import is_parametrized

from cifar_core.models.base import ImageClassifier
from cifar_core.models.mixing import MixingCoefficients, MixingConv2d

Convolution = nn.Conv2d | MixingConv2d
_TRACING = threading.Lock()  # fx replaces nn.Module.__call__ while it traces, and puts back what it found
PASSING = (nn.Identity, nn.Dropout, nn.Dropout2d)  # in eval mode they change nothing


@torch.no_grad()
def fold_batch_norm(model: ImageClassifier) -> ImageClassifier:
    """A copy in eval mode that answers as `model` does in eval mode, with as few batch norms as is exact.

    Folded: a norm behind a convolution, plain or mixing; behind a sum of such; behind a max pool where no
    scale is negative; and the norm of the averages from which mixing coefficients are predicted.
    """
    folded = copy.deepcopy(model).eval()
    for module in folded.modules():
        if isinstance(module, MixingCoefficients):
            _fold_averages(module)
    try:
        with _TRACING:
            graph = _Tracer().trace(folded)
    except Exception:  # control flow that depends on the images, or a call that fx cannot record
        return folded
    Folding(folded, graph).fold_all()
    return folded


def scale_and_shift(norm: _BatchNorm) -> tuple[Tensor, Tensor]:
    """(C,) each: batch norm in eval mode is x·scale + shift."""
    assert isinstance(norm.running_mean, Tensor) and isinstance(norm.running_var, Tensor)
    scale = (norm.running_var + norm.eps).rsqrt()
    if norm.affine:
        scale = scale * norm.weight
    shift = -norm.running_mean * scale
    return scale, shift + norm.bias if norm.affine else shift


class _Tracer(fx.Tracer):
    """Records which module feeds which; the inside of a mixing convolution does not matter for that."""

    def __init__(self) -> None:
        super().__init__()
        self.thread = threading.get_ident()

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, Convolution | _BatchNorm) or super().is_leaf_module(m, module_qualified_name)

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Record a call of the traced network; those of networks that other threads use pass unseen."""
        if threading.get_ident() != self.thread:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)


class Folding:
    """The copy under work, and the graph that says which of its modules feeds which."""

    def __init__(self, model: nn.Module, graph: fx.Graph) -> None:
        self.model = model
        self.modules = dict(model.named_modules())
        self.calls = [node for node in graph.nodes if node.op == "call_module"]

    def fold_all(self) -> None:
        """Fold every norm that can be, in the order of the pass, and put an identity in its place."""
        for node in self.calls:
            norm = self._module(node)
            if not _is_plain_norm(norm) or not self._is_only_call(node):
                continue
            scale, shift = scale_and_shift(norm)
            convolutions = self._sources(node.args[0], bool((scale >= 0).all()))
            carrier = next(filter(_carries_shift, convolutions), None)
            if carrier is not None:
                for convolution in convolutions:
                    _absorb(convolution, scale, shift if convolution is carrier else torch.zeros_like(shift))
                self._replace(str(node.target), nn.Identity())

    def _sources(self, node: object, may_pool: bool) -> list[Convolution]:
        """The convolutions whose sum `node` is, all free to be scaled; empty where it is something else."""
        if not isinstance(node, fx.Node) or len(node.users) != 1:
            return []
        if _is_sum(node):
            parts = [self._sources(part, may_pool) for part in node.args]
            are_different = len(set(node.args)) == len(parts)
            return list(itertools.chain(*parts)) if all(parts) and are_different else []
        if node.op != "call_module" or not self._is_only_call(node):
            return []
        module = self._module(node)
        if isinstance(module, PASSING) or (may_pool and _is_plain_pool(module)):
            return self._sources(node.args[0], may_pool)
        return [module] if _is_plain_convolution(module) else []

    def _module(self, node: fx.Node) -> nn.Module:
        return self.modules[str(node.target)]

    def _is_only_call(self, node: fx.Node) -> bool:
        module = self._module(node)
        return sum(self._module(other) is module for other in self.calls) == 1

    def _replace(self, name: str, module: nn.Module) -> None:
        self.model.set_submodule(name, module)
        self.modules[name] = module


def _is_sum(node: fx.Node) -> bool:
    names = ("add", "iadd")
    name = node.target if node.op == "call_method" else getattr(node.target, "__name__", "")
    return node.op in ("call_function", "call_method") and name in names and not node.kwargs


def _is_plain_norm(module: nn.Module) -> TypeGuard[nn.BatchNorm2d]:
    """Batch norm over channels, as torch counts it, with running statistics."""
    if not isinstance(module, nn.BatchNorm2d) or type(module).forward is not nn.BatchNorm2d.forward:
        return False
    return module.track_running_stats


def _is_plain_pool(module: nn.Module) -> bool:
    return type(module) is nn.MaxPool2d and not module.return_indices


def _is_plain_convolution(module: nn.Module) -> TypeGuard[Convolution]:
    kind = next((kind for kind in (nn.Conv2d, MixingConv2d) if isinstance(module, kind)), None)
    return kind is not None and type(module).forward is kind.forward and not is_parametrized(module)


def _carries_shift(convolution: Convolution) -> bool:
    """True where a number added to each bias comes out once: sigmoid coefficients do not sum to 1."""
    return isinstance(convolution, nn.Conv2d) or convolution.coefficients.activation == "softmax"


def _absorb(convolution: Convolution, scale: Tensor, shift: Tensor) -> None:
    """Take scale and shift (C_out,) into kernel and bias; every kernel of a mixing convolution takes them."""
    weight, bias = convolution.weight, convolution.bias
    channel = 1 if isinstance(convolution, MixingConv2d) else 0
    shape = [1] * channel + [-1] + [1] * (weight.dim() - channel - 1)
    convolution.weight = nn.Parameter(weight * scale.view(shape))
    convolution.bias = nn.Parameter(shift if bias is None else bias * scale + shift)


def _fold_averages(coefficients: MixingCoefficients) -> None:
    """Fold the norm of the channel averages into the linear layer behind it."""
    norm, linear = coefficients.norm, coefficients.linear
    if not isinstance(norm, nn.BatchNorm1d) or not norm.track_running_stats:
        return
    scale, shift = scale_and_shift(norm)
    linear.bias = nn.Parameter(linear.bias + linear.weight @ shift)
    linear.weight = nn.Parameter(linear.weight * scale)
    coefficients.norm = nn.Identity()
