"""Portraits of a mixing network's kernels: the patches of images that each answers more than its siblings.

A kernel's answer at a position is the mean over its channels of its absolute response, divided by the mean of
that over the first batch, so that no kernel wins by being large. Its strength there is its answer minus the
mean of its siblings'. The patch is the receptive field: what of the image the position rests on, leaving
aside the coefficients, which rest on all of it. An image gives a kernel one patch at the most.

What is kept are numbers alone; the patches are drawn where the images are.
"""

import dataclasses
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from cifar_core.errors import LabError
from cifar_core.files import PORTRAITS, build, write_json
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.held_out import HeldOut
from cifar_core.models.mixing import MixingConv2d
from cifar_core.models.speed_net import PATCH, WhiteningConv2d

PATCHES = 9  # of a kernel
BATCH = 250  # images


class NoPortraits(LabError):
    """A network that does not mix."""


@dataclass(frozen=True)
class Patch:
    """A place in an image: its number among the images, and [top, left, bottom, right) in whole pixels."""

    image: int
    box: list[int]
    strength: float


@dataclass(frozen=True)
class Portraits:
    """The patches of every kernel: block -> kernel -> patches, the strongest first.

    pictures: the key of the images (HeldOut.key), `n` of the split `split`; weights: their version.
    """

    pictures: str
    split: str
    n: int
    weights: str
    blocks: dict[str, list[list[Patch]]]


def read_portraits(folder: Path, kept: Path | None = None) -> Portraits | None:
    """The portraits of a checkpoint; None where there are none, damaged ones, or those of other weights.

    kept: the folder that they lie in, where it is not that of the checkpoint.

    portraits = read_portraits(folder)
    if portraits is not None:
        held_out = select_images(card, data, portraits.split, portraits.n)
        if held_out.key == portraits.pictures:  # else it is other data
            patch = portraits.blocks["B3"][0][0]  # the first kernel's strongest
            top, left, bottom, right = patch.box
            pixels = held_out.images[patch.image, :, top:bottom, left:right]  # (3, height, width)
    """
    from cifar_core.checkpoint import CheckpointError, weights_version

    try:
        document = json.loads(((kept or folder) / PORTRAITS).read_text(encoding="utf-8"))
        found = build(Portraits, document)
        version = weights_version(folder)
    except (OSError, ValueError, TypeError, RecursionError, CheckpointError):
        return None
    patches = [one for kernels in found.blocks.values() for kernel in kernels for one in kernel]
    whole = found.weights == version and found.n > 0 and all(_is_patch(one, found.n) for one in patches)
    return found if whole else None


def _is_patch(one: Patch, images: int) -> bool:
    if len(one.box) != 4 or not 0 <= one.image < images or not math.isfinite(one.strength):
        return False
    top, left, bottom, right = one.box
    return 0 <= top < bottom <= 32 and 0 <= left < right <= 32


def write_portraits(folder: Path, portraits: Portraits) -> None:
    """Keep them in a folder, such as the checkpoint's, replacing older ones."""
    write_json(folder / PORTRAITS, dataclasses.asdict(portraits))


def find_portraits(
    classifier: Classifier,
    held_out: HeldOut,
    patches: int = PATCHES,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Portraits:
    """Look for the patches of all kernels of all blocks, in one pass over the images.

    progress: hears how many images of how many are done.

    Raises:
        NoPortraits: when the network does not mix.
    """
    blocks = classifier.model.mixing_blocks()
    if not blocks:
        raise NoPortraits(f"The network {classifier.card.model} does not mix; take one that does.")
    searches = [Search(patches) for _ in blocks]
    images = torch.from_numpy(held_out.images)
    with _looking(classifier.model, searches) as fields, torch.inference_mode():
        for start in range(0, len(images), BATCH):
            part = images[start : start + BATCH]
            classifier.model(classifier.normalize(part.to(classifier.device)))
            progress(start + len(part), len(images))
    found = {
        block: search.patches_in(field, held_out.images.shape[2])
        for block, search, field in zip(blocks, searches, fields, strict=True)
    }
    return Portraits(held_out.key, held_out.split, len(held_out), classifier.version, found)


@dataclass(frozen=True)
class Field:
    """A receptive field in pixels: its size, the way from position to position, where the first begins."""

    size: int = 1
    jump: int = 1
    start: int = 0

    def behind(self, kernel: int, stride: int, padding: int) -> "Field":
        """The field behind one more layer."""
        return Field(
            self.size + (kernel - 1) * self.jump, self.jump * stride, self.start - padding * self.jump
        )

    def span(self, position: int, side: int) -> tuple[int, int]:
        """[first, last) pixel at a position along an axis, within the image."""
        first = self.start + position * self.jump
        return max(0, first), min(side, first + self.size)


class Search:
    """The strongest positions of one block's kernels so far."""

    def __init__(self, patches: int) -> None:
        self.patches = patches
        self.images = 0
        self.means: Tensor = torch.empty(0)  # (K,) of the answers to the first batch
        self.strengths: Tensor = torch.empty(0)  # (K, patches), the strongest first
        self.places: Tensor = torch.empty(0)  # (K, patches, 3): image, row, column

    def add(self, answers: Tensor) -> None:
        """Take in the answers (N, K, H, W) to the next images."""
        n, kernels, _, width = answers.shape
        if not self.images:
            self.means = answers.mean(dim=(0, 2, 3))
        scaled = answers / self.means.clamp(min=1e-12)[:, None, None]
        siblings = (scaled.sum(dim=1, keepdim=True) - scaled) / max(1, kernels - 1)
        best, at = (scaled - siblings).flatten(2).max(dim=2)  # (N, K): one position an image
        numbers = torch.arange(self.images, self.images + n)[:, None].expand(n, kernels)
        rows, columns = (at // width).cpu(), (at % width).cpu()
        places = torch.stack([numbers, rows, columns], dim=2).transpose(0, 1)  # (K, N, 3)
        strengths = best.cpu().T
        if self.images:
            strengths = torch.cat([self.strengths, strengths], dim=1)
            places = torch.cat([self.places, places], dim=1)
        self.strengths, order = strengths.sort(dim=1, descending=True, stable=True)
        self.strengths = self.strengths[:, : self.patches]
        order = order[:, : self.patches, None].expand(-1, -1, 3)
        self.places = places.gather(1, order)
        self.images += n

    def patches_in(self, field: Field, side: int) -> list[list[Patch]]:
        """For each kernel its patches, in images of so many pixels a side."""
        found = []
        for strengths, places in zip(self.strengths.tolist(), self.places.tolist(), strict=True):
            kernel = []
            for strength, (image, row, column) in zip(strengths, places, strict=True):
                (top, bottom), (left, right) = field.span(row, side), field.span(column, side)
                kernel.append(Patch(image, [top, left, bottom, right], round(strength, 4)))
            found.append(kernel)
        return found


@contextmanager
def _looking(model: nn.Module, searches: Sequence[Search]) -> Iterator[list[Field]]:
    """While open, each pass of the model is searched; the list gets the receptive field of each block.

    The layers are taken in the order of the pass: in a mixing network they follow one another, and what goes
    past a block is a convolution of single pixels.
    """
    fields: list[Field] = []
    field = [Field()]
    left = [iter(searches)]

    def begin(*_: object) -> None:
        fields.clear()
        field[0], left[0] = Field(), iter(searches)

    def behind(module: nn.Module, inputs: tuple[Tensor, ...], _output: Tensor) -> None:
        field[0] = field[0].behind(*_geometry(module))
        if isinstance(module, MixingConv2d):
            fields.append(field[0])
            next(left[0]).add(answers_of(module, inputs[0]))

    with ExitStack() as stack:
        stack.callback(model.register_forward_pre_hook(begin).remove)
        for module in model.modules():
            if isinstance(module, MixingConv2d | WhiteningConv2d | nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d):
                stack.callback(module.register_forward_hook(behind).remove)
        yield fields


def _geometry(module: nn.Module) -> tuple[int, int, int]:
    """(kernel, stride, padding) of a layer, along either axis."""
    if isinstance(module, WhiteningConv2d):
        return PATCH, 1, 0
    if isinstance(module, MixingConv2d):
        return module.weight.shape[-1], module.stride, module.padding
    values = (cast(object, getattr(module, name)) for name in ("kernel_size", "stride", "padding"))
    kernel, stride, padding = (value[0] if isinstance(value, tuple) else value for value in values)
    return int(cast(int, kernel)), int(cast(int, stride)), int(cast(int, padding))


def answers_of(layer: MixingConv2d, x: Tensor) -> Tensor:
    """x (N, C_in, H, W) -> each kernel's mean absolute response, (N, K, H', W')."""
    outputs = conv2d(x, layer.weight.flatten(0, 1), layer.bias.flatten(), layer.stride, layer.padding)
    return outputs.unflatten(1, layer.weight.shape[:2]).abs().mean(dim=2)
