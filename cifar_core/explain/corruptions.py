"""Kinds of damage to images, each in five strengths, as functions of whole batches.

Hendrycks & Dietterich 2019, arXiv 1903.12261, with the strengths that its authors take for CIFAR-10-C;
rotation and shift are ours. Departures: the noise is the same at every strength, only louder, and brightness
is added to the channels, not to HSV's value. A further kind is one function and its line in CORRUPTIONS.
"""

import io
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

STRENGTHS = 5
Images = NDArray[np.uint8]


@dataclass(frozen=True)
class Corruption:
    """A kind of damage: what its numbers are, one for each strength from 1 to 5, and how it is done.

    apply: pixels (N, C, S, S) in 0..1, the number, and where chance comes from -> pixels, of any range.
    """

    unit: str
    levels: tuple[float, ...]
    apply: Callable[[Tensor, float, np.random.Generator], Tensor]


def corrupt(images: Images, kind: str, strength: int, seed: int = 0) -> Images:
    """The images (N, C, S, S), damaged; strength 0 leaves them as they are. The same seed gives the same.

    Raises:
        ValueError: when there is no such kind or strength.
    """
    if strength not in range(STRENGTHS + 1):
        raise ValueError(f"strength is {strength}; it must be from 0 to {STRENGTHS}.")
    levels = (None, *_corruption(kind).levels)
    return corrupt_by(images, kind, levels[strength], seed)


def corrupt_by(images: Images, kind: str, level: float | None, seed: int = 0) -> Images:
    """The images (N, C, S, S), damaged by a level in the kind's unit; None leaves them as they are.

    Brightness and rotation also go the other way, by a level below 0.

    Raises:
        ValueError: when there is no such kind.
    """
    corruption = _corruption(kind)
    if level is None or len(images) == 0:
        return images.copy()
    generator = np.random.Generator(np.random.PCG64(seed))  # not of the level: louder, not other noise
    pixels = torch.from_numpy(images.astype(np.float32)) / 255
    damaged: Images = to_bytes(corruption.apply(pixels, level, generator)).numpy()
    return damaged


def _corruption(kind: str) -> Corruption:
    if kind not in CORRUPTIONS:
        raise ValueError(f"There is no corruption '{kind}'; there are: {', '.join(CORRUPTIONS)}.")
    return CORRUPTIONS[kind]


def to_bytes(pixels: Tensor) -> Tensor:
    """Pixels in 0..1, clipped to that, as uint8."""
    return (pixels.clamp(0, 1) * 255).round().to(torch.uint8)


def _noise(pixels: Tensor, deviation: float, generator: np.random.Generator) -> Tensor:
    return pixels + deviation * torch.from_numpy(generator.standard_normal(pixels.shape, dtype=np.float32))


def blur(pixels: Tensor, deviation: float, _: np.random.Generator | None = None) -> Tensor:
    """Gaussian over mirrored pixels (N, C, S, S), by a matrix (S, S) on their rows and on their columns."""
    side = pixels.shape[-1]
    to, of = torch.arange(side)[:, None], torch.arange(side)
    distances = torch.stack(
        [to - of, to + of + 1, 2 * side - 1 - to - of]
    )  # of a pixel and its mirror images
    weights = (-0.5 * (distances / deviation) ** 2).exp().sum(dim=0)
    matrix = weights / weights.sum(dim=1, keepdim=True)
    return matrix @ pixels @ matrix.T


def _contrast(pixels: Tensor, share: float, _: np.random.Generator) -> Tensor:
    """A share of each channel's distance from its mean stays."""
    means = pixels.mean(dim=(2, 3), keepdim=True)
    return (pixels - means) * share + means


def _brightness(pixels: Tensor, added: float, _: np.random.Generator) -> Tensor:
    return pixels + added


def _rotation(pixels: Tensor, degrees: float, generator: np.random.Generator) -> Tensor:
    """About the middle, each image to the left or to the right."""
    signs = np.where(generator.random(len(pixels)) < 0.5, 1, -1)
    angles = torch.from_numpy(signs * math.radians(degrees))
    rows = ([angles.cos(), -angles.sin(), 0 * angles], [angles.sin(), angles.cos(), 0 * angles])
    return _moved(pixels, torch.stack([torch.stack(row, dim=1) for row in rows], dim=1))


def _shift(pixels: Tensor, distance: float, generator: np.random.Generator) -> Tensor:
    """Each image by so many pixels in one of the eight directions."""
    directions = torch.tensor([(x, y) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x])
    chosen = directions[generator.integers(len(directions), size=len(pixels))]  # (N, 2)
    whole = torch.eye(2).expand(len(pixels), 2, 2)
    return _moved(
        pixels, torch.cat([whole, chosen[:, :, None] * 2 * distance / (pixels.shape[-1] - 1)], dim=2)
    )


def _moved(pixels: Tensor, places: Tensor) -> Tensor:
    """Each image looked up at `places` (N, 2, 3), as affine_grid takes them; mirrored at the border pixel."""
    grid = affine_grid(places.float(), list(pixels.shape), align_corners=True)
    return grid_sample(pixels, grid, padding_mode="reflection", align_corners=True)


def _by_pillow(change: Callable[[Image.Image, int], Image.Image]) -> Callable[..., Tensor]:
    """A kind of damage from what Pillow does to one image."""

    def apply(pixels: Tensor, level: float, _: np.random.Generator) -> Tensor:
        arrays = to_bytes(pixels).permute(0, 2, 3, 1).contiguous().numpy()
        changed = [np.asarray(change(Image.fromarray(array), int(level))) for array in arrays]
        return torch.from_numpy(np.stack(changed)).permute(0, 3, 1, 2) / 255

    return apply


def _jpeg(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


def _pixelation(image: Image.Image, side: int) -> Image.Image:
    """Down to side x side pixels and up again, both by the mean over areas."""
    small = image.resize((side, side), Image.Resampling.BOX)
    return small.resize(image.size, Image.Resampling.BOX)


CORRUPTIONS: dict[str, Corruption] = {
    "noise": Corruption("standard deviation, of 1", (0.04, 0.06, 0.08, 0.09, 0.10), _noise),
    "blur": Corruption("standard deviation in pixels", (0.4, 0.6, 0.7, 0.8, 1.0), blur),
    "contrast": Corruption("share that is left", (0.75, 0.5, 0.4, 0.3, 0.15), _contrast),
    "brightness": Corruption("added, of 1", (0.05, 0.10, 0.15, 0.20, 0.30), _brightness),
    "rotation": Corruption("degrees", (5, 10, 15, 20, 30), _rotation),
    "shift": Corruption("pixels", (1, 2, 3, 4, 6), _shift),
    "JPEG": Corruption("quality, of 95", (80, 65, 58, 50, 40), _by_pillow(_jpeg)),
    "pixelation": Corruption("pixels a side", (30, 28, 27, 24, 20), _by_pillow(_pixelation)),
}
