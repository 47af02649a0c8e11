"""Feature maps of a network's layers, and the filters that they have learned."""

from dataclasses import dataclass
from threading import get_ident

import torch
from torch import Tensor, nn

from cifar_core.models import ImageClassifier
from cifar_core.models.mixing import MixingConv2d
from cifar_core.models.speed_net import WhiteningConv2d
from cifar_core.models.summary import Part, parts_of


def map_layers(model: ImageClassifier) -> list[Part]:
    """The parts of a network that answer with feature maps (C, H, W), in the order of the pass."""
    return [part for part in parts_of(model) if len(part.shape) == 3]


@torch.no_grad()
def feature_maps(model: ImageClassifier, images: Tensor, layer: str) -> Tensor:
    """Feature maps of the part `layer` for normalized images (N, in_channels, H, W): (N, C, H', W').

    Raises:
        ValueError: when the network has no such part with feature maps.
    """
    names = [part.name for part in map_layers(model)]
    if layer not in names:
        raise ValueError(f"There is no layer '{layer:.100}'; the layers are: {', '.join(names)}.")
    kept: list[Tensor] = []
    owner = get_ident()

    def keep(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        if get_ident() == owner:  # visitors of a page share the network
            kept.append(output.clone())  # the next layer may work in place

    hook = model.get_submodule(layer).register_forward_hook(keep)
    try:
        model(images)
    finally:
        hook.remove()
    return kept[-1]


@dataclass(frozen=True)
class Filters:
    """The kernels of one convolution: weight (K, C_out, C_in, R, R), K = 1 where it does not mix."""

    name: str
    weight: Tensor


def filters_of(model: ImageClassifier, layer: str) -> list[Filters]:
    """The convolutions in the part `layer` with filters larger than one pixel, in the order of the part."""
    found = []
    for name, module in model.get_submodule(layer).named_modules():
        weight = _weight_of(module)
        if weight is not None and weight.shape[-1] > 1:
            found.append(Filters(f"{layer}.{name}" if name else layer, weight))
    return found


def _weight_of(module: nn.Module) -> Tensor | None:
    """(K, C_out, C_in, R, R) for a convolution of any kind, on the CPU; None for other modules."""
    if isinstance(module, MixingConv2d):
        return module.weight.detach().cpu()
    if isinstance(module, nn.Conv2d | WhiteningConv2d):
        return module.weight.detach().cpu()[None]
    return None
