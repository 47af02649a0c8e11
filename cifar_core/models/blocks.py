"""Statistics of a network's blocks on images: the mean and the spread of each of their channels."""

from collections.abc import Sequence
from contextlib import AbstractContextManager

import torch
from torch import Tensor, nn

from cifar_core.models.base import ImageClassifier
from cifar_core.models.mixing import MixingConv2d
from cifar_core.models.recording import record_outputs


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


def record_blocks(model: nn.Module, names: Sequence[str]) -> AbstractContextManager[list[Tensor]]:
    """`record_outputs` with `channel_statistics` of the named modules."""
    return record_outputs([model.get_submodule(name) for name in names], channel_statistics)


def channel_statistics(maps: Tensor) -> Tensor:
    """Feature maps (N, C, H, W) -> mean and standard deviation of each channel, (N, 2C)."""
    flat = maps.detach().flatten(2).float()
    means = flat.mean(dim=2)
    variances = (flat.square().mean(dim=2) - means.square()).clamp(min=0)
    return torch.cat([means, variances.sqrt()], dim=1)
