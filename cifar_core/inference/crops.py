"""What is looked at of a picture: its middle square; of a large one also the inner part and what lies beside.

The answer to a large picture is the mean over its two crops. The parts beside its middle are asked where that
is strange to a network.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from cifar_core.images.crop import Crop, cropped
from cifar_core.inference.preprocess import Images, rgb, to_pixels

LARGE_SIDE = 64  # pixels of the shorter side, from which a picture is large
INNER = Crop(zoom=4 / 3)
ZOOM = 1.5  # of the parts beside the middle
LONG = 1.2  # longer side against shorter, from which the largest squares at its ends are looked at
SMALL_SIDE = 128  # pixels of a copy's shorter side
_SIDES = {"left": (-1, 0), "right": (1, 0), "top": (0, -1), "bottom": (0, 1)}


@dataclass(frozen=True)
class Part:
    """A part of a picture: its square, and where it lies: "left", "right", "top" or "bottom"."""

    crop: Crop
    side: str


class Beside(NamedTuple):
    """The parts beside a picture's middle, and their pixels, uint8 (P, 3, 32, 32)."""

    parts: list[Part]
    pixels: Tensor


@dataclass(frozen=True)
class Crops:
    """The crops of images: uint8 pixels (M, 3, 32, 32), and their images' numbers (M,), ascending.

    beside: what lies beside the middle of each image, None where nothing is looked for. All of a picture
    takes some ten kB, so that this, and not the picture, can be kept until it is answered.
    """

    pixels: Tensor
    owners: NDArray[np.int64]
    beside: Sequence[Beside | None]

    @classmethod
    def joined(cls, several: Sequence["Crops"]) -> "Crops":
        """The crops of single images as those of one sequence of images; several: at least one."""
        owners = np.repeat(np.arange(len(several)), [len(one.owners) for one in several])
        pixels = torch.cat([one.pixels for one in several])
        return cls(pixels, owners, [beside for one in several for beside in one.beside])


def crops_of(images: Images | Crops, beside: bool = True) -> Crops:
    """The crops of images; the first of each is what `to_pixels` makes of it, large pictures have a second.

    beside: whether to cut what lies beside the middle of large pictures as well. Arrays have one crop each.
    Raises InferenceError.
    """
    if isinstance(images, Crops):
        return images
    whole = to_pixels(images)
    numbers = np.arange(len(whole))
    if isinstance(images, np.ndarray | Tensor):
        return Crops(whole, numbers, [None] * len(whole))
    large = [number for number, picture in enumerate(images) if min(picture.size) >= LARGE_SIDE]
    inner = to_pixels([cropped(rgb(images[number]), INNER) for number in large])
    owners = np.concatenate([numbers, np.array(large, np.int64)])
    order = np.argsort(owners, kind="stable")
    found = [_beside(picture) if beside else None for picture in images]
    return Crops(torch.cat([whole, inner])[order], owners[order], found)


def _beside(picture: Image.Image) -> Beside | None:
    if min(picture.size) < LARGE_SIDE:
        return None
    small = small_copy(rgb(picture))
    parts = parts_beside(small.size)
    return Beside(parts, to_pixels([cropped(small, part.crop) for part in parts]))


def small_copy(picture: Image.Image) -> Image.Image:
    """The picture, its shorter side reduced to SMALL_SIDE to twice that: enough to cut parts from."""
    factor = min(picture.size) // SMALL_SIDE
    return picture.reduce(factor) if factor > 1 else picture


def parts_beside(size: tuple[int, int]) -> list[Part]:
    """The parts of a picture of (width, height) pixels that its middle leaves out."""
    width, height = size
    wide, high = {"left", "right"}, {"top", "bottom"}
    ends = (wide if width >= LONG * height else set()) | (high if height >= LONG * width else set())
    return [
        Part(Crop(zoom=zoom, right=right, down=down), side)
        for side, (right, down) in _SIDES.items()
        for zoom in ((1.0, ZOOM) if side in ends else (ZOOM,))
    ]
