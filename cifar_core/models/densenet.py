"""The DenseNet-like networks of the five-families work, growth 12 and 16.

After DenseNet (Huang et al. 2016, arXiv 1608.06993). Departures, as that work states them: batch norm and
ReLU follow each convolution instead of going before it; all convolutions keep their bias.
"""

import torch
from torch import Tensor, nn

from cifar_core.models.base import StagedClassifier
from cifar_core.models.convolution import convolution_norm_relu
from cifar_core.models.registry import register_model

LAYERS = 8  # in a dense block
BOTTLENECK = 4  # times the growth: channels between a layer's two convolutions


class DenseBlock(nn.Module):
    """x (N, C, H, W) -> x and the `growth` channels of each of its layers, (N, C + LAYERS·growth, H, W)."""

    def __init__(self, in_channels: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Sequential(
                *convolution_norm_relu(in_channels + number * growth, BOTTLENECK * growth, kernel_size=1),
                *convolution_norm_relu(BOTTLENECK * growth, growth, kernel_size=3, padding=1),
            )
            for number in range(LAYERS)
        )

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        for layer in self.layers:
            new = layer(x)
            if new.requires_grad:
                new.register_hook(torch.clone)  # dense: ReLU's gradient takes a sixth of the time on a CPU
            x = torch.cat([x, new], dim=1)
        return x


class DenseNet(StagedClassifier):
    """Stem; chunks of a dense block and a transition that halves channels and side; a last block; linear."""

    def __init__(self, chunks: int, growth: int, num_classes: int = 10) -> None:
        blocks, channels = nn.Sequential(), 4 * growth
        for _ in range(chunks):
            blocks.append(DenseBlock(channels, growth))
            channels += LAYERS * growth
            blocks.append(_transition(channels))
            channels //= 2
        blocks.append(DenseBlock(channels, growth))
        super().__init__(4 * growth, blocks, channels + LAYERS * growth, num_classes)


def _transition(channels: int) -> nn.Sequential:
    return nn.Sequential(
        *convolution_norm_relu(channels, channels // 2, kernel_size=1), nn.AvgPool2d(2, ceil_mode=True)
    )


@register_model
def densenet_g12(num_classes: int = 10) -> DenseNet:
    """Four chunks of dense blocks, growth 12: 508,447 parameters, 126.5 million MACs."""
    return DenseNet(4, 12, num_classes)


@register_model
def densenet_g16(num_classes: int = 10) -> DenseNet:
    """Five chunks of dense blocks, growth 16: 1,098,724 parameters, 223.6 million MACs."""
    return DenseNet(5, 16, num_classes)
