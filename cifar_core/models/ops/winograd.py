"""3x3 convolutions with fewer multiplications, for training in fp32 on a CPU.

Winograd's minimal filtering, after Lavin and Gray 2015 (arXiv 1509.09308): a tile of m x m outputs needs
(m + 2)² products of transformed numbers, not 9·m², and over a batch these are (m + 2)² matrix products. All
three passes share the transforms: the result, the gradient of the input, and that of the kernel, which direct
convolutions compute slowest. Results differ from theirs by rounding, about 1e-6 of the norm with m = 4.
"""

import functools
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

POINTS = (0.0, 1.0, -1.0, 2.0, -2.0)  # of evaluation, then infinity; small ones round best
SIDES = (2, 3, 4)  # of an output tile; larger ones round worse
CHUNK_BYTES = 16 * 2**20  # worked on at a time: half of a 32 MB cache

# The unit of cost is a multiply-accumulate of a matrix product, fp32. Measured on two Zen 3 cores (AVX2), in
# GFLOP/s: matrix products 160, direct convolutions 210, and 130 in the gradient of their kernel. Carrying
# a number to tiles and back in all passes takes as long as 150 to 280 multiply-accumulates, about 50 + 6·n².
#   direct over m =      2    3    4  (forward and backward, batch 500)        2    3    4
#    24 ->  64 at 31x31 0.65 0.66 0.70  direct taken    256 -> 256 at 7x7    1.03 1.08 1.59  4 taken
#    64 ->  64 at 15x15 0.78 1.04 0.85  direct          256 -> 256 at 6x6    1.52 1.79 1.16  3
#    64 -> 256 at 15x15 1.03 1.58 1.36  3               256 -> 256 at 4x4    1.47 0.86 2.18  4
#    64 -> 256 at 12x12 1.04 1.31 1.29  4               256 -> 256 at 3x3    0.95 2.03 1.19  3
#    64 -> 256 at  9x9  0.88 1.39 0.88  3               256 -> 256 at 2x2    2.01 1.22 0.82  2
DIRECT = 160 / 210  # each of two passes, and
DIRECT_KERNEL = 160 / 130  # the gradient of the kernel
TRANSFORM = (50, 6)
WIDE_VECTORS = 2.0  # reasoned: beyond AVX2 products are quicker, and memory is not
GAIN = 1.1  # below it, the direct convolution


@dataclass(frozen=True)
class Transforms:
    """Matrices that act on tiles of m x m outputs and n x n inputs, n = m + 2, all flattened row by row."""

    side: int  # m
    to_input: Tensor  # (n², n²)
    to_kernel: Tensor  # (n², 9)
    to_output: Tensor  # (m², n²)


@functools.cache
def transforms(side: int, dtype: torch.dtype) -> Transforms:
    """Toom and Cook's polynomial product over POINTS, turned around into a correlation."""
    with torch.device("cpu"), torch.inference_mode(False):  # they are kept, whatever the caller does
        return _toom_cook(side, dtype)


def _toom_cook(side: int, dtype: torch.dtype) -> Transforms:
    n = side + 2
    points = POINTS[: n - 1]
    powers = torch.zeros(n, n, dtype=torch.float64)  # (point, degree); infinity sees the highest degree alone
    for row, point in enumerate(points):
        powers[row] = torch.tensor([point**degree for degree in range(n)])
    output, kernel = powers[:, :side].clone(), powers[:, :3].clone()
    output[-1, -1] = kernel[-1, -1] = powers[-1, -1] = 1.0
    scale = torch.tensor([math.prod(p - q for q in points if q != p) for p in points] + [1.0])[:, None]
    inputs = torch.linalg.inv(powers).T * scale  # whole numbers; the kernel takes the fractions
    pairs = (inputs, kernel / scale, output.T)
    return Transforms(side, *(torch.kron(matrix, matrix).to(dtype) for matrix in pairs))


@dataclass(frozen=True)
class Shape:
    """The sizes that one 3x3 convolution's cost in a training step depends on; height and width in pixels."""

    batch: int
    c_in: int
    c_out: int
    height: int
    width: int
    num_kernels: int = 1

    @property
    def direct_cost(self) -> float:
        """Of one direct convolution, forward and backward, for each image."""
        products = 9 * self.height * self.width * self.c_in * self.c_out
        return products * (2 * DIRECT + DIRECT_KERNEL)

    def cost(self, side: int, vectors: str) -> float:
        """Of tiles of side x side outputs, for each image."""
        square, tiles = (side + 2) ** 2, math.ceil(self.height / side) * math.ceil(self.width / side)
        products = self.num_kernels * self.c_in * self.c_out
        weight = 1.0 if vectors == "AVX2" else WIDE_VECTORS
        channels = self.num_kernels * self.c_in + self.c_out
        carried = weight * (TRANSFORM[0] + TRANSFORM[1] * square) * channels
        of_kernels = 2 * 9 * products / self.batch  # their own way to tiles and back
        return square * (tiles * (3 * products + carried) + of_kernels)


def choose_side(shape: Shape, vectors: str = "AVX2") -> tuple[int, float]:
    """The side of the tiles that cost least, and their cost over one direct convolution's.

    vectors: the processor's, as torch.backends.cpu.get_cpu_capability names them.
    """
    side = min(SIDES, key=lambda side: shape.cost(side, vectors))
    return side, shape.cost(side, vectors) / shape.direct_cost


def fits(x: Tensor, kernel_size: tuple[int, ...], stride: int, padding: int) -> bool:
    """True for a 3x3 convolution in a training step on a CPU in fp32 or more, with more than one image.

    Without gradients little is won, and answers stay free of another rounding.
    """
    is_3x3 = kernel_size == (3, 3) and stride == 1 and padding == 1
    in_training = torch.is_grad_enabled() and len(x) > 1
    return is_3x3 and in_training and x.device.type == "cpu" and not low_precision(x)


def low_precision(x: Tensor) -> bool:
    """True when a convolution of x counts in 16 bits, which are too few for the transforms."""
    kind = x.device.type
    under_autocast = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
    return under_autocast or x.dtype in (torch.bfloat16, torch.float16)


def winograd_conv2d(x: Tensor, weight: Tensor, side: int) -> Tensor:
    """conv2d(x, weight, padding=1) by tiles of side x side outputs; channels last, differentiable once.

    x (N, C_in, H, W), weight (C_out, C_in, 3, 3) -> (N, C_out, H, W).
    """
    result: Tensor = _Winograd.apply(x, weight[None], None, side)
    return result


def winograd_mix(x: Tensor, weight: Tensor, coefficients: Tensor, side: int) -> Tensor:
    """sum_k a_k · conv2d(x, W_k, padding=1) by tiles: K scaled copies of each transformed input.

    x (N, C_in, H, W), weight (K, C_out, C_in, 3, 3), coefficients (N, K) -> (N, C_out, H, W). Differentiable
    once.
    """
    result: Tensor = _Winograd.apply(x, weight, coefficients, side)
    return result


class _Winograd(torch.autograd.Function):
    """Transformed numbers are (n², positions, channels): one matrix product for each of the n²."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, coefficients: Tensor | None, side: int) -> Tensor:
        matrices = transforms(side, x.dtype)
        images = x.permute(0, 2, 3, 1)
        kernels = _kernels_to_tiles(weight, matrices)  # (n², K·C_in, C_out)
        result = x.new_empty(*images.shape[:3], weight.shape[1])
        ctx.chunks = chunks(len(x), _image_bytes(x, weight, side))
        inputs = []  # (n², M·T, C_in) of each chunk of M images with T tiles
        for part in ctx.chunks:
            inputs.append(_inputs_to_tiles(images[part], matrices))
            copies = _scaled(inputs[-1], None if coefficients is None else coefficients[part])
            _outputs_from_tiles(copies @ kernels, matrices, result[part])
        ctx.save_for_backward(kernels, coefficients, *inputs)
        ctx.matrices, ctx.shapes = matrices, (images.shape, weight.shape)
        return result.permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        kernels, coefficients, *inputs = ctx.saved_tensors
        upstream = gradient.permute(0, 2, 3, 1)
        to_kernels = torch.zeros_like(kernels)
        to_x = gradient.new_empty(ctx.shapes[0]) if ctx.needs_input_grad[0] else None
        to_coefficients = None if coefficients is None else torch.empty_like(coefficients)
        for part, own in zip(ctx.chunks, inputs, strict=True):
            shares = None if coefficients is None else coefficients[part]
            outputs = _outputs_to_tiles(upstream[part], ctx.matrices)  # (n², M·T, C_out)
            to_kernels.baddbmm_(_scaled(own, shares).mT, outputs)
            if to_x is None and to_coefficients is None:
                continue
            to_inputs = outputs @ kernels.mT  # (n², M·T, K·C_in)
            if shares is not None:
                assert to_coefficients is not None
                to_inputs, to_coefficients[part] = _unscaled(to_inputs, own, shares)
            if to_x is not None:
                _inputs_from_tiles(to_inputs, ctx.matrices, to_x[part])
        to_weight = _kernels_from_tiles(to_kernels, ctx.matrices, ctx.shapes[1])
        return None if to_x is None else to_x.permute(0, 3, 1, 2), to_weight, to_coefficients, None


# K scaled copies


def _scaled(inputs: Tensor, shares: Tensor | None) -> Tensor:
    """(n², M·T, C), shares (M, K) -> (n², M·T, K·C)."""
    if shares is None:
        return inputs
    rows = inputs.unflatten(1, (len(shares), -1)).unsqueeze(3)  # (n², M, T, 1, C)
    return (rows * shares[:, None, :, None]).flatten(3).flatten(1, 2)


def _unscaled(gradient: Tensor, inputs: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of `inputs` (n², M·T, C) and of `shares` (M, K), from that of the copies (n², M·T, K·C)."""
    copies = gradient.unflatten(1, (len(shares), -1)).unflatten(3, (shares.shape[1], -1))  # (n², M, T, K, C)
    to_inputs = (shares[:, None, None].to(copies.dtype) @ copies).squeeze(3).flatten(1, 2)
    rows = inputs.unflatten(1, (len(shares), -1)).unsqueeze(4)  # (n², M, T, C, 1)
    return to_inputs, (copies @ rows).squeeze(4).sum(dim=(0, 2))


# To tiles and back: each pair of functions is a linear map and its transpose


def _kernels_to_tiles(weight: Tensor, matrices: Transforms) -> Tensor:
    """(K, C_out, C_in, 3, 3) -> (n², K·C_in, C_out)."""
    flat = weight.permute(3, 4, 0, 2, 1).flatten(1).flatten(1).reshape(9, -1)
    return (matrices.to_kernel @ flat).view(-1, len(weight) * weight.shape[2], weight.shape[1])


def _kernels_from_tiles(gradient: Tensor, matrices: Transforms, shape: torch.Size) -> Tensor:
    """(n², K·C_in, C_out) -> (K, C_out, C_in, 3, 3)."""
    num_kernels, c_out, c_in, *_ = shape
    flat = matrices.to_kernel.T @ gradient.flatten(1)
    return flat.view(3, 3, num_kernels, c_in, c_out).permute(2, 4, 3, 0, 1).contiguous()


def _inputs_to_tiles(images: Tensor, matrices: Transforms) -> Tensor:
    """(M, H, W, C) -> (n², M·T, C): windows of n x n that overlap by 2, transformed."""
    m, channels = matrices.side, images.shape[3]
    rows, columns = _tiles(images, m)
    below, right = rows * m + 1 - images.shape[1], columns * m + 1 - images.shape[2]
    windows = pad(images, (0, 0, 1, right, 1, below)).unfold(1, m + 2, m).unfold(2, m + 2, m)
    windows = windows.permute(4, 5, 0, 1, 2, 3).flatten(0, 1).flatten(1)  # (n², M·T·C)
    return (matrices.to_input @ windows).view(len(windows), -1, channels)


def _inputs_from_tiles(gradient: Tensor, matrices: Transforms, out: Tensor) -> None:
    """(n², M·T, C) -> out (M, H, W, C): what the windows share is summed."""
    m = matrices.side
    rows, columns = _tiles(out, m)
    windows = (matrices.to_input.T @ gradient.flatten(1)).view(
        m + 2, m + 2, len(out), rows, columns, out.shape[3]
    )
    cropped = out.new_zeros(len(out), rows * m + 2, columns * m + 2, out.shape[3])
    for i in range(m + 2):
        for j in range(m + 2):
            cropped[:, i : i + (rows - 1) * m + 1 : m, j : j + (columns - 1) * m + 1 : m] += windows[i, j]
    out.copy_(cropped[:, 1 : out.shape[1] + 1, 1 : out.shape[2] + 1])


def _outputs_from_tiles(products: Tensor, matrices: Transforms, out: Tensor) -> None:
    """(n², M·T, C_out) -> out (M, H, W, C_out); what lies beyond its edges falls away."""
    m = matrices.side
    rows, columns = _tiles(out, m)
    flat = matrices.to_output @ products.flatten(1)
    tiles = flat.view(m, m, len(out), rows, columns, -1)
    tiles = tiles.permute(2, 3, 0, 4, 1, 5)  # (M, rows, m, columns, m, C)
    if (rows * m, columns * m) == out.shape[1:3]:
        out.view(tiles.shape).copy_(tiles)
    else:
        whole = tiles.reshape(len(out), rows * m, columns * m, -1)
        out.copy_(whole[:, : out.shape[1], : out.shape[2]])


def _outputs_to_tiles(gradient: Tensor, matrices: Transforms) -> Tensor:
    """(M, H, W, C_out) -> (n², M·T, C_out)."""
    m, channels = matrices.side, gradient.shape[3]
    rows, columns = _tiles(gradient, m)
    right, below = columns * m - gradient.shape[2], rows * m - gradient.shape[1]
    whole = pad(gradient, (0, 0, 0, right, 0, below)) if right or below else gradient
    tiles = whole.unflatten(2, (columns, m)).unflatten(1, (rows, m))  # (M, rows, m, columns, m, C)
    flat = tiles.permute(2, 4, 0, 1, 3, 5).reshape(m * m, -1)
    return (matrices.to_output.T @ flat).view((m + 2) ** 2, -1, channels)


def _tiles(images: Tensor, side: int) -> tuple[int, int]:
    """Tiles that cover images (M, H, W, C): rows and columns of them."""
    return math.ceil(images.shape[1] / side), math.ceil(images.shape[2] / side)


def chunks(images: int, image_bytes: int) -> list[slice]:
    """Slices of images, about equal, that fit in CHUNK_BYTES with so many bytes an image."""
    step = math.ceil(images / max(1, math.ceil(images * image_bytes / CHUNK_BYTES)))
    return [slice(start, min(start + step, images)) for start in range(0, images, step)]


def _image_bytes(x: Tensor, weight: Tensor, side: int) -> int:
    """Of the transformed numbers of one image, before or after the products, whichever are more."""
    rows, columns = _tiles(x.permute(0, 2, 3, 1), side)
    channels = max(weight.shape[0] * weight.shape[2], weight.shape[1])
    return (side + 2) ** 2 * rows * columns * channels * x.element_size()
