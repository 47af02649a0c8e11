"""Mixing coefficients set by hand, in place of those that a network predicts, while a context is open."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

Change = Callable[[Tensor], Tensor]  # predicted coefficients (N, K) -> those to use (N, K)


@contextmanager
def hand_mixing(
    mixers: Mapping[str, tuple[nn.Module, int]],
    fixed: Mapping[str, Sequence[float]],
    off: Mapping[str, Collection[int]],
) -> Iterator[None]:
    """While open, blocks mix as `fixed` and `off` say; see MixingClassifier.fixed_mixing.

    mixers: block -> the module that gives its coefficients (N, K), and K.
    """
    changes = _changes({block: count for block, (_, count) in mixers.items()}, fixed, off)
    with ExitStack() as stack:
        for block, change in changes.items():
            stack.callback(_replace_output(mixers[block][0], change))
        yield


def _replace_output(mixer: nn.Module, change: Change) -> Callable[[], None]:
    """Let `mixer` answer what `change` makes of its output; returns what undoes it."""
    return mixer.register_forward_hook(lambda _module, _inputs, output: change(output)).remove


def _changes(
    counts: Mapping[str, int], fixed: Mapping[str, Sequence[float]], off: Mapping[str, Collection[int]]
) -> dict[str, Change]:
    for block in (*fixed, *off):
        if block not in counts:
            known = ", ".join(counts) or "none"
            raise ValueError(f"There is no mixing block '{block:.50}'; the blocks are: {known}.")
    if both := sorted(set(fixed) & set(off)):
        raise ValueError(f"{both[0]} has fixed coefficients and kernels off; give one of the two.")
    changes = {block: _fixed(block, counts[block], values) for block, values in fixed.items()}
    return changes | {block: _without(block, counts[block], kernels) for block, kernels in off.items()}


def _fixed(block: str, count: int, values: Sequence[float]) -> Change:
    if len(values) != count or not all(math.isfinite(value) for value in values):
        raise ValueError(f"{block} mixes {count} kernels; give {count} finite numbers, not {list(values)}.")
    return lambda predicted: predicted.new_tensor(values).expand_as(predicted)


def _without(block: str, count: int, kernels: Collection[int]) -> Change:
    if not set(kernels) < set(range(count)):
        allowed = f"numbers from 0 to {count - 1}, and not all of them"
        raise ValueError(f"{block} mixes {count} kernels; switch off {allowed}, not {sorted(kernels)}.")
    kept = [float(kernel not in kernels) for kernel in range(count)]
    return lambda predicted: _share_out(predicted, predicted.new_tensor(kept))


def _share_out(predicted: Tensor, kept: Tensor) -> Tensor:
    """Coefficients (N, K) with those where `kept` (K,) is 0 shared out to the others in proportion.

    Where the others have nothing, as when a softmax is rounded to one kernel alone, they share evenly.
    """
    rest = predicted * kept
    total = rest.sum(dim=1, keepdim=True)
    shares = torch.where(total > 0, rest / total.clamp_min(torch.finfo(total.dtype).tiny), kept / kept.sum())
    return shares * predicted.sum(dim=1, keepdim=True)
