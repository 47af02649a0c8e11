"""Where in a large picture something familiar stands, when its middle is strange."""

from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image
from torch import Tensor

from cifar_core.images.crop import Crop, cropped
from cifar_core.inference.preprocess import LARGE_SIDE, rgb, to_pixels

ZOOM = 1.5  # of the parts beside the middle
LONG = 1.2  # longer side against shorter, from which the largest squares at its ends are looked at
SIDE = 128  # pixels
_SIDES = {"left": (-1, 0), "right": (1, 0), "top": (0, -1), "bottom": (0, 1)}


@dataclass(frozen=True)
class Part:
    """A part of a picture: its square, and where it lies: "left", "right", "top" or "bottom"."""

    crop: Crop
    side: str


def small_copy(picture: Image.Image) -> Image.Image:
    """The picture, reduced to a shorter side of SIDE to twice as many pixels: enough to cut parts from."""
    factor = min(picture.size) // SIDE
    return picture.reduce(factor) if factor > 1 else picture


class Beside(NamedTuple):
    """The parts beside a picture's middle, and their pixels, uint8 (P, 3, 32, 32): a few kB, easy to keep."""

    parts: list[Part]
    pixels: Tensor

    @classmethod
    def of(cls, picture: Image.Image) -> "Beside":
        """Cut from a small copy of a picture, in whatever mode; raises InferenceError as `to_pixels`."""
        small = small_copy(rgb(picture))
        parts = parts_beside(small)
        return cls(parts, to_pixels([cropped(small, part.crop) for part in parts]))


def parts_beside(picture: Image.Image) -> list[Part]:
    """The parts of a picture that its middle leaves out; none of one that is too small to have any."""
    if min(picture.size) < LARGE_SIDE:
        return []
    width, height = picture.size
    ends = (
        {"left", "right"} if width >= LONG * height else {"top", "bottom"} if height >= LONG * width else ()
    )
    return [
        Part(Crop(zoom=zoom, right=right, down=down), side)
        for side, (right, down) in _SIDES.items()
        for zoom in ((1.0, ZOOM) if side in ends else (ZOOM,))
    ]
