"""A block's mixing coefficients as a stacked bar of HTML, its key, and the same in words. Pure functions."""

from collections.abc import Sequence

from demo.style import KERNEL_COLORS, color_of, ink_on
from demo.words import whole_percent

LABELLED_FROM = 0.125  # share of a bar that has room for its number


def bar_parts(shares: Sequence[float], *, numbered: bool) -> str:
    """A span for each kernel, as long as its part of the sum, for a flex box; numbers are in %."""
    total = sum(shares) or 1.0  # a sigmoid's coefficients need not sum to 1
    return "".join(_part(kernel, value, value / total, numbered) for kernel, value in enumerate(shares))


def bar_key(count: int) -> str:
    """Which color is which of the first `count` kernels."""
    return "".join(
        f'<span><i style="background:{color_of(kernel, KERNEL_COLORS)}"></i>kernel {kernel + 1}</span>'
        for kernel in range(count)
    )


def spoken(shares: Sequence[float]) -> str:
    """ "kernel 1 80 %, kernel 2 20 %", for those who hear the page."""
    return ", ".join(f"kernel {kernel + 1} {whole_percent(value)}" for kernel, value in enumerate(shares))


def _part(kernel: int, coefficient: float, share: float, numbered: bool) -> str:
    color = color_of(kernel, KERNEL_COLORS)
    number = f"{100 * coefficient:.0f}" if numbered and share >= LABELLED_FROM else ""
    style = f"flex:{max(share, 0.004):.4f} 1 0;background:{color};color:{ink_on(color)}"
    return f'<span style="{style}">{number}</span>'
