"""Mixing networks: each block runs K convolutions and mixes them with coefficients predicted from its input.

The literature calls this dynamic convolution: CondConv (Yang et al. 2019, arXiv 1904.04971) and Dynamic
Convolution (Chen et al. 2020, arXiv 1912.03458). A backbone of blocks B1..Bn is followed by a classifier:
spatial average pool -> flatten -> linear.
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from cifar_core.models.base import ImageClassifier
from cifar_core.models.ops.mix import mix
from cifar_core.models.recording import record_outputs
from cifar_core.models.registry import register_model

POOL = "pool"  # in a layout: halve height and width here


class MixingCoefficients(nn.Module):
    """Coefficients a (N, K) from the input x (N, C, H, W): spatial average -> linear -> softmax or sigmoid.

    `temperature` divides the softmax's input; it is a buffer, so that it is saved with the weights.
    Softmax coefficients sum to 1; sigmoid ones lie in 0..1 each.

    standardize: bring each channel's average to mean 0 and variance 1 over images first (batch norm without
    weights). Averages over many positions hardly differ from image to image: without this the coefficients
    stayed within 0.02 of 1/K for three epochs.
    """

    temperature: Tensor

    def __init__(
        self, in_channels: int, num_kernels: int, activation: str = "softmax", standardize: bool = False
    ) -> None:
        super().__init__()
        if activation not in ("softmax", "sigmoid"):
            raise ValueError(f"activation is '{activation}'; it must be softmax or sigmoid.")
        self.norm = nn.BatchNorm1d(in_channels, affine=False) if standardize else nn.Identity()
        self.linear = nn.Linear(in_channels, num_kernels)
        self.activation = activation
        self.register_buffer("temperature", torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        """x (N, C, H, W) -> a (N, K), in the weights' precision also under autocast."""
        dtype = self.linear.weight.dtype
        averages = self.norm(x.mean(dim=(2, 3)).to(dtype))  # (N, C)
        scores = self.linear(averages).to(dtype)  # (N, K)
        if self.activation == "sigmoid":
            return scores.sigmoid()
        return (scores / self.temperature).softmax(dim=1)


class MixingConv2d(nn.Module):
    """K convolutions of one input, mixed by coefficients that it predicts: a1·Conv1(x) + … + aK·ConvK(x).

    x (N, in_channels, H, W) -> (N, out_channels, H', W'). Weights (K, out, in, R, R) are Kaiming-normal
    (fan-in, ReLU), each kernel drawn for itself; biases (K, out) start as nn.Conv2d's do.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int = 3,
        stride: int = 1,
        padding: int = 1,
        num_kernels: int = 3,
        activation: str = "softmax",
        standardize: bool = False,
    ) -> None:
        super().__init__()
        self.stride, self.padding = stride, padding
        self.coefficients = MixingCoefficients(in_channels, num_kernels, activation, standardize)
        shape = (num_kernels, out_channels, in_channels, kernel_size, kernel_size)
        fan_in = in_channels * kernel_size**2
        self.weight = nn.Parameter(torch.randn(shape) * (2 / fan_in) ** 0.5)
        self.bias = nn.Parameter(
            torch.empty(num_kernels, out_channels).uniform_(-(fan_in**-0.5), fan_in**-0.5)
        )

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Convert the weights (`to`, `cuda`, `half`), the K kernels in one tensor of four dimensions.

        `to(memory_format=torch.channels_last)` asks that of a convolution's weights. They keep their own
        layout: `mix` lays out what it computes with.
        """

        def convert(tensor: Tensor) -> Tensor:
            if tensor.ndim != 5:
                return fn(tensor)
            return fn(tensor.flatten(0, 1)).contiguous().unflatten(0, tensor.shape[:2])

        return super()._apply(convert, recurse)

    def forward(self, x: Tensor) -> Tensor:
        """x (N, in_channels, H, W) -> (N, out_channels, H', W')."""
        return mix(x, self.weight, self.bias, self.coefficients(x), self.stride, self.padding)


class MixingBlock(nn.Module):
    """MixingConv2d plus a residual: the identity, or 1x1 convolution and batch norm where channels change."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        num_kernels: int,
        activation: str = "softmax",
        standardize: bool = False,
    ) -> None:
        super().__init__()
        self.conv = MixingConv2d(
            in_channels,
            out_channels,
            num_kernels=num_kernels,
            activation=activation,
            standardize=standardize,
        )
        self.residual: nn.Module = nn.Identity()
        if in_channels != out_channels:
            convolution = nn.Conv2d(in_channels, out_channels, kernel_size=1)
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
            self.residual = nn.Sequential(convolution, nn.BatchNorm2d(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """x (N, in_channels, H, W) -> (N, out_channels, H, W)."""
        mixed: Tensor = self.conv(x) + self.residual(x)
        return mixed


class MixingClassifier(ImageClassifier):
    """A network with MixingCoefficients somewhere in it, and how to read and set them."""

    def _mixers(self) -> list[MixingCoefficients]:
        return [module for module in self.modules() if isinstance(module, MixingCoefficients)]

    def mixing_blocks(self) -> list[str]:
        """B1..Bn, in the network's order."""
        return [f"B{number}" for number in range(1, len(self._mixers()) + 1)]

    def mixing_kernels(self) -> list[int]:
        """K of each block."""
        return [mixer.linear.out_features for mixer in self._mixers()]

    @contextmanager
    def record_mixing(self) -> Iterator[list[Tensor]]:
        """See ImageClassifier.record_mixing: (N, K) a block, of this thread's latest pass."""
        with record_outputs(self._mixers()) as record:
            yield record

    @contextmanager
    def fixed_mixing(
        self,
        coefficients: Mapping[str, Sequence[float]] | None = None,
        off: Mapping[str, Collection[int]] | None = None,
    ) -> Iterator[None]:
        """While open, some blocks do not mix as they predict; afterwards everything is as it was.

        coefficients: block -> K numbers that every image gets. off: block -> kernels, counted from 0, whose
        coefficients become 0; the others of each image keep their proportions and the sum stays. A record
        that is opened inside holds the coefficients that were used.

        Raises:
            ValueError: for an unknown block, a wrong number of coefficients, or all kernels off.
        """
        parts = zip(self.mixing_blocks(), self._mixers(), self.mixing_kernels(), strict=True)
        known = {block: (mixer, kernels) for block, mixer, kernels in parts}
        with hand_mixing(known, coefficients or {}, off or {}):
            yield

    def set_mixing_temperature(self, temperature: float) -> None:
        """Set the softmax temperature of every block."""
        for mixer in self._mixers():
            mixer.temperature.fill_(temperature)


class MixingNet(MixingClassifier):
    """Mixing blocks, each followed by batch norm and ReLU, with max pools between; then pool -> linear.

    layout: the blocks' output channels in their order, with "pool" where height and width are halved.
    dropout: share of features dropped before the linear layer while training.

    Raises:
        ValueError: when there is no block, or a number of channels, kernels or classes is none.
    """

    def __init__(
        self,
        layout: Sequence[int | str],
        num_kernels: int = 3,
        num_classes: int = 10,
        in_channels: int = 3,
        activation: str = "softmax",
        standardize: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        widths = [item for item in layout if item != POOL]
        for count in (len(widths), num_kernels, num_classes, *widths):
            if not isinstance(count, int) or count < 1:
                raise ValueError(f"{count!r} is no number of blocks, channels, kernels or classes.")
        self.num_classes, self.in_channels = num_classes, in_channels
        self.blocks = nn.Sequential()
        width = in_channels
        for item in layout:
            if item == POOL:
                self.blocks.append(nn.MaxPool2d(2))
                continue
            block = MixingBlock(width, int(item), num_kernels, activation, standardize)
            width = int(item)
            self.blocks.append(nn.Sequential(block, nn.BatchNorm2d(width), nn.ReLU(inplace=True)))
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, num_classes))

    def forward_features(self, images: Tensor) -> Tensor:
        """Images (N, in_channels, H, W) -> the last feature map (N, C, H', W')."""
        features: Tensor = self.blocks(images)
        return features

    def forward_head(self, features: Tensor) -> Tensor:
        """Feature map (N, C, H', W') -> logits (N, num_classes)."""
        logits: Tensor = self.classifier(adaptive_avg_pool2d(features, 1).flatten(1))
        return logits


@register_model
def mixing_2(num_classes: int = 10, num_kernels: int = 3) -> MixingNet:
    """Two blocks (64, 64): model A of the second course project; its max pool follows the second block."""
    return MixingNet((64, 64, POOL), num_kernels, num_classes)


@register_model
def mixing_4(num_classes: int = 10, num_kernels: int = 3, dropout: float = 0.5) -> MixingNet:
    """Four blocks (64, 64, 128, 128) and dropout: model B of the second course project.

    Its pools and its dropout rate are not stated: a pool after each pair of blocks and 0.5 are our reading.
    """
    return MixingNet((64, 64, POOL, 128, 128, POOL), num_kernels, num_classes, dropout=dropout)


@register_model
def mixing_6(num_classes: int = 10, num_kernels: int = 3) -> MixingNet:
    """Six blocks in the stages 64-128-256: the network of the first course project's published run.

    3,485,029 parameters with K = 3; 463 million multiply-accumulates an image with the loop, 161 with one
    mixed kernel (153 of them in its 3x3 convolutions).
    """
    return MixingNet((64, 64, POOL, 128, 128, POOL, 256, 256, POOL), num_kernels, num_classes)


@register_model
def mixing_11(num_classes: int = 10, num_kernels: int = 3) -> MixingNet:
    """Eleven blocks in the stages 64-128-256-512: the first course project's description.

    It states 11 blocks and a classifier AdaptiveAvgPool -> Linear(512, 10), and no layer list. Declared here:
    2 blocks of 64, then 3 each of 128, 256 and 512, with a pool between the stages.
    """
    stages = (64, 64, POOL, 128, 128, 128, POOL, 256, 256, 256, POOL, 512, 512, 512)
    return MixingNet(stages, num_kernels, num_classes)


@register_model
def mixing_lite(
    num_classes: int = 10,
    num_kernels: int = 3,
    widths: Sequence[int] = (32, 64, 128, 256),
    activation: str = "softmax",
    standardize: bool = True,
) -> MixingNet:
    """A light mixing network for two cores: two blocks a stage, one in the last, which sees 4x4 positions.

    Ours. Seven blocks with the default widths: 1,796,424 parameters with K = 3, 7.2 MB. Its coefficients are
    predicted from standardized channel averages.
    """
    layout: list[int | str] = []
    for width in widths[:-1]:
        layout += [width, width, POOL]
    layout += widths[-1:]
    return MixingNet(layout, num_kernels, num_classes, activation=activation, standardize=standardize)


Change = Callable[[Tensor], Tensor]  # predicted coefficients (N, K) -> those to use (N, K)


@contextmanager
def hand_mixing(
    mixers: Mapping[str, tuple[nn.Module, int]],
    fixed: Mapping[str, Sequence[float]],
    off: Mapping[str, Collection[int]],
) -> Iterator[None]:
    """While open, blocks mix as `fixed` and `off` say; see MixingClassifier.fixed_mixing.

    mixers: block -> the module that gives its coefficients (N, K), and K.
    """
    changes = _changes({block: count for block, (_, count) in mixers.items()}, fixed, off)
    with ExitStack() as stack:
        for block, change in changes.items():
            hook = mixers[block][0].register_forward_hook(lambda *call, change=change: change(call[-1]))
            stack.callback(hook.remove)
        yield


def _changes(
    counts: Mapping[str, int], fixed: Mapping[str, Sequence[float]], off: Mapping[str, Collection[int]]
) -> dict[str, Change]:
    for block in (*fixed, *off):
        if block not in counts:
            known = ", ".join(counts) or "none"
            raise ValueError(f"There is no mixing block '{block:.50}'; the blocks are: {known}.")
    if both := sorted(set(fixed) & set(off)):
        raise ValueError(f"{both[0]} has fixed coefficients and kernels off; give one of the two.")
    changes = {block: _fixed(block, counts[block], values) for block, values in fixed.items()}
    return changes | {block: _without(block, counts[block], kernels) for block, kernels in off.items()}


def _fixed(block: str, count: int, values: Sequence[float]) -> Change:
    if len(values) != count or not all(math.isfinite(value) for value in values):
        raise ValueError(f"{block} mixes {count} kernels; give {count} finite numbers, not {list(values)}.")
    return lambda predicted: predicted.new_tensor(values).expand_as(predicted)


def _without(block: str, count: int, kernels: Collection[int]) -> Change:
    if not set(kernels) < set(range(count)):
        allowed = f"numbers from 0 to {count - 1}, and not all of them"
        raise ValueError(f"{block} mixes {count} kernels; switch off {allowed}, not {sorted(kernels)}.")
    kept = [float(kernel not in kernels) for kernel in range(count)]
    return lambda predicted: _share_out(predicted, predicted.new_tensor(kept))


def _share_out(predicted: Tensor, kept: Tensor) -> Tensor:
    """Coefficients (N, K) with those where `kept` (K,) is 0 shared out to the others in proportion.

    Where the others have nothing, as when a softmax is rounded to one kernel alone, they share evenly.
    """
    rest = predicted * kept
    total = rest.sum(dim=1, keepdim=True)
    shares = torch.where(total > 0, rest / total.clamp_min(torch.finfo(total.dtype).tiny), kept / kept.sum())
    return shares * predicted.sum(dim=1, keepdim=True)
