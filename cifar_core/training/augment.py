"""Random changes of training images, as functions of whole batches: (N, C, H, W) -> (N, C, H, W).

Each takes its random numbers as an argument, so that a batch depends on nothing but them, and works on
uint8 and float images on any device.
"""

import torch
from torch import Tensor
from torch.nn.functional import interpolate


def flip(images: Tensor, chosen: Tensor) -> Tensor:
    """Mirror left and right the images for which `chosen` (N,) is true."""
    return torch.where(chosen[:, None, None, None], images.flip(-1), images)


def shift(images: Tensor, offsets: Tensor, padding: int, reflect: bool = False) -> Tensor:
    """Crop each image at `offsets` (N, 2; rows and columns, 0..2·padding) from a frame around it.

    The frame of `padding` pixels is black, or the image's reflection.
    """
    n, _, height, width = images.shape
    rows, inside_rows = _frame(height, padding, images.device)
    columns, inside_columns = _frame(width, padding, images.device)
    cropped = images[:, :, rows[:, None], columns]
    if not reflect:
        cropped = cropped.masked_fill(~(inside_rows[:, None] & inside_columns), 0)
    windows = cropped.unfold(2, height, 1).unfold(3, width, 1)  # (N, C, 2p+1, 2p+1, H, W)
    return windows[torch.arange(n, device=images.device), :, offsets[:, 0], offsets[:, 1]]


def _frame(size: int, padding: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """For each position with its frame, (size + 2·padding,): the reflected position, and whether inside."""
    positions = torch.arange(-padding, size + padding, device=device)
    reflected = (size - 1) - (size - 1 - positions.abs()).abs()
    return reflected, (positions >= 0) & (positions < size)


def cutout(images: Tensor, corners: Tensor, size: int) -> Tensor:
    """Blacken the square of `size` pixels whose upper left corner is `corners` (N, 2; may lie outside).

    Cutout, DeVries & Taylor 2017, arXiv 1708.04552; what of the square lies outside the image has no effect.
    """
    rows = torch.arange(images.shape[2], device=images.device) - corners[:, :1]  # (N, H)
    columns = torch.arange(images.shape[3], device=images.device) - corners[:, 1:]  # (N, W)
    inside_rows, inside_columns = (rows >= 0) & (rows < size), (columns >= 0) & (columns < size)
    return images.masked_fill((inside_rows[:, :, None] & inside_columns[:, None, :])[:, None], 0)


def jitter(images: Tensor, brightness: Tensor, contrast: Tensor) -> Tensor:
    """Add `brightness` (N,) to normalized images and multiply the sum by `contrast` (N,)."""
    return (images + brightness[:, None, None, None]) * contrast[:, None, None, None]


def resize(images: Tensor, size: int) -> Tensor:
    """Float images (N, C, H, W) -> (N, C, size, size), bilinear, with an antialiasing filter."""
    if images.shape[2:] == (size, size):
        return images
    return interpolate(images, (size, size), mode="bilinear", antialias=True)
