"""The contract that every network keeps: features, head, number of classes, and its mixing coefficients.

Images are (N, in_channels, H, W), normalized; logits are (N, num_classes).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from cifar_core.models.convolution import convolution_norm_relu


class ImageClassifier(nn.Module):
    """Base of every network. A subclass sets `num_classes` and `in_channels` and writes the two halves."""

    num_classes: int
    in_channels: int = 3

    def forward_features(self, images: Tensor) -> Tensor:
        """Images (N, in_channels, H, W) -> the last feature map (N, C, H', W')."""
        raise NotImplementedError

    def forward_head(self, features: Tensor) -> Tensor:
        """Feature map (N, C, H', W') -> logits (N, num_classes)."""
        raise NotImplementedError

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, in_channels, H, W) -> logits (N, num_classes)."""
        return self.forward_head(self.forward_features(images))

    def head_names(self) -> list[str]:
        """Names of the parameters of the last layer, which alone depend on the number of classes."""
        linear = [
            name
            for name, module in self.named_modules()
            if isinstance(module, nn.Linear) and module.out_features == self.num_classes
        ]
        return [f"{linear[-1]}.{name}" for name, _ in self.get_submodule(linear[-1]).named_parameters()]

    def initialize_from_data(self, images: Tensor) -> None:
        """Look at normalized training images (N, in_channels, H, W) before the first step; no effect here."""

    def mixing_blocks(self) -> list[str]:
        """Names of the blocks that mix, in the network's order; empty where none does."""
        return []

    def mixing_kernels(self) -> list[int]:
        """K of each of them."""
        return []

    @contextmanager
    def record_mixing(self) -> Iterator[list[Tensor]]:
        """While open, each forward pass leaves its mixing coefficients in the list: (N, K) a block,
        in the order of `mixing_blocks`, detached, replaced by the next pass. The pass itself is run once."""
        yield []

    def set_mixing_temperature(self, temperature: float) -> None:
        """Set the softmax temperature of every mixing block; no effect where none mixes."""


class StagedClassifier(ImageClassifier):
    """A 5x5 stem of `width` channels, then blocks that end in `channels`, then pool and linear."""

    def __init__(self, width: int, blocks: nn.Sequential, channels: int, num_classes: int) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.stem = convolution_norm_relu(self.in_channels, width, kernel_size=5, padding=2)
        self.blocks = blocks
        self.classifier = nn.Linear(channels, num_classes)

    def forward_features(self, images: Tensor) -> Tensor:
        """Images (N, in_channels, H, W) -> the last feature map (N, C, H', W')."""
        features: Tensor = self.blocks(self.stem(images))
        return features

    def forward_head(self, features: Tensor) -> Tensor:
        """Feature map (N, C, H', W') -> logits (N, num_classes)."""
        logits: Tensor = self.classifier(adaptive_avg_pool2d(features, 1).flatten(1))
        return logits
