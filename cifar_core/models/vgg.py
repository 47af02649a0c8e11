"""The VGG-like network of the five-families work: pairs of 3x3 convolutions with max pools between.

After VGG (Simonyan and Zisserman 2014, arXiv 1409.1556), much smaller, with batch norm and dropout.
"""

from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from cifar_core.models.base import ImageClassifier
from cifar_core.models.convolution import convolution_norm_relu
from cifar_core.models.registry import register_model

WIDTH = 32  # channels of the stem
HIDDEN = 128  # numbers between the linear layers
LAST_SIDE = 4  # of the feature map of 32x32 images, which the head flattens; other images' are pooled to it


class VGG(ImageClassifier):
    """Stem, three blocks that double the channels and halve the side, then two linear layers."""

    def __init__(self, num_classes: int = 10, dropout: float = 0.2) -> None:
        super().__init__()
        self.num_classes = num_classes
        channels = WIDTH
        self.stem = convolution_norm_relu(self.in_channels, channels, kernel_size=5, padding=2)
        self.blocks = nn.Sequential()
        for _ in range(3):
            self.blocks.append(_block(channels, dropout))
            channels *= 2
        self.classifier = nn.Sequential(
            nn.Linear(channels * LAST_SIDE**2, HIDDEN),
            nn.Dropout(dropout),
            nn.ReLU(),
            nn.Linear(HIDDEN, num_classes),
        )

    def forward_features(self, images: Tensor) -> Tensor:
        """Images (N, in_channels, H, W) -> the last feature map (N, C, H/8, W/8)."""
        features: Tensor = self.blocks(self.stem(images))
        return features

    def forward_head(self, features: Tensor) -> Tensor:
        """Feature map (N, C, H', W') -> logits (N, num_classes)."""
        if features.shape[2:] != (LAST_SIDE, LAST_SIDE):
            features = adaptive_avg_pool2d(features, LAST_SIDE)
        logits: Tensor = self.classifier(features.flatten(1))
        return logits


def _block(channels: int, dropout: float) -> nn.Sequential:
    """channels -> 2·channels, at half the side."""
    return nn.Sequential(
        *convolution_norm_relu(channels, channels, kernel_size=3, padding=1),
        nn.Dropout2d(dropout),
        *convolution_norm_relu(channels, 2 * channels, kernel_size=3, padding=1),
        nn.MaxPool2d(2),
    )


@register_model
def vgg(num_classes: int = 10, dropout: float = 0.2) -> VGG:
    """Seven convolutions and two linear layers, VGG-like: 1,110,826 parameters, 87.9 million MACs."""
    return VGG(num_classes, dropout=dropout)
