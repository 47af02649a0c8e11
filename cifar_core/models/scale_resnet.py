"""The simplified residual network with a scale operator: five epochs on two classes.

Batch norm has neither weights nor, in the original, memory: it takes the statistics of the batch at hand also
when it predicts, so that an answer depends on the other images of its batch. Here a network answers with the
statistics that it averaged while training, and so for each image alone; `batch_statistics` brings back the
original. Training is the same either way.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm, max_pool2d, relu

from cifar_core.models.base import ImageClassifier
from cifar_core.models.convolution import Conv2d
from cifar_core.models.registry import register_model

SCALE = 0.125  # of the logits


class BatchStatisticsNorm(nn.BatchNorm2d):
    """Batch norm without weights; batch_statistics: also in eval mode by the batch at hand."""

    def __init__(self, channels: int, batch_statistics: bool) -> None:
        super().__init__(channels, eps=1e-5, affine=False)
        self.batch_statistics = batch_statistics

    def forward(self, input: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        if self.batch_statistics and not self.training:
            return batch_norm(input, None, None, training=True, eps=self.eps)
        return super().forward(input)


class ScaleBlock(nn.Module):
    """x (N, in_channels, H, W) -> ReLU(BN(conv3x3(x))) + conv1x1(x), nothing after the sum."""

    def __init__(self, in_channels: int, out_channels: int, batch_statistics: bool) -> None:
        super().__init__()
        self.conv = Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.norm = BatchStatisticsNorm(out_channels, batch_statistics)
        self.shortcut = Conv2d(in_channels, out_channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> (N, out_channels, H, W)."""
        return relu(self.norm(self.conv(x))) + self.shortcut(x)


class ScaleResNet(ImageClassifier):
    """Convolution, three residual blocks with max pools between, global max pool, linear, scale."""

    def __init__(self, num_classes: int = 10, batch_statistics: bool = False) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.conv = Conv2d(self.in_channels, 16, 3, padding=1, bias=False)
        self.norm = BatchStatisticsNorm(16, batch_statistics)
        self.blocks = nn.ModuleList(ScaleBlock(width, 2 * width, batch_statistics) for width in (16, 32, 64))
        self.linear = nn.Linear(128, num_classes, bias=False)
        for parameter in self.parameters():
            _draw(parameter)

    def forward_features(self, images: Tensor) -> Tensor:
        """Images (N, in_channels, H, W) -> the last feature map (N, 128, H/4, W/4)."""
        first, second, third = self.blocks
        x = relu(self.norm(self.conv(images)))
        features: Tensor = third(max_pool2d(second(max_pool2d(first(x), 2)), 2))
        return features

    def forward_head(self, features: Tensor) -> Tensor:
        """Feature map (N, 128, H', W') -> logits (N, num_classes)."""
        logits: Tensor = SCALE * self.linear(features.amax(dim=(2, 3)))
        return logits


@torch.no_grad()
def _draw(weight: Tensor) -> None:
    """U(-s, s) with s = sqrt(1 / fan-in)."""
    bound = weight[0].numel() ** -0.5
    weight.uniform_(-bound, bound)


@register_model
def scale_resnet(num_classes: int = 10, batch_statistics: bool = False) -> ScaleResNet:
    """Three residual blocks and a scaled linear layer; made for two classes, in five epochs.

    108,208 parameters with two classes, 16.2 million MACs. batch_statistics: answer by the statistics of the
    batch at hand, as the original does; otherwise by those averaged while training.
    """
    return ScaleResNet(num_classes, batch_statistics)
