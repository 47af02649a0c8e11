"""The mixing operator sum_k a_k * (W_k * x + b_k), and the rule that chooses the form that computes it.

All forms of `mixing_forms` give the same result; `mix` takes the cheapest, so that no caller has to choose.
"""

import math

import torch
from torch import Tensor

from cifar_core.models.ops import winograd
from cifar_core.models.ops.mixing_forms import (
    mix_grouped,
    mix_loop,
    mix_products,
    mix_wide_in,
    mix_winograd,
)

FORMS = {
    "loop": mix_loop,
    "grouped": mix_grouped,
    "products": mix_products,
    "wide_in": mix_wide_in,
    "winograd": mix_winograd,
}

# The unit of cost is a multiply-accumulate of a plain convolution for each number of the kernel. The K-fold
# forms (loop, wide-in) then cost K·positions an image. Grouped and products cost positions, plus TRAFFIC for
# writing an image's own kernel, reading it, and the same for its gradient: work that no position shares.
# Winograd's way is wide-in with a quarter of the multiplications; `winograd.Shape` knows its cost.
#
# Measured in fp32, K = 3, forward and backward, channels last: processor time over the plain convolution's on
# one of two Zen 3 cores (AVX2, 32 MB of cache, other programs running; 1.0 is 75 GFLOP/s):
#                        batch 128: loop  grouped  products  wide-in | batch 32: grouped  products
#   3 ->  64 at 32x32 *              6.1      3.2       1.4      4.3 |               3.1       1.5
#  64 ->  64 at 32x32                3.2      1.3       1.4      3.0 |               1.3       1.6
#  64 -> 128 at 16x16                3.1      1.3       1.4      2.9 |               1.4       1.5
# 128 -> 128 at 16x16                3.2      1.4       1.4      3.3 |               1.4       1.4
# 128 -> 256 at 8x8                  2.9      2.1       1.9      3.2 |               2.0       2.0
# 256 -> 256 at 8x8                  3.0      2.2       2.0      3.7 |               2.0       2.0
# * without the gradient of x. So TRAFFIC is 64 · (2.0 - 1) = 64 to 256 · (1.35 - 1) = 90 positions; say 70.
# Two Zen 3 cores, time over the plain convolution's, batch 128, K = 3, quiet: loop 3.2 throughout;
#                  64 -> 64 at 32x32   64 -> 128 at 16x16   128 -> 128   128 -> 256 at 8x8   256 -> 256 at 8x8
#   grouped                     1.18                 1.44         1.39                2.57                2.35
#   products                    1.34                 1.53         1.51                2.33                2.70
#   winograd, m = 4 (0.1.0)     1.91                 1.75         1.48                1.33                1.33
# two server cores with AMX, batch 128: 64 -> 64 at 32x32: loop 3.4, grouped 1.2; 256 -> 256 at 8x8: 3.1, 3.2.
# one Zen 5 core, K = 4, batch 32: 256 -> 256 at 8x8: loop 2.9, grouped 6.3. Wide vectors make arithmetic
# cheap and leave memory as it is: TRAFFIC is 64 · (3.2 - 1) = 140 there, and more; say 200.
TRAFFIC = {"AVX2": 70.0}
TRAFFIC_ELSEWHERE = 200.0
# In 16 bits one grouped convolution is slow, and products are not. One Zen 5 core, bf16, K = 2, batch 500,
# time over the plain convolution's (1.0 is 330 to 460 GFLOP/s):
#                        loop  grouped  products                           loop  grouped  products
#    24 ->  64 at 31x31   2.5      3.0       2.4    256 -> 256 at 7x7       2.0      7.6       2.5
#    64 ->  64 at 15x15   2.2      2.2       1.9    256 -> 256 at 4x4       2.0       21       5.7
#    64 -> 256 at 15x15   2.1      2.1       1.8    256 -> 256 at 3x3       2.1       32       6.8
# Two server cores with AMX, K = 3, batch 128: loop 3.7, grouped 4.3 at 32x32 and 3.9, 5.3 at 8x8; products
# were not measured there. The rule of this one core is taken for all.
PRODUCTS_BF16 = (1.65, 45.0)  # on CPUs: time of products for each position, and TRAFFIC
GROUPED_RATE_BF16 = 3.5  # elsewhere, where nothing was measured
# The kernels of a batch leave the cache beyond this: then chunks of them are quicker where kernels matter
# (1.9 and 2.0 above, against 2.1 and 2.2), and spare their memory; below it one grouped convolution is.
KERNELS_IN_CACHE_BYTES = 64e6
FEW_POSITIONS = 128  # from here on the patches weigh more than the kernels
FEW_NUMBERS = 2048  # up to here (3 -> 64: 1728) a grouped convolution hardly fills its vectors


def choose_form(
    batch: int,
    num_kernels: int,
    positions: int,
    kernel_numbers: int,
    low_precision: bool = False,
    device: str = "cpu",
    vectors: str = "AVX2",
    by_tiles: float = math.inf,
) -> str:
    """The cheapest form's name in FORMS.

    positions: H'·W', output positions an image; kernel_numbers: C_out·C_in·R·S. low_precision: counts in 16
    bits. vectors: the processor's, as torch.backends.cpu.get_cpu_capability names them. by_tiles: time of
    Winograd's way over that of one plain convolution, where it fits.

    One image has one mixed kernel: a plain convolution. Off the CPU nothing was measured: the rule is the one
    of wide vectors, and the K-fold form is wide-in, whose K convolutions start at once.
    """
    if batch == 1:
        return "grouped"
    traffic = TRAFFIC.get(vectors, TRAFFIC_ELSEWHERE) if device == "cpu" else TRAFFIC_ELSEWHERE
    rate = GROUPED_RATE_BF16 if low_precision else 1.0
    if low_precision and device == "cpu":
        rate, traffic = PRODUCTS_BF16
    if by_tiles * positions < min(rate * positions + traffic, num_kernels * positions):
        return "winograd"
    if rate * positions + traffic >= num_kernels * positions:
        return "loop" if device == "cpu" or num_kernels == 1 else "wide_in"
    if device != "cpu":
        return "grouped"
    if low_precision:
        return "products"
    crowded = 4 * batch * kernel_numbers > KERNELS_IN_CACHE_BYTES and positions <= FEW_POSITIONS
    return "products" if crowded or kernel_numbers <= FEW_NUMBERS else "grouped"


def mix(x: Tensor, weight: Tensor, bias: Tensor, coefficients: Tensor, stride: int, padding: int) -> Tensor:
    """The mixing operator in the form that `choose_form` names, in memory as x is.

    x (N, C_in, H, W), weight (K, C_out, C_in, R, S), bias (K, C_out), coefficients (N, K): the result is
    (N, C_out, H', W').
    """
    height = (x.shape[2] + 2 * padding - weight.shape[3]) // stride + 1
    width = (x.shape[3] + 2 * padding - weight.shape[4]) // stride + 1
    sizes = len(x), len(weight), height * width, weight[0].numel()
    vectors = torch.backends.cpu.get_cpu_capability()
    by_tiles = math.inf
    if winograd.fits(x, tuple(weight.shape[3:]), stride, padding):
        shape = winograd.Shape(len(x), weight.shape[2], weight.shape[1], height, width, len(weight))
        _, by_tiles = winograd.choose_side(shape, vectors)
    form = choose_form(*sizes, winograd.low_precision(x), x.device.type, vectors, by_tiles)
    mixed = FORMS[form](x, weight, bias, coefficients, stride, padding)
    channels_last = x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return mixed.contiguous(memory_format=layout)  # else each layer that follows pays for the change
