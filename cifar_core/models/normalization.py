"""Channel means and standard deviations that a network's input is normalized with."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cifar_core import datasets


@dataclass(frozen=True)
class Normalization:
    """Channel means and standard deviations of pixels in 0..1, subtracted and divided by."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __call__(self, images: Tensor) -> Tensor:
        """uint8 images (N, C, H, W) in 0..255 -> float32, channels last in memory."""
        mean = torch.tensor(self.mean, device=images.device).view(1, -1, 1, 1) * 255
        scale = 1 / (torch.tensor(self.std, device=images.device).view(1, -1, 1, 1) * 255)
        return ((images.float() - mean) * scale).contiguous(memory_format=torch.channels_last)

    def undo(self, images: Tensor) -> NDArray[np.uint8]:
        """Normalized images (N, C, H, W) -> uint8 pixels (N, H, W, C), clipped to 0..255."""
        mean, std = (torch.tensor(values, device=images.device) for values in (self.mean, self.std))
        pixels = (images.permute(0, 2, 3, 1) * std + mean) * 255
        result: NDArray[np.uint8] = pixels.round().clamp(0, 255).to(torch.uint8).cpu().numpy()
        return result


NORMALIZATIONS = {name: Normalization(*figures) for name, figures in datasets.NORMALIZATIONS.items()}
