"""What each block of a network makes of images, in short: the mean and the spread of each of its channels."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from cifar_core.models.base import ImageClassifier
from cifar_core.models.mixing import MixingConv2d


def block_names(model: ImageClassifier) -> list[str]:
    """Names of the parts of the network's longest chain that convolves; empty where it has none."""
    chains = [(name, module) for name, module in model.named_modules() if _convolves(module)]
    if not chains:
        return []
    name, chain = max(chains, key=lambda pair: len(pair[1]))
    return [f"{name}.{part}" if name else part for part, _ in chain.named_children()]


def _convolves(module: nn.Module) -> bool:
    return isinstance(module, nn.Sequential) and any(
        isinstance(part, nn.Conv2d | MixingConv2d) for part in module.modules()
    )


@contextmanager
def record_blocks(model: nn.Module, names: Sequence[str]) -> Iterator[list[Tensor]]:
    """While open, each forward pass leaves `channel_statistics` of the named modules in the list, in their
    order, replaced by the next pass."""
    features: list[Tensor] = [torch.empty(0)] * len(names)

    def keep(number: int, output: Tensor) -> None:
        features[number] = channel_statistics(output)

    handles = [
        model.get_submodule(name).register_forward_hook(
            lambda _module, _inputs, output, number=number: keep(number, output)
        )
        for number, name in enumerate(names)
    ]
    try:
        yield features
    finally:
        for handle in handles:
            handle.remove()


def channel_statistics(maps: Tensor) -> Tensor:
    """Feature maps (N, C, H, W) -> mean and standard deviation of each channel, (N, 2C)."""
    flat = maps.detach().flatten(2).float()
    means = flat.mean(dim=2)
    variances = (flat.square().mean(dim=2) - means.square()).clamp(min=0)
    return torch.cat([means, variances.sqrt()], dim=1)
