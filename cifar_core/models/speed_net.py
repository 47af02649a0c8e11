"""Networks that learn in few epochs, after airbench94 and airbench96 (Jordan 2024, arXiv 2404.00498).

A frozen whitening convolution; groups of convolution, max pool, norm, SiLU, convolution, norm, SiLU, in
airbench96 with a third convolution and a residual; filters that begin as the identity; a global max pool and
a linear layer. Departures: SiLU for GELU, no bias in the whitening, any image size from 16 pixels on, and K
kernels to mix where asked for.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, silu

from cifar_core.models.convolution import Conv2d
from cifar_core.models.mixing import MixingClassifier, MixingConv2d
from cifar_core.models.registry import register_model

PATCH = 2  # side of the whitened patches
EPSILON = 5e-4  # added to the variances before their root


class WhiteningConv2d(nn.Module):
    """Frozen 2x2 convolution onto the eigenvectors of the patches' covariance, and onto their negatives.

    x (N, in_channels, H, W) -> (N, 8·in_channels, H-1, W-1). Random until `fit` has seen images.
    """

    weight: Tensor

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        size = in_channels * PATCH**2
        self.out_channels = 2 * size
        self.register_buffer("weight", torch.randn(2 * size, in_channels, PATCH, PATCH) / size**0.5)

    @torch.no_grad()
    def fit(self, images: Tensor) -> None:
        """Set the weight from normalized images (N, in_channels, H, W)."""
        patches = images.unfold(2, PATCH, 1).unfold(3, PATCH, 1)  # (N, C, H', W', P, P)
        patches = patches.permute(0, 2, 3, 1, 4, 5).flatten(0, 2).flatten(1)  # (positions, C·P·P)
        patches = patches.double().cpu()
        covariance = patches.T @ patches / len(patches)
        variances, vectors = torch.linalg.eigh(covariance)
        filters = (vectors / (variances + EPSILON).sqrt()).T.flip(0)  # the strongest first
        filters = filters.view(-1, *self.weight.shape[1:])
        self.weight.copy_(torch.cat([filters, -filters]))

    def forward(self, x: Tensor) -> Tensor:
        """x (N, in_channels, H, W) -> (N, out_channels, H-1, W-1)."""
        return conv2d(x, self.weight.to(x.dtype))


class QuickBatchNorm2d(nn.BatchNorm2d):
    """Batch norm whose statistics follow quickly (a share of 0.15 of each batch) and whose scale stays 1.

    airbench94 takes 0.4, of batches four times as large.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-12, momentum=0.15)
        del self.weight
        self.register_buffer("weight", torch.ones(channels))


class Residual(nn.Module):
    """silu(x + layers(x)) of x (N, C, H, W); the layers end in a norm, without an activation."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """x (N, C, H, W) -> (N, C, H, W)."""
        return silu(x + self.layers(x))


class SpeedNet(MixingClassifier):
    """Whitening, then for each width a group of convolutions, the first with a max pool; max -> linear.

    num_kernels: with 1 the convolutions are plain; with more each mixes so many kernels. One number, or one
    for each convolution. convolutions: of a group, 2, or 3 with a residual around the last two.

    Raises:
        ValueError: when there is no width, a number of channels, kernels or classes is none, or the number
            of convolutions is another.
    """

    def __init__(
        self,
        widths: Sequence[int],
        num_kernels: int | Sequence[int] = 1,
        num_classes: int = 10,
        convolutions: int = 2,
    ) -> None:
        super().__init__()
        each: Sequence[Any] = [num_kernels] * len(widths) * convolutions
        if isinstance(num_kernels, Sequence):
            each = num_kernels
        for count in (len(widths), num_classes, *each, *widths):
            if not isinstance(count, int | float) or count < 1 or count != int(count):
                raise ValueError(f"{count!r} is no number of groups, channels, kernels or classes.")
        if convolutions not in (2, 3):
            raise ValueError(f"A group has 2 or 3 convolutions, not {convolutions!r}.")
        if len(each) != len(widths) * convolutions:
            raise ValueError(
                f"num_kernels has {len(each)} numbers for {len(widths) * convolutions} convolutions."
            )
        self.num_classes = num_classes
        self.whitening = WhiteningConv2d(self.in_channels)
        self.blocks = nn.Sequential()
        channels, kernels = self.whitening.out_channels, iter(each)
        for width in widths:
            self.blocks.append(_block(channels, width, next(kernels), pool=True))
            second = _block(width, width, next(kernels))
            self.blocks.append(
                second if convolutions == 2 else Residual(second, *_block(width, width, next(kernels))[:-1])
            )
            channels = width
        self.linear = nn.Linear(channels, num_classes, bias=False)
        nn.init.normal_(self.linear.weight)

    def initialize_from_data(self, images: Tensor) -> None:
        """Fit the whitening to normalized training images (N, in_channels, H, W)."""
        self.whitening.fit(images)

    def forward_features(self, images: Tensor) -> Tensor:
        """Images (N, in_channels, H, W) -> the last feature map (N, C, H', W')."""
        features: Tensor = self.blocks(silu(self.whitening(images)))
        return features

    def forward_head(self, features: Tensor) -> Tensor:
        """Feature map (N, C, H', W') -> logits (N, num_classes), scaled down to begin calmly."""
        logits: Tensor = self.linear(features.amax(dim=(2, 3))) / features.shape[1]
        return logits


def _block(in_channels: int, out_channels: int, num_kernels: int, pool: bool = False) -> nn.Sequential:
    convolution: nn.Module
    if num_kernels == 1:
        convolution = Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        kernels = [convolution.weight]
    else:
        convolution = MixingConv2d(in_channels, out_channels, num_kernels=num_kernels, standardize=True)
        kernels = list(convolution.weight)
    with torch.no_grad():
        for kernel in kernels:  # each keeps its own random filters beyond the identity
            nn.init.dirac_(kernel[: min(in_channels, out_channels)])
    pools = [nn.MaxPool2d(2)] if pool else []
    return nn.Sequential(convolution, *pools, QuickBatchNorm2d(out_channels), nn.SiLU(inplace=True))


@register_model
def speed94(num_classes: int = 10, num_kernels: int = 1, widths: Sequence[int] = (64, 256, 256)) -> SpeedNet:
    """A network that learns in few epochs: whitening, identity filters, six convolutions.

    1,971,328 parameters and 118 million multiply-accumulates an image with the default widths.
    """
    return SpeedNet(widths, num_kernels, num_classes)


@register_model
def speed_mixing(
    num_classes: int = 10, num_kernels: int = 2, widths: Sequence[int] = (64, 192, 192)
) -> SpeedNet:
    """The mixing sibling of speed94: narrower, with K kernels in each of its six convolutions.

    2,319,292 parameters with K = 2, 9.3 MB.
    """
    return SpeedNet(widths, num_kernels, num_classes)


@register_model
def deep_mixing(
    num_classes: int = 10,
    num_kernels: int | Sequence[int] = (4, 4, 4, 2, 1, 1, 1, 1, 1),
    widths: Sequence[int] = (96, 256, 320),
) -> SpeedNet:
    """Nine convolutions in three groups with residuals; those that see many positions mix, K = 4 and 2.

    There a kernel of its own for each image costs little time, and more kernels few numbers. 4,956,942
    parameters with the default widths, 19.8 MB.
    """
    return SpeedNet(widths, num_kernels, num_classes, convolutions=3)
