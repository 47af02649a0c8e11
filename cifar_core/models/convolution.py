"""The plain convolution of this project's networks: torch's, trained by Winograd's way where that pays."""

import torch
from torch import Tensor, nn

from cifar_core.models.ops import winograd


class Conv2d(nn.Conv2d):
    """nn.Conv2d, same weights and same results up to rounding; see `winograd` for what is chosen when."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        side = self._side(input)
        if side is None:
            return super()._conv_forward(input, weight, bias)
        result = winograd.winograd_conv2d(input, weight, side)
        return result if bias is None else result + bias.view(-1, 1, 1)

    def _side(self, x: Tensor) -> int | None:
        """The side of the tiles, or None for a direct convolution."""
        plain = self.groups == 1 and self.dilation == (1, 1) and self.padding_mode == "zeros"
        if not plain or self.stride != (1, 1) or self.padding != (1, 1):
            return None
        if x.ndim != 4 or not winograd.fits(x, self.kernel_size, stride=1, padding=1):
            return None
        shape = winograd.Shape(len(x), self.in_channels, self.out_channels, x.shape[2], x.shape[3])
        side, cost = winograd.choose_side(shape, torch.backends.cpu.get_cpu_capability())
        return side if winograd.GAIN * cost < 1 else None


def convolution_norm_relu(in_channels: int, out_channels: int, **arguments: int) -> nn.Sequential:
    """A convolution with bias, batch norm, ReLU; `arguments` are the convolution's."""
    return nn.Sequential(
        Conv2d(in_channels, out_channels, **arguments),  # type: ignore[arg-type]
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


def convolution_norm(in_channels: int, out_channels: int, **arguments: int) -> nn.Sequential:
    """A convolution with bias and batch norm; `arguments` are the convolution's."""
    return convolution_norm_relu(in_channels, out_channels, **arguments)[:2]
