"""Images changed as photographs differ from them, for limits that shall hold on what people send.

In another scale and shape, off the middle, sharper or blurred, in other light and colors, with JPEG's damage:
the changes that the recipe mixing_photo trains with, and further than it goes, for photographs differ in more
ways than can be imitated. The same seed gives the same changes.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cifar_core.augment import crop, jpeg, saturate, sharpen

SIDES = (0.5, 1.3)  # of a crop against the image's
STRETCH = 0.5  # of its width against its height
SHARPNESS, SATURATION, CONTRAST = 1.5, 0.6, 0.4  # largest changes, as shares
BRIGHTNESS = 25.0  # largest change, of 255
DAMAGED, QUALITIES = 0.3, (30, 90)  # share of images with JPEG's damage, and its qualities
INNER = 0.75  # a large picture's second crop, see preprocess.py


def changed(images: NDArray[np.uint8], seed: int = 0) -> NDArray[np.uint8]:
    """A changed copy of each image, uint8 (N, C, H, W)."""
    draws = torch.rand(len(images), 9, generator=torch.Generator().manual_seed(seed))
    side = SIDES[0] + (SIDES[1] - SIDES[0]) * draws[:, 0]
    stretch = (1 + STRETCH) ** (draws[:, 1] - 0.5)
    signed = 2 * draws - 1
    pixels = torch.tensor(images).float()
    pixels = crop(pixels, torch.stack([side / stretch, side * stretch], 1), signed[:, 2:4])
    pixels = sharpen(pixels, SHARPNESS * signed[:, 4])
    pixels = saturate(pixels, 1 + SATURATION * signed[:, 5])
    brightness, contrast = BRIGHTNESS * signed[:, 6], 1 + CONTRAST * signed[:, 7]
    pixels = (pixels - 128) * contrast[:, None, None, None] + 128 + brightness[:, None, None, None]
    hit = draws[:, 8] < DAMAGED
    qualities = QUALITIES[0] + (QUALITIES[1] - QUALITIES[0]) * draws[hit, 8] / DAMAGED
    pixels[hit] = jpeg(pixels[hit].clamp(0, 255), qualities)
    return _whole(pixels)


def inner(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle of each image (N, C, H, W), enlarged: what the second crop of a large picture shows."""
    sides = torch.full((len(images), 2), INNER)
    return _whole(crop(torch.tensor(images).float(), sides, torch.zeros(len(images), 2)))


def _whole(pixels: Tensor) -> NDArray[np.uint8]:
    return np.asarray(pixels.clamp(0, 255).round().to(torch.uint8).numpy())
