"""The ResNeXt-like networks of the five-families work, of three and four chunks.

After ResNeXt (Xie et al. 2016, arXiv 1611.05431). Departures, as that work states them: every shortcut has a
1x1 convolution and batch norm; each chunk has a shortcut of its own; all convolutions keep their bias.
"""

from torch import Tensor, nn

from cifar_core.models.base import StagedClassifier
from cifar_core.models.convolution import Conv2d, convolution_norm, convolution_norm_relu
from cifar_core.models.registry import register_model
from cifar_core.models.resnet import ResidualBlock

WIDTH = 64  # channels of the stem
INNER, GROUPS = 256, 64  # channels of the grouped convolution: 64 groups of 4


def grouped_block(in_channels: int, out_channels: int, stride: int) -> ResidualBlock:
    """1x1 to 256 channels, 3x3 in 64 groups with the stride, 1x1 out."""
    path = nn.Sequential(
        *convolution_norm_relu(in_channels, INNER, kernel_size=1),
        *convolution_norm_relu(INNER, INNER, kernel_size=3, padding=1, stride=stride, groups=GROUPS),
        *convolution_norm(INNER, out_channels, kernel_size=1),
    )
    return ResidualBlock(path, in_channels, out_channels, stride)


class Chunk(nn.Module):
    """x (N, C, H, W) -> two blocks, the second doubling the channels, plus a 1x1 shortcut around both."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(
            grouped_block(channels, channels, stride=1), grouped_block(channels, 2 * channels, stride=2)
        )
        self.shortcut = Conv2d(channels, 2 * channels, kernel_size=1, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, 2C, H/2, W/2)."""
        mixed: Tensor = self.blocks(x) + self.shortcut(x)
        return mixed


class ResNeXt(StagedClassifier):
    """Stem, chunks, global average pool, linear."""

    def __init__(self, chunks: int, num_classes: int = 10) -> None:
        blocks = nn.Sequential(*(Chunk(WIDTH * 2**number) for number in range(chunks)))
        super().__init__(WIDTH, blocks, WIDTH * 2**chunks, num_classes)


@register_model
def resnext_3(num_classes: int = 10) -> ResNeXt:
    """Three chunks of blocks with grouped convolutions: 1,087,114 parameters, 148.3 million MACs."""
    return ResNeXt(3, num_classes)


@register_model
def resnext_4(num_classes: int = 10) -> ResNeXt:
    """Four chunks of blocks with grouped convolutions: 3,090,058 parameters, 164.2 million MACs."""
    return ResNeXt(4, num_classes)
