"""The ResNet-like networks of the five-families work, light and heavy.

After ResNet (He et al. 2015, arXiv 1512.03385). Departures, as that work states them: every shortcut has a
1x1 convolution and batch norm, also where shapes agree; all convolutions keep their bias; the stem is 5x5.
"""

from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torch.nn.functional import relu

from cifar_core.models.base import StagedClassifier
from cifar_core.models.convolution import convolution_norm, convolution_norm_relu
from cifar_core.models.registry import register_model

WIDTH = 32  # channels of the stem
BLOCKS = 3  # in a chunk; the last one doubles the channels and halves the side


class ResidualBlock(nn.Module):
    """x (N, in_channels, H, W) -> ReLU(path(x) + shortcut(x)), (N, out_channels, H/stride, W/stride)."""

    def __init__(self, path: nn.Module, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.path = path
        self.shortcut = convolution_norm(in_channels, out_channels, kernel_size=1, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return relu(self.path(x) + self.shortcut(x))


def vanilla_block(in_channels: int, out_channels: int, stride: int) -> ResidualBlock:
    """Two 3x3 convolutions."""
    path = nn.Sequential(
        *convolution_norm_relu(in_channels, out_channels, kernel_size=3, padding=1, stride=stride),
        *convolution_norm(out_channels, out_channels, kernel_size=3, padding=1),
    )
    return ResidualBlock(path, in_channels, out_channels, stride)


def bottleneck_block(in_channels: int, out_channels: int, stride: int) -> ResidualBlock:
    """1x1 to a quarter of the channels, 3x3 with the stride, 1x1 back."""
    middle = out_channels // 4
    path = nn.Sequential(
        *convolution_norm_relu(in_channels, middle, kernel_size=1),
        *convolution_norm_relu(middle, middle, kernel_size=3, padding=1, stride=stride),
        *convolution_norm(middle, out_channels, kernel_size=1),
    )
    return ResidualBlock(path, in_channels, out_channels, stride)


Block = Callable[[int, int, int], ResidualBlock]


class ResNet(StagedClassifier):
    """Stem, chunks of three residual blocks, global average pool, linear."""

    def __init__(self, chunks: Sequence[Block], num_classes: int = 10) -> None:
        blocks, channels = nn.Sequential(), WIDTH
        for block in chunks:
            for _ in range(BLOCKS - 1):
                blocks.append(block(channels, channels, 1))
            blocks.append(block(channels, 2 * channels, 2))
            channels *= 2
        super().__init__(WIDTH, blocks, channels, num_classes)


@register_model
def resnet_light(num_classes: int = 10) -> ResNet:
    """A chunk of plain residual blocks and two of bottlenecks: 310,474 parameters, 69.4 million MACs."""
    return ResNet([vanilla_block, bottleneck_block, bottleneck_block], num_classes)


@register_model
def resnet_heavy(num_classes: int = 10) -> ResNet:
    """Two chunks of plain residual blocks, three of bottlenecks: 3,921,994 parameters, 130.2 million MACs."""
    return ResNet([vanilla_block] * 2 + [bottleneck_block] * 3, num_classes)
