"""Eight kinds of damage to pictures, each in five strengths, as functions of whole batches.

Hendrycks & Dietterich 2019, arXiv 1903.12261, with the strengths that its authors take for CIFAR-10-C;
rotation and shift are ours. Images are uint8 (N, 3, 32, 32). Departures: the noise is the same at every
strength, only louder, and brightness is added to the channels, not to HSV's value.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

STRENGTHS = 5
Images = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Corruption:
    """A kind of damage: what its numbers are, one for each strength from 1 to 5, and how it is done."""

    unit: str
    levels: tuple[float, ...]
    apply: Callable[[Images, float, np.random.Generator], Images]


def corrupt(images: Images, kind: str, strength: int, seed: int = 0) -> Images:
    """The images (N, 3, 32, 32), damaged; strength 0 leaves them as they are. The same seed gives the same.

    Raises:
        ValueError: when there is no such kind or strength.
    """
    if kind not in CORRUPTIONS:
        raise ValueError(f"There is no corruption '{kind}'; there are: {', '.join(CORRUPTIONS)}.")
    if strength not in range(STRENGTHS + 1):
        raise ValueError(f"strength is {strength}; it must be from 0 to {STRENGTHS}.")
    if strength == 0 or len(images) == 0:
        return images.copy()
    corruption = CORRUPTIONS[kind]
    generator = np.random.Generator(np.random.PCG64(seed))  # not of the strength: louder, not other noise
    return corruption.apply(images, corruption.levels[strength - 1], generator)


def _noise(images: Images, deviation: float, generator: np.random.Generator) -> Images:
    return _pixels(_floats(images) + deviation * generator.standard_normal(images.shape, dtype=np.float32))


def _blur(images: Images, deviation: float, _: np.random.Generator) -> Images:
    """Gaussian, cut off at four standard deviations, over the reflected border."""
    reach = int(4 * deviation + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    weights /= weights.sum()
    blurred = _floats(images)
    for axis in (2, 3):
        frame = [(reach, reach) if i == axis else (0, 0) for i in range(4)]
        padded = np.pad(blurred, frame, mode="symmetric")
        size = images.shape[axis]
        windows = [padded.take(range(i, i + size), axis) for i in range(2 * reach + 1)]
        blurred = np.tensordot(weights.astype(np.float32), np.stack(windows), axes=1)
    return _pixels(blurred)


def _contrast(images: Images, share: float, _: np.random.Generator) -> Images:
    """What is left of each channel's distance from its mean."""
    pixels = _floats(images)
    means = pixels.mean(axis=(2, 3), keepdims=True)
    return _pixels((pixels - means) * np.float32(share) + means)


def _brightness(images: Images, added: float, _: np.random.Generator) -> Images:
    return _pixels(_floats(images) + np.float32(added))


def _rotation(images: Images, degrees: float, generator: np.random.Generator) -> Images:
    """About the middle, each image to the left or to the right; bilinear, over the reflected border."""
    side = images.shape[-1]
    axis = np.arange(side, dtype=np.float32) - (side - 1) / 2
    turned = []
    for sign in (-1, 1):
        angle = sign * np.deg2rad(degrees)
        x = axis[None, :] * np.cos(angle) - axis[:, None] * np.sin(angle) + (side - 1) / 2
        y = axis[None, :] * np.sin(angle) + axis[:, None] * np.cos(angle) + (side - 1) / 2
        turned.append(_sampled(_floats(images), y, x))
    to_right = generator.random(len(images)) < 0.5
    return _pixels(np.where(to_right[:, None, None, None], turned[1], turned[0]))


def _sampled(pixels: Floats, y: NDArray[np.floating], x: NDArray[np.floating]) -> Floats:
    """Pixels (N, C, S, S) at the places y, x (S, S), which may lie outside: bilinear."""
    top, left = np.floor(y).astype(np.int64), np.floor(x).astype(np.int64)
    down, right = (y - top).astype(np.float32), (x - left).astype(np.float32)
    side = pixels.shape[-1]
    rows, columns = [_mirrored(top + i, side) for i in (0, 1)], [_mirrored(left + i, side) for i in (0, 1)]
    upper = pixels[:, :, rows[0], columns[0]] * (1 - right) + pixels[:, :, rows[0], columns[1]] * right
    lower = pixels[:, :, rows[1], columns[0]] * (1 - right) + pixels[:, :, rows[1], columns[1]] * right
    return np.asarray(upper * (1 - down) + lower * down)


def _shift(images: Images, distance: float, generator: np.random.Generator) -> Images:
    """Each image by so many pixels in one of the eight directions, over the reflected border."""
    directions = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if y or x]
    chosen = np.array(directions)[generator.integers(len(directions), size=len(images))] * int(distance)
    side = np.arange(images.shape[-1])
    rows = _mirrored(side + chosen[:, :1], len(side))  # (N, S)
    columns = _mirrored(side + chosen[:, 1:], len(side))
    number = np.arange(len(images))[:, None, None]
    moved = images.transpose(0, 2, 3, 1)[number, rows[:, :, None], columns[:, None, :]]  # (N, S, S, 3)
    return np.ascontiguousarray(moved.transpose(0, 3, 1, 2))


def _mirrored(places: NDArray[np.int64], side: int) -> NDArray[np.int64]:
    """Places outside 0..side-1, by less than a side, reflected at the border pixel."""
    return (side - 1) - np.abs((side - 1) - np.abs(places))


def _jpeg(images: Images, quality: float, _: np.random.Generator) -> Images:
    return np.stack([_through_jpeg(image, int(quality)) for image in images])


def _through_jpeg(image: Images, quality: int) -> Images:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0))).save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as coded:
        return np.asarray(coded).transpose(2, 0, 1)


def _pixelation(images: Images, side: float, _: np.random.Generator) -> Images:
    """Down to side x side pixels and up again, both by the mean over areas (Pillow's box filter)."""
    return np.stack([_through_boxes(image, int(side)) for image in images])


def _through_boxes(image: Images, side: int) -> Images:
    picture = Image.fromarray(np.ascontiguousarray(image.transpose(1, 2, 0)))
    small = picture.resize((side, side), Image.Resampling.BOX)
    return np.asarray(small.resize(picture.size, Image.Resampling.BOX)).transpose(2, 0, 1)


def _floats(images: Images) -> Floats:
    return images.astype(np.float32) / np.float32(255)


def _pixels(values: NDArray[np.floating]) -> Images:
    return (np.clip(values, 0, 1) * 255).round().astype(np.uint8)


CORRUPTIONS: dict[str, Corruption] = {
    "noise": Corruption("standard deviation, of 1", (0.04, 0.06, 0.08, 0.09, 0.10), _noise),
    "blur": Corruption("standard deviation in pixels", (0.4, 0.6, 0.7, 0.8, 1.0), _blur),
    "contrast": Corruption("share that is left", (0.75, 0.5, 0.4, 0.3, 0.15), _contrast),
    "brightness": Corruption("added, of 1", (0.05, 0.10, 0.15, 0.20, 0.30), _brightness),
    "rotation": Corruption("degrees", (5, 10, 15, 20, 30), _rotation),
    "shift": Corruption("pixels", (1, 2, 3, 4, 6), _shift),
    "JPEG": Corruption("quality, of 95", (80, 65, 58, 50, 40), _jpeg),
    "pixelation": Corruption("pixels a side", (30, 28, 27, 24, 20), _pixelation),
}
