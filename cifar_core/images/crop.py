"""Which part of a picture a network is shown: turned, cut to a square, before it is shrunk."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from PIL import Image, ImageStat

from cifar_core.errors import LabError

MOST_ZOOM = 8.0
_LIMITS = {"turn": (-360.0, 360.0), "zoom": (1.0, MOST_ZOOM), "right": (-1.0, 1.0), "down": (-1.0, 1.0)}
_QUARTERS = {
    90: Image.Transpose.ROTATE_270,  # Pillow turns against the clock
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}


class CropError(LabError):
    """A part of a picture that cannot be had."""

    exit_code = 2


@dataclass(frozen=True)
class Crop:
    """A square of a turned picture; the default is the middle square of the picture as it stands.

    turn: degrees, clockwise, -360 to 360. zoom: 1 is the largest square, 2 one of half its side, up to 8.
    right, down: where the square lies in the room that it has, each from -1 to 1; 0 is the middle.

    Raises:
        CropError: for a number outside these limits.
    """

    turn: float = 0.0
    zoom: float = 1.0
    right: float = 0.0
    down: float = 0.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            low, high = _LIMITS[name]
            if not (math.isfinite(value) and low <= value <= high):
                raise CropError(f"{name} is {value:g}; it must be from {low:g} to {high:g}.")

    @property
    def whole(self) -> bool:
        """Whether it is the middle square of the picture as it stands."""
        return self == Crop()

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def turned(image: Image.Image, degrees: float) -> Image.Image:
    """An RGB picture turned clockwise; quarters keep every pixel, corners that open get its mean color."""
    degrees %= 360
    if degrees == 0:
        return image
    if degrees in _QUARTERS:
        return image.transpose(_QUARTERS[int(degrees)])
    mean = tuple(round(value) for value in ImageStat.Stat(image).mean)
    return image.rotate(-degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=mean)


def crop_box(size: tuple[int, int], crop: Crop) -> tuple[int, int, int, int]:
    """left, top, right, bottom of the crop's square in a turned picture of (width, height) pixels."""
    side = max(1, round(min(size) / crop.zoom))
    left = round((size[0] - side) / 2 * (1 + crop.right))
    top = round((size[1] - side) / 2 * (1 + crop.down))
    return left, top, left + side, top + side


def cropped(image: Image.Image, crop: Crop) -> Image.Image:
    """The crop's square of an RGB picture; the default crop leaves the picture as it is."""
    if crop.whole:
        return image
    whole = turned(image, crop.turn)
    return whole.crop(crop_box(whole.size, crop))
