"""The mixing operator sum_k a_k * (W_k * x + b_k) in its exact forms, and the rule that chooses one.

Convolution is linear in its kernel, so mixing K outputs equals convolving once with the mixed kernel. The
forms differ in cost alone. Everywhere: x (N, C_in, H, W), weight (K, C_out, C_in, R, S), bias (K, C_out),
coefficients (N, K); the result is (N, C_out, H', W').
"""

import torch
from torch import Tensor
from torch.nn.functional import conv2d

# Measured forward and backward on two server cores (AMX, batch 128, K = 3), beside the plain convolution:
# 64 -> 64 at 32x32 in fp32: plain 196 ms, loop 658, grouped 230; in bf16: 60, 223, 255.
# 256 -> 256 at 8x8 in fp32: plain 150, loop 472, grouped 487; in bf16: 90, 353, 474.
# K = 4, batch 32, one thread: 128 -> 128 at 16x16: loop 300, grouped 100; 256 -> 256 at 8x8: 360, 429.
KERNEL_TRAFFIC_COST = 200.0  # output positions whose convolution costs as much as an image's own kernel
GROUPED_RATE_BF16 = 3.5  # time of a bf16 convolution with a group an image over one without groups


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
    """One mixed kernel an image, then one convolution with a group an image."""
    n, c_in, height, width = x.shape
    _, c_out, _, *kernel_size = weight.shape
    kernels = (coefficients.to(weight.dtype) @ weight.flatten(1)).view(n * c_out, c_in, *kernel_size)
    biases = (coefficients.to(bias.dtype) @ bias).view(n * c_out)
    x = x.reshape(1, n * c_in, height, width)
    mixed = conv2d(x, kernels, biases.to(kernels.dtype), stride, padding, groups=n)
    return mixed.view(n, c_out, *mixed.shape[2:])


def choose_form(batch: int, num_kernels: int, positions: int, low_precision: bool = False) -> str:
    """The cheaper form, "loop" or "grouped", for `positions` = H'·W' output positions an image.

    In units of C_out·C_in·R·S multiply-accumulates an image, the loop costs K·positions. The grouped form
    costs positions at the rate of a convolution with many groups, plus the memory traffic of an image's own
    kernel. With one image the grouped form is a plain convolution and always wins.
    """
    rate = GROUPED_RATE_BF16 if low_precision else 1.0
    grouped_cost = rate * positions + KERNEL_TRAFFIC_COST
    return "grouped" if batch == 1 or grouped_cost < num_kernels * positions else "loop"


FORMS = {"loop": mix_loop, "grouped": mix_grouped}


def mix(x: Tensor, weight: Tensor, bias: Tensor, coefficients: Tensor, stride: int, padding: int) -> Tensor:
    """The mixing operator, in the form that `choose_form` names."""
    height = (x.shape[2] + 2 * padding - weight.shape[3]) // stride + 1
    width = (x.shape[3] + 2 * padding - weight.shape[4]) // stride + 1
    form = choose_form(len(x), len(weight), height * width, _low_precision(x))
    return FORMS[form](x, weight, bias, coefficients, stride, padding)


def _low_precision(x: Tensor) -> bool:
    """True when a convolution of x counts in 16 bits."""
    kind = x.device.type
    under_autocast = torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)
    return under_autocast or x.dtype in (torch.bfloat16, torch.float16)
