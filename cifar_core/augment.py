"""Random changes of training images, as functions of whole batches: (N, C, H, W) -> (N, C, H, W).

Each takes its random numbers as an argument, so that a batch depends on nothing but them, and works on
uint8 and float images on any device.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad


def flip(images: Tensor, chosen: Tensor) -> Tensor:
    """Mirror left and right the images for which `chosen` (N,) is true."""
    return torch.where(chosen[:, None, None, None], images.flip(-1), images)


def shift(images: Tensor, offsets: Tensor, padding: int) -> Tensor:
    """Crop each image at `offsets` (N, 2; rows and columns, 0..2·padding) from a frame of zeros around it."""
    n, _, height, width = images.shape
    windows = pad(images, (padding,) * 4).unfold(2, height, 1).unfold(3, width, 1)  # (N, C, 2p+1, 2p+1, H, W)
    return windows[torch.arange(n, device=images.device), :, offsets[:, 0], offsets[:, 1]]


def cutout(images: Tensor, corners: Tensor, size: int) -> Tensor:
    """Blacken the square of `size` pixels whose upper left corner is `corners` (N, 2; may lie outside).

    Cutout, DeVries & Taylor 2017, arXiv 1708.04552; what of the square lies outside the image has no effect.
    """
    rows = torch.arange(images.shape[2], device=images.device) - corners[:, :1]  # (N, H)
    columns = torch.arange(images.shape[3], device=images.device) - corners[:, 1:]  # (N, W)
    inside_rows, inside_columns = (rows >= 0) & (rows < size), (columns >= 0) & (columns < size)
    return images.masked_fill((inside_rows[:, :, None] & inside_columns[:, None, :])[:, None], 0)
