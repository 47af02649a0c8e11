"""Images changed as photographs differ from them, for limits that shall hold on what people send.

In another scale and shape, off the middle, sharper or blurred, in other light and colors, with JPEG's damage:
the changes that the recipe mixing_photo trains with, and further than it goes, for photographs differ in more
ways than can be imitated. The same seed gives the same changes.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cifar_core.augment import PhotoChanges, crop
from cifar_core.inference.crops import INNER

CHANGES = PhotoChanges((0.5, 1.3), stretch=0.5, sharpness=1.5, saturation=0.6, jpeg=0.3)
CONTRAST, BRIGHTNESS = 0.4, 25.0  # largest changes, as a share and of 255


def changed(images: NDArray[np.uint8], seed: int = 0) -> NDArray[np.uint8]:
    """A changed copy of each image, uint8 (N, C, H, W)."""
    draws = torch.rand(len(images), 9, generator=torch.Generator().manual_seed(seed))
    brightness, contrast = BRIGHTNESS * (2 * draws[:, 6] - 1), 1 + CONTRAST * (2 * draws[:, 7] - 1)
    pixels = CHANGES.tint(CHANGES.place(torch.tensor(images), draws[:, :4]), draws[:, 4:6])
    pixels = (pixels - 128) * contrast[:, None, None, None] + 128 + brightness[:, None, None, None]
    return _whole(CHANGES.damage(pixels.clamp(0, 255), draws[:, 8]))


def inner(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle of each image (N, C, H, W), enlarged: what the second crop of a large picture shows."""
    sides = torch.full((len(images), 2), 1 / INNER.zoom)
    return _whole(crop(torch.tensor(images).float(), sides, torch.zeros(len(images), 2)))


def _whole(pixels: Tensor) -> NDArray[np.uint8]:
    return np.asarray(pixels.clamp(0, 255).round().to(torch.uint8).numpy())
