"""A network as a list of its parts: what each consists of, its shapes, its parameters and its cost."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cifar_core.models.base import ImageClassifier
from cifar_core.models.mixing import MixingConv2d
from cifar_core.models.speed_net import WhiteningConv2d

MANY = 8  # different words about one part; more are hard to read
CONTAINERS = (nn.Sequential, nn.ModuleList)
SHOWN = {  # kind of module -> its name for a reader; others are left out
    nn.BatchNorm2d: "batch norm",
    nn.ReLU: "ReLU",
    nn.SiLU: "SiLU",
    nn.MaxPool2d: "max pool",
    nn.AvgPool2d: "average pool",
    nn.Dropout: "dropout",
    nn.Dropout2d: "dropout",
}


@dataclass(frozen=True)
class Part:
    """A part of a network: `name` is its path, `layers` what it consists of, in the order of the pass.

    shape: of its result for one image, (C, H, W) or (C,); macs: multiply-accumulates for one image.
    """

    name: str
    layers: tuple[str, ...]
    shape: tuple[int, ...]
    parameters: int
    macs: int


def parts_of(model: ImageClassifier, size: int = 32) -> list[Part]:
    """The parts of `model` in the order in which an image of size x size passes them.

    A part is a child of the network, or of a container of parts in it. Shapes come from a pass in eval mode
    on the weights' device ("meta" will do), costs from torch's own counter.
    """
    from torch.utils.flop_counter import FlopCounterMode  # brings Triton, in a quarter of a second

    modules = part_modules(model)
    order: list[str] = []
    shapes: dict[str, tuple[int, ...]] = {}

    def note(name: str, output: Tensor) -> None:
        if name not in shapes:
            order.append(name)
        shapes[name] = tuple(output.shape[1:])

    hooks = [
        module.register_forward_hook(lambda _module, _inputs, output, name=name: note(name, output))
        for name, module in modules.items()
    ]
    was_training = model.training
    device = next(model.parameters()).device
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            model.eval()(torch.zeros(1, model.in_channels, size, size, device=device))
    finally:
        model.train(was_training)
        for hook in hooks:
            hook.remove()
    flops = counter.get_flop_counts()
    root = type(model).__name__
    return [
        Part(
            name,
            tuple(_layers(modules[name])),
            shapes[name],
            sum(parameter.numel() for parameter in modules[name].parameters() if parameter.requires_grad),
            sum(flops.get(f"{root}.{name}", {}).values()) // 2,
        )
        for name in order
    ]


def part_modules(module: nn.Module, path: str = "") -> dict[str, nn.Module]:
    """Name -> module of the parts, as they were defined: the children below `path`.

    A container of containers, or of blocks, gives way to its own children.
    """
    found: dict[str, nn.Module] = {}
    for name, child in module.named_children():
        full = f"{path}.{name}" if path else name
        found |= part_modules(child, full) if _holds_parts(child) else {full: child}
    return found


def _holds_parts(module: nn.Module) -> bool:
    if not isinstance(module, CONTAINERS):
        return False
    has_container = any(isinstance(child, CONTAINERS) for child in module)
    return has_container or all(list(child.children()) for child in module)


def _layers(module: nn.Module) -> list[str]:
    """Describe what a part consists of; the same thing many times over is counted.

    Where there are many different convolutions, as in a dense block, their channels are left out.
    """
    words = list(_words(module))
    if len(set(words)) > MANY:
        words = [word.partition(", ")[0] for word in words]
    counted = {word: words.count(word) for word in words}
    return [word if count == 1 else f"{count} × {word}" for word, count in counted.items()]


def _words(module: nn.Module) -> Iterator[str]:
    word = _word(module)
    if word:
        yield word
        return
    for child in module.children():
        yield from _words(child)


def _word(module: nn.Module) -> str:
    if isinstance(module, MixingConv2d):
        kernels, c_out, c_in, side, _ = module.weight.shape
        return f"mixing convolution {side}×{side}, {c_in} → {c_out}, {kernels} kernels"
    if isinstance(module, WhiteningConv2d):
        c_out, c_in, side, _ = module.weight.shape
        return f"whitening {side}×{side} (not trained), {c_in} → {c_out}"
    if isinstance(module, nn.Conv2d):
        side, groups = module.kernel_size[0], f", {module.groups} groups" if module.groups > 1 else ""
        return f"convolution {side}×{side}, {module.in_channels} → {module.out_channels}{groups}"
    if isinstance(module, nn.Linear):
        return f"linear, {module.in_features} → {module.out_features}"
    return next((word for kind, word in SHOWN.items() if isinstance(module, kind)), "")


def count_parameters(model: ImageClassifier) -> int:
    """Trainable numbers."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def count_macs(model: ImageClassifier, size: int = 32) -> int:
    """Multiply-accumulates of the forward pass of one image (in_channels, size, size).

    Counted by torch at batch 1, where a mixing block convolves once, with its mixed kernel.
    """
    from torch.utils.flop_counter import FlopCounterMode

    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, model.in_channels, size, size, device=device))
    model.train(was_training)
    return int(counter.get_total_flops()) // 2  # two FLOPs in a multiply-accumulate
