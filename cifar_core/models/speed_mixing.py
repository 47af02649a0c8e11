"""A mixing network built to learn in few epochs, after airbench94 (Jordan 2024, arXiv 2404.00498).

Its ideas: a frozen whitening convolution; three groups of convolution, max pool, norm, GELU, convolution,
norm, GELU; filters that begin as the identity; a global max pool. Departures: every convolution after the
whitening mixes K kernels, the widths are 64-192-192, batch norm is torch's own, and there is no residual.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

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


class SpeedMixingNet(MixingClassifier):
    """Whitening, then for each width two mixing blocks, the first with a max pool; global max -> linear."""

    def __init__(
        self, widths: Sequence[int], num_kernels: int, num_classes: int, in_channels: int = 3
    ) -> None:
        super().__init__()
        self.num_classes, self.in_channels = num_classes, in_channels
        self.whitening = WhiteningConv2d(in_channels)
        self.blocks = nn.Sequential()
        channels = self.whitening.out_channels
        for width in widths:
            self.blocks.append(_block(channels, width, num_kernels, pool=True))
            self.blocks.append(_block(width, width, num_kernels, pool=False))
            channels = width
        self.linear = nn.Linear(channels, num_classes, bias=False)

    def see_images(self, images: Tensor) -> None:
        """Fit the whitening to normalized training images (N, in_channels, H, W)."""
        self.whitening.fit(images)

    def forward_features(self, images: Tensor) -> Tensor:
        """Images (N, in_channels, H, W) -> the last feature map (N, C, H', W')."""
        features: Tensor = self.blocks(self.whitening(images))
        return features

    def forward_head(self, features: Tensor) -> Tensor:
        """Feature map (N, C, H', W') -> logits (N, num_classes), scaled down to begin calmly."""
        logits: Tensor = self.linear(features.amax(dim=(2, 3))) / 9
        return logits


def _block(in_channels: int, out_channels: int, num_kernels: int, pool: bool) -> nn.Sequential:
    convolution = MixingConv2d(in_channels, out_channels, num_kernels=num_kernels, standardize=True)
    shared = min(in_channels, out_channels)
    with torch.no_grad():
        for kernel in convolution.weight:  # each keeps its own random filters beyond the identity
            nn.init.dirac_(kernel[:shared])
    layers = [convolution, *([nn.MaxPool2d(2)] if pool else []), nn.BatchNorm2d(out_channels), nn.GELU()]
    return nn.Sequential(*layers)


@register_model
def speed_mixing(
    num_classes: int = 10, num_kernels: int = 2, widths: Sequence[int] = (64, 192, 192)
) -> SpeedMixingNet:
    """A mixing network that learns in few epochs: whitening, identity filters, six mixing convolutions."""
    return SpeedMixingNet(widths, num_kernels, num_classes)
