"""3x3 convolutions with fewer multiplications, for training in fp32 on a CPU.

Winograd's minimal filtering, after Lavin and Gray 2015 (arXiv 1509.09308): a tile of m x m outputs needs
(m + 2)² products of transformed numbers, not 9·m², and over a batch these are (m + 2)² matrix products. All
three passes share the transforms: the result, the gradient of the input, and that of the kernel, which direct
convolutions compute slowest. Results differ by rounding, 2e-6 of the norm with m = 4, 5e-6 with m = 6.
"""

import functools
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv2d, pad

POINTS = (0.0, 1.0, -1.0, 0.5, -2.0, 2.0, -0.5)  # of evaluation, then infinity; these round best
SIDES = (2, 3, 4, 5, 6)  # of an output tile; larger ones round worse
CHUNK_BYTES = 16 * 2**20  # worked on at a time: half of a 32 MB cache

# The unit of cost is a multiply-accumulate of a matrix product, fp32. Fitted to 280 measurements on two Zen 5
# cores, forward and backward, batch 500. With AVX2 alone direct convolutions reach 230 to 270 GFLOP/s there,
# products 200 to 250; with AVX-512 370 to 550, products 400 to 480 and those of the kernels' gradient 210.
# Tiles' time over that of one direct convolution, plain and with two kernels:
#                   AVX2: m = 2     3     4     5     6 | K = 2: 3    4     5     6 | AVX-512: best  K = 2
#    24 ->  64 at 31x31      1.61  1.29  1.13  1.47  1.60 |    2.34  1.96  2.31  2.51 |          1.60   3.03
#    64 ->  64 at 15x15      1.34  0.88  0.88  0.74  1.10 |    1.56  1.54  1.24  1.85 |          1.40   2.28
#    64 -> 256 at 15x15      0.88  0.61  0.64  0.53  0.79 |    1.06  1.08  0.86  1.24 |          0.88   1.37
#    64 -> 256 at 12x12      0.81  0.62  0.57  0.86  0.55 |    1.07  0.95  1.38  0.86 |          0.94   1.47
#    64 -> 256 at  9x9      1.03  0.63  1.02  0.70  0.98 |    1.10  1.74  1.13  1.64 |          0.95   1.64
#   256 -> 256 at  7x7      0.85  0.80  0.55  0.82  1.15 |    1.58  1.06  1.55  2.25 |          0.93   1.90
#   256 -> 256 at  6x6      0.69  0.51  0.77  1.13  0.43 |    1.03  1.48  2.13  0.84 |          0.66   1.39
#   256 -> 256 at  4x4      0.69  1.13  0.45  0.63  0.89 |    2.25  0.91  1.20  1.81 |          0.67   1.39
#   256 -> 256 at  3x3      1.26  0.55  0.82  1.14  1.57 |    1.12  1.68  2.36  3.31 |          0.69   1.44


@dataclass(frozen=True)
class Costs:
    """What a processor's vectors make of it.

    direct: of a multiply-accumulate of a direct convolution, in its three passes together. transform: to
    carry a number to tiles and back in all passes takes as long as transform[0] + transform[1]·n² products.
    """

    direct: float
    transform: tuple[float, float]


COSTS = {"AVX2": Costs(2.46, (80, 2))}
COSTS_ELSEWHERE = Costs(1.82, (100, 3))
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
    inputs = torch.linalg.inv(powers).T * scale  # halves at the most; the kernel takes thirds
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

    def direct_cost(self, costs: Costs) -> float:
        """Of one direct convolution, forward and backward, for each image."""
        return costs.direct * 9 * self.height * self.width * self.c_in * self.c_out

    def cost(self, side: int, costs: Costs) -> float:
        """Of tiles of side x side outputs, for each image."""
        square, tiles = (side + 2) ** 2, math.ceil(self.height / side) * math.ceil(self.width / side)
        products = self.num_kernels * self.c_in * self.c_out
        channels = self.num_kernels * self.c_in + self.c_out
        carried = (costs.transform[0] + costs.transform[1] * square) * channels
        of_kernels = 2 * 9 * products / self.batch  # their own way to tiles and back
        return square * (tiles * (3 * products + carried) + of_kernels)


def choose_side(shape: Shape, vectors: str = "AVX2") -> tuple[int, float]:
    """The side of the tiles that cost least, and their cost over one direct convolution's.

    vectors: the processor's, as torch.backends.cpu.get_cpu_capability names them.
    """
    costs = COSTS.get(vectors, COSTS_ELSEWHERE)
    side = min(SIDES, key=lambda side: shape.cost(side, costs))
    return side, shape.cost(side, costs) / shape.direct_cost(costs)


def fits(x: Tensor, kernel_size: tuple[int, ...], stride: int, padding: int) -> bool:
    """True for a 3x3 convolution in a training step on a CPU in fp32 or more, with more than one image.

    Without gradients little is won, and answers stay free of another rounding. oneDNN multiplies the tiles.
    """
    if not torch.backends.mkldnn.is_available():
        return False
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
    """Transformed numbers are (positions, n², channels): a product of matrices for each of the n².

    To torch these are 1x1 convolutions in n² groups, which oneDNN computes at 1.2 (AVX2) and 2.2 times
    (AVX-512) the rate of batched products by MKL on an AMD processor; with kernels' gradients it is slower.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, coefficients: Tensor | None, side: int) -> Tensor:
        matrices = transforms(side, x.dtype)
        images = x.permute(0, 2, 3, 1)
        kernels = _kernels_to_tiles(weight, matrices)  # (n², C_out, K·C_in)
        result = x.new_empty(*images.shape[:3], weight.shape[1])
        ctx.chunks = chunks(len(x), _image_bytes(x, weight, side))
        inputs = []  # (M·T, n², C_in) of each chunk of M images with T tiles
        for part in ctx.chunks:
            inputs.append(_inputs_to_tiles(images[part], matrices))
            copies = _scaled(inputs[-1], None if coefficients is None else coefficients[part])
            _outputs_from_tiles(_products(copies, kernels), matrices, result[part])
        ctx.save_for_backward(kernels, coefficients, *inputs)
        ctx.matrices, ctx.shapes = matrices, (images.shape, weight.shape)
        return result.permute(0, 3, 1, 2)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        kernels, coefficients, *inputs = ctx.saved_tensors
        upstream = gradient.permute(0, 2, 3, 1)
        turned = kernels.mT.contiguous()  # (n², K·C_in, C_out)
        to_kernels = torch.zeros_like(turned)
        to_x = gradient.new_empty(ctx.shapes[0]) if ctx.needs_input_grad[0] else None
        to_coefficients = None if coefficients is None else torch.empty_like(coefficients)
        for part, own in zip(ctx.chunks, inputs, strict=True):
            shares = None if coefficients is None else coefficients[part]
            outputs = _outputs_to_tiles(upstream[part], ctx.matrices)  # (M·T, n², C_out)
            to_kernels.baddbmm_(_scaled(own, shares).permute(1, 2, 0), outputs.transpose(0, 1))
            if to_x is None and to_coefficients is None:
                continue
            to_inputs = _products(outputs, turned)  # (M·T, n², K·C_in)
            if shares is not None:
                assert to_coefficients is not None
                to_inputs, to_coefficients[part] = _unscaled(to_inputs, own, shares)
            if to_x is not None:
                _inputs_from_tiles(to_inputs, ctx.matrices, to_x[part])
        to_weight = _kernels_from_tiles(to_kernels, ctx.matrices, ctx.shapes[1])
        return None if to_x is None else to_x.permute(0, 3, 1, 2), to_weight, to_coefficients, None


def _products(rows: Tensor, kernels: Tensor) -> Tensor:
    """rows (P, n², C) and kernels (n², O, C) -> (P, n², O): each of the n² slices times its kernel's mT."""
    positions, square, channels = rows.shape
    images = rows.view(1, positions, 1, square * channels).permute(0, 3, 1, 2)  # channels last
    products = conv2d(images, kernels.view(-1, channels, 1, 1), groups=square)  # (1, n²·O, P, 1)
    return products.permute(0, 2, 3, 1).reshape(positions, square, -1)


# K scaled copies


def _scaled(inputs: Tensor, shares: Tensor | None) -> Tensor:
    """(M·T, n², C), shares (M, K) -> (M·T, n², K·C)."""
    if shares is None:
        return inputs
    rows = inputs.unflatten(0, (len(shares), -1)).unsqueeze(3)  # (M, T, n², 1, C)
    return (rows * shares[:, None, None, :, None]).flatten(3).flatten(0, 1)


def _unscaled(gradient: Tensor, inputs: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients of `inputs` (M·T, n², C) and of `shares` (M, K), from that of the copies (M·T, n², K·C)."""
    copies = gradient.view(len(shares), -1, shares.shape[1], inputs.shape[2])  # (M, T·n², K, C)
    to_inputs = shares[:, None, None].to(copies.dtype) @ copies  # (M, T·n², 1, C)
    rows = inputs.view(len(shares), -1, inputs.shape[2], 1)  # (M, T·n², C, 1)
    return to_inputs.view(inputs.shape), (copies @ rows).squeeze(3).sum(dim=1)


# To tiles and back: each pair of functions is a linear map and its transpose


def _kernels_to_tiles(weight: Tensor, matrices: Transforms) -> Tensor:
    """(K, C_out, C_in, 3, 3) -> (n², C_out, K·C_in)."""
    flat = weight.permute(3, 4, 1, 0, 2).reshape(9, -1)
    return (matrices.to_kernel @ flat).view(-1, weight.shape[1], len(weight) * weight.shape[2])


def _kernels_from_tiles(gradient: Tensor, matrices: Transforms, shape: torch.Size) -> Tensor:
    """(n², K·C_in, C_out) -> (K, C_out, C_in, 3, 3)."""
    num_kernels, c_out, c_in, *_ = shape
    flat = matrices.to_kernel.T @ gradient.flatten(1)
    return flat.view(3, 3, num_kernels, c_in, c_out).permute(2, 4, 3, 0, 1).contiguous()


def _inputs_to_tiles(images: Tensor, matrices: Transforms) -> Tensor:
    """(M, H, W, C) -> (M·T, n², C): windows of n x n that overlap by 2, transformed."""
    m = matrices.side
    rows, columns = _tiles(images, m)
    below, right = rows * m + 1 - images.shape[1], columns * m + 1 - images.shape[2]
    windows = pad(images, (0, 0, 1, right, 1, below)).unfold(1, m + 2, m).unfold(2, m + 2, m)
    windows = windows.permute(0, 1, 2, 4, 5, 3).flatten(3, 4).flatten(0, 2)  # (M·T, n², C)
    return matrices.to_input @ windows


def _inputs_from_tiles(gradient: Tensor, matrices: Transforms, out: Tensor) -> None:
    """(M·T, n², C) -> out (M, H, W, C): what the windows share is summed."""
    m = matrices.side
    rows, columns = _tiles(out, m)
    windows = matrices.to_input.T @ gradient
    windows = windows.view(len(out), rows, columns, m + 2, m + 2, out.shape[3])
    cropped = out.new_zeros(len(out), rows * m + 2, columns * m + 2, out.shape[3])
    for i in range(m + 2):
        for j in range(m + 2):
            cropped[:, i : i + (rows - 1) * m + 1 : m, j : j + (columns - 1) * m + 1 : m] += windows[
                :, :, :, i, j
            ]
    out.copy_(cropped[:, 1 : out.shape[1] + 1, 1 : out.shape[2] + 1])


def _outputs_from_tiles(products: Tensor, matrices: Transforms, out: Tensor) -> None:
    """(M·T, n², C_out) -> out (M, H, W, C_out); what lies beyond its edges falls away."""
    m = matrices.side
    rows, columns = _tiles(out, m)
    tiles = (matrices.to_output @ products).view(len(out), rows, columns, m, m, -1)
    tiles = tiles.transpose(2, 3)  # (M, rows, m, columns, m, C)
    if (rows * m, columns * m) == out.shape[1:3]:
        out.view(tiles.shape).copy_(tiles)
    else:
        whole = tiles.reshape(len(out), rows * m, columns * m, -1)
        out.copy_(whole[:, : out.shape[1], : out.shape[2]])


def _outputs_to_tiles(gradient: Tensor, matrices: Transforms) -> Tensor:
    """(M, H, W, C_out) -> (M·T, n², C_out)."""
    m = matrices.side
    rows, columns = _tiles(gradient, m)
    right, below = columns * m - gradient.shape[2], rows * m - gradient.shape[1]
    whole = pad(gradient, (0, 0, 0, right, 0, below)) if right or below else gradient
    tiles = whole.unflatten(2, (columns, m)).unflatten(1, (rows, m))  # (M, rows, m, columns, m, C)
    return matrices.to_output.T @ tiles.transpose(2, 3).flatten(3, 4).flatten(0, 2)


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
