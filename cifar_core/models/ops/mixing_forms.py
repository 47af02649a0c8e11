"""The exact forms of the mixing operator sum_k a_k * (W_k * x + b_k).

Convolution is linear in its kernel and in its input, so the K outputs can be mixed after, before or inside
the convolution; the forms differ in cost alone. Everywhere: x (N, C_in, H, W), weight (K, C_out, C_in, R, S),
bias (K, C_out), coefficients (N, K); the result is (N, C_out, H', W').
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv2d, pad

from cifar_core.models.ops import winograd


def mix_loop(
    x: Tensor, weight: Tensor, bias: Tensor, coefficients: Tensor, stride: int, padding: int
) -> Tensor:
    """K convolutions one after another, summed: the definition, kept as the oracle of the other forms."""
    mixed: Tensor | int = 0
    for k in range(len(weight)):
        response = conv2d(x, weight[k], bias[k], stride, padding)  # (N, C_out, H', W')
        mixed = mixed + coefficients[:, k, None, None, None].to(response.dtype) * response
    assert isinstance(mixed, Tensor)
    return mixed


def mix_grouped(
    x: Tensor, weight: Tensor, bias: Tensor, coefficients: Tensor, stride: int, padding: int
) -> Tensor:
    """One mixed kernel an image, then one convolution with a group an image; a plain one for one image."""
    n, c_in, height, width = x.shape
    _, c_out, _, *kernel_size = weight.shape
    kernels = (coefficients.to(weight.dtype) @ weight.flatten(1)).view(n * c_out, c_in, *kernel_size)
    biases = (coefficients.to(bias.dtype) @ bias).view(n * c_out)
    x = x.reshape(1, n * c_in, height, width)
    mixed = conv2d(x, kernels, biases.to(kernels.dtype), stride, padding, groups=n)
    return mixed.reshape(n, c_out, *mixed.shape[2:])


def mix_wide_in(
    x: Tensor, weight: Tensor, bias: Tensor, coefficients: Tensor, stride: int, padding: int
) -> Tensor:
    """One convolution on the K scaled copies of x, so that the sum happens inside it."""
    shares = coefficients[:, None, None, :, None].to(x.dtype)
    copies = (x.permute(0, 2, 3, 1).unsqueeze(3) * shares).flatten(3)  # (N, H, W, K·C_in)
    kernels = weight.transpose(0, 1).flatten(1, 2)  # (C_out, K·C_in, R, S)
    mixed = conv2d(copies.permute(0, 3, 1, 2), kernels, None, stride, padding)
    biases = coefficients.to(bias.dtype) @ bias  # (N, C_out)
    return mixed + biases[:, :, None, None].to(mixed.dtype)


def mix_winograd(
    x: Tensor, weight: Tensor, bias: Tensor, coefficients: Tensor, stride: int, padding: int
) -> Tensor:
    """Wide-in by Winograd's tiles, differentiable once.

    For 3x3 kernels with stride 1 and padding 1, in fp32 on a CPU; otherwise wide-in itself.
    """
    is_3x3 = weight.shape[3:] == (3, 3) and stride == 1 and padding == 1
    if not is_3x3 or x.device.type != "cpu" or winograd.low_precision(x):
        return mix_wide_in(x, weight, bias, coefficients, stride, padding)
    dtype = weight.dtype
    coefficients = coefficients.to(dtype)
    shape = winograd.Shape(len(x), x.shape[1], weight.shape[1], x.shape[2], x.shape[3], len(weight))
    side, _ = winograd.choose_side(shape, torch.backends.cpu.get_cpu_capability())
    mixed = winograd.winograd_mix(x.to(dtype), weight, coefficients, side)
    return mixed + (coefficients @ bias)[:, :, None, None]


def mix_products(
    x: Tensor, weight: Tensor, bias: Tensor, coefficients: Tensor, stride: int, padding: int
) -> Tensor:
    """One mixed kernel an image, multiplied with the image's patches: `mix_grouped` a chunk at a time.

    Mixed kernels and their gradients live for a chunk of images only, and are mixed anew in the backward
    pass: memory does not grow with N·C_out·C_in·R·S. Differentiable once.
    """
    kind = x.device.type
    cast = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
    dtype = torch.get_autocast_dtype(kind) if cast else weight.dtype
    tensors = (tensor.to(dtype) for tensor in (x, weight, bias, coefficients))
    mixed: Tensor = _Products.apply(*tensors, stride, padding)
    return mixed


class _Products(torch.autograd.Function):
    """The matrix products of `mix_products`, channels last: patches (M, H'·W', R·S·C_in) of M images."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, coefficients: Tensor, stride: int, padding: int
    ) -> Tensor:
        c_out, c_in, *size = weight.shape[1:]
        height, width = (
            (x.shape[2 + d] + 2 * padding - size[d]) // stride + 1 for d in (0, 1)
        )  # of the result
        kernels = weight.permute(0, 3, 4, 2, 1).flatten(1)  # (K, R·S·C_in·C_out)
        biases = coefficients @ bias
        images = pad(x.permute(0, 2, 3, 1), (0, 0, padding, padding, padding, padding))
        mixed = x.new_empty(len(x), height * width, c_out)
        numbers = kernels[0].numel() + height * width * c_in * size[0] * size[1]  # an image's kernel, patches
        ctx.chunks = winograd.chunks(len(x), numbers * x.element_size())
        for part in ctx.chunks:
            own = (coefficients[part] @ kernels).unflatten(1, (-1, c_out))  # (M, R·S·C_in, C_out)
            torch.baddbmm(biases[part, None], _patches(images[part], size, stride), own, out=mixed[part])
        ctx.save_for_backward(x, weight, bias, coefficients)
        ctx.stride, ctx.padding = stride, padding
        return mixed.unflatten(1, (height, width)).permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, _, bias, coefficients = ctx.saved_tensors
        upstream = gradient.permute(0, 2, 3, 1)  # (N, H', W', C_out)
        sums = upstream.sum(dim=(1, 2))  # (N, C_out)
        to_weight, to_coefficients = _kernel_gradients(ctx, x, upstream)
        to_coefficients += sums @ bias.T
        to_x = _input_gradient(ctx, x, upstream) if ctx.needs_input_grad[0] else None
        return to_x, to_weight, coefficients.T @ sums, to_coefficients, None, None


def _kernel_gradients(ctx: Any, x: Tensor, upstream: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of the weight and, through the mixed kernels, of the coefficients."""
    _, weight, _, coefficients = ctx.saved_tensors
    num_kernels, c_out, c_in, *size = weight.shape
    kernels = weight.permute(0, 3, 4, 2, 1).flatten(1)
    images = pad(x.permute(0, 2, 3, 1), (0, 0, *[ctx.padding] * 4))
    to_kernels, to_coefficients = torch.zeros_like(kernels), torch.empty_like(coefficients)
    for part in ctx.chunks:
        patches = _patches(images[part], size, ctx.stride)
        own = (patches.mT @ upstream[part].flatten(1, 2)).flatten(1)  # (M, R·S·C_in·C_out)
        to_kernels.addmm_(coefficients[part].T, own)
        torch.mm(own, kernels.T, out=to_coefficients[part])
    return to_kernels.view(num_kernels, *size, c_in, c_out).permute(0, 4, 3, 1, 2), to_coefficients


def _input_gradient(ctx: Any, x: Tensor, upstream: Tensor) -> Tensor:
    """A convolution of the upstream gradient, spread out by the stride, with the kernels turned around."""
    _, weight, _, coefficients = ctx.saved_tensors
    n, c_in, height, width = x.shape
    rows, columns = size = weight.shape[3:]
    kernels = weight.flip(3, 4).permute(0, 3, 4, 1, 2).flatten(1)  # (K, R·S·C_out·C_in)
    inner = (height + 2 * ctx.padding - rows + 1, width + 2 * ctx.padding - columns + 1)
    spread = upstream.new_zeros(n, *inner, weight.shape[1])
    spread[:, :: ctx.stride, :: ctx.stride] = upstream
    right, below = columns - 1 - ctx.padding, rows - 1 - ctx.padding  # below zero: cut off
    spread = pad(spread, (0, 0, right, right, below, below))
    to_x = x.new_empty(n, height * width, c_in)
    for part in ctx.chunks:
        own = (coefficients[part] @ kernels).unflatten(1, (-1, c_in))  # (M, R·S·C_out, C_in)
        torch.bmm(_patches(spread[part], size, 1), own, out=to_x[part])
    return to_x.unflatten(1, (height, width)).permute(0, 3, 1, 2)


def _patches(images: Tensor, size: Any, stride: int) -> Tensor:
    """Padded images (M, H, W, C) -> the input of each output position (M, H'·W', R·S·C)."""
    windows = images.unfold(1, size[0], stride).unfold(2, size[1], stride)  # (M, H', W', C, R, S)
    return windows.permute(0, 1, 2, 4, 5, 3).flatten(3).flatten(1, 2)
