"""The device that really works here: probed, not assumed, with the precision that pays on it."""

import ctypes
import os
import platform
import sys
import time
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from cifar_core.cores import cpu_quota, processors

BF16_GAIN = 1.15  # bf16 is taken where its convolution is at least so many times quicker than fp32
BF16_ERROR = 0.02  # of the norm; 0.002 to 0.004 is its rounding, 1 is something else


@dataclass(frozen=True)
class Device:
    """The device of tensors and the arithmetic of convolutions: precision is "fp32" or "bf16"."""

    torch_device: torch.device
    precision: str
    name: str

    def autocast(self) -> AbstractContextManager[None]:
        """Mixed precision in bf16, or nothing in fp32."""
        return torch.autocast(self.torch_device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def synchronize(self) -> None:
        """Wait for the accelerator's queue; nothing on a CPU."""
        if self.torch_device.type != "cpu":
            torch.accelerator.synchronize()


def find_device(precision: str = "auto", only_cpu: bool = False) -> Device:
    """The accelerator, if a small convolution and its backward pass run on it; else the CPU.

    precision: "fp32", "bf16", or "auto", which measures both. CIFAR_LAB_DEVICE=cpu stands for `only_cpu`.
    """
    keep_freed_memory()
    limit_threads()
    device = torch.device("cpu")
    only_cpu = only_cpu or os.environ.get("CIFAR_LAB_DEVICE") == "cpu"
    if not only_cpu and torch.accelerator.is_available():
        accelerator = torch.accelerator.current_accelerator()
        if accelerator is not None and works(accelerator):
            device = accelerator
    if precision == "auto":
        precision = "bf16" if bf16_pays(device) else "fp32"
    return Device(device, precision, describe(device))


def limit_threads(processes: int = 1) -> None:
    """Let torch start no more threads than the processors that are left for it, and say so for a quota.

    processes: how many share this machine, each with its part. torchrun gives each of several one thread by
    OMP_NUM_THREADS=1, which therefore counts as nothing said.
    """
    quota, whole, threads = cpu_quota(), processors(), torch.get_num_threads()
    if processes > 1 and os.environ.get("OMP_NUM_THREADS", "1") == "1":
        torch.set_num_threads(max(1, whole // processes))
    elif quota is not None and threads > whole:
        torch.set_num_threads(whole)
    if quota is not None and torch.get_num_threads() < threads:
        allowed = f"{quota:g} of {os.cpu_count()} processors"
        print(f"The CPU quota allows {allowed}: {torch.get_num_threads()} threads.", file=sys.stderr)


def works(device: torch.device) -> bool:
    """True when a tiny convolution runs there, forward and backward.

    A GPU can be visible and yet be older than any architecture in the installed build.
    """
    try:
        _convolve(device, torch.float32, channels=4, repeats=1)
    except (RuntimeError, NotImplementedError) as error:
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        print(
            f"The {device.type} device does not work here ({first_line}); going on with the CPU.",
            file=sys.stderr,
        )
        return False
    return True


def bf16_pays(device: torch.device) -> bool:
    """Measure one convolution, forward and backward, in fp32 and in bf16 (about 0.1 s on a CPU).

    True where bf16 is quicker, and gives what fp32 gives up to its rounding.
    """
    try:
        fp32, exact = _convolve(device, torch.float32)
        bf16, rounded = _convolve(device, torch.bfloat16)
    except (RuntimeError, NotImplementedError):
        return False
    same = all(_differ(one, other) < BF16_ERROR for one, other in zip(rounded, exact, strict=True))
    return same and fp32 > BF16_GAIN * bf16


def _differ(one: Tensor, other: Tensor) -> float:
    """The norm of the difference, as a share of that of `other`; NaN where either is not finite."""
    return ((one - other).norm() / other.norm()).item()


def _convolve(
    device: torch.device, dtype: torch.dtype, channels: int = 64, repeats: int = 4
) -> tuple[float, list[Tensor]]:
    """Seconds of the quickest of `repeats` passes; the output and both gradients of the last, on the CPU."""
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator).to(device, dtype)

    x, weight = drawn(16, channels, 16, 16).requires_grad_(), drawn(channels, channels, 3, 3).requires_grad_()
    direction = drawn(16, channels, 16, 16)
    best, output = float("inf"), x
    for _ in range(repeats):
        x.grad = weight.grad = None
        start = time.perf_counter()
        output = conv2d(x.contiguous(memory_format=torch.channels_last), weight, padding=1)
        output.backward(direction)
        assert weight.grad is not None and x.grad is not None
        weight.grad[0, 0, 0, 0].item()  # waits for the device
        best = min(best, time.perf_counter() - start)
    return best, [one.detach().cpu().double() for one in (output, weight.grad, x.grad)]  # type: ignore[union-attr]


def describe(device: torch.device) -> str:
    """Words for a reader: the accelerator's name, or the processor and its threads."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    if device.type != "cpu":
        return device.type.upper()
    threads = torch.get_num_threads()
    return f"{_processor()}, {threads} thread{'s' if threads != 1 else ''}"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def gpu_load(device: torch.device) -> dict[str, float]:
    """A CUDA device's memory in use and in all (MB), and its work as a share of time where that is told.

    Named as in runs.status.Resources; other devices, and one that does not answer, give nothing.
    """
    if device.type != "cuda":
        return {}
    try:
        free, total = torch.cuda.mem_get_info(device)
    except RuntimeError:
        return {}
    figures = {"gpu_memory_mb": round((total - free) / 1e6, 1), "gpu_total_mb": round(total / 1e6, 1)}
    with suppress(Exception):  # nvidia-ml-py, not one of our packages, has errors of its own
        figures["gpu"] = torch.cuda.utilization(device) / 100
    return figures


def keep_freed_memory() -> bool:
    """Let glibc keep freed activations instead of unmapping them at each step; False where that is unknown.

    Without it every activation is mapped and cleared anew: tens of thousands of page faults a step.
    """
    m_trim_threshold, m_mmap_max = -1, -4  # numbers of malloc.h
    try:
        library = ctypes.CDLL("libc.so.6")
        return bool(library.mallopt(m_mmap_max, 0) and library.mallopt(m_trim_threshold, 2**31 - 1))
    except (OSError, AttributeError):
        return False


def versions() -> dict[str, str]:
    """Versions of what a result depends on."""
    import numpy

    return {"python": platform.python_version(), "torch": torch.__version__, "numpy": numpy.__version__}
