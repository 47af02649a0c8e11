"""The frame that the families of the five-families work share: stem, blocks, global average pool, linear."""

from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from cifar_core.models.base import ImageClassifier
from cifar_core.models.convolution import convolution_norm_relu


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
