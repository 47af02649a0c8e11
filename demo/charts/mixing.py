"""A network's mix: for each class, and how even the mix is (entropy)."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from cifar_core.runs.events import BlockMixing, Epoch
from demo.charts.old_figure import Chart, Option, category_axis, color_scale, plain_option, value_axis
from demo.shared.format import counted, listed
from demo.shared.palette import ACCENT, STATE_COLORS

TAKEN_OVER = 0.1  # normalized entropy below which one kernel does the work (K = 4: its share is about 98 %)
NEARLY_EVEN = 0.97


def mixing_per_class(epoch: Epoch, class_names: Sequence[str], top: float = 0.0) -> Chart:
    """Heat map of one epoch: a row for each class, a column for each kernel of each block.

    top: where the color scale ends, so that several epochs can share one; 0 leaves it to the data.
    """
    names = class_labels(epoch.mixing, class_names)
    cells = [
        [column, row, round(value, 3), kernel, name]
        for row, name in enumerate(names)
        for column, kernel, value in _cells(epoch.mixing, [block.per_class[row] for block in epoch.mixing])
    ]
    x_axis = kernel_axis(epoch.mixing)
    option = _heat_map(cells, x_axis, category_axis(names, inverse=True))
    if top:
        option["visualMap"] = color_scale(top)
    reading = f"After epoch {epoch.epoch}. A kernel whose column is uneven serves some classes more."
    return Chart(class_title(epoch.mixing, names), option, reading, 340)


def entropy_chart(mixing: Sequence[BlockMixing]) -> Chart:
    """Bars: the entropy of each block's mix, 1 is even and 0 one kernel alone."""
    series = {"type": "bar", "data": [_entropy_bar(block.entropy) for block in mixing], "barMaxWidth": 14}
    x_axis = value_axis("entropy of the mix (0 one kernel alone, 1 even)", min=0, max=1.1, interval=0.25)
    x_axis["axisLabel"] = {"showMaxLabel": False}
    option = plain_option(x_axis, category_axis([block.block for block in mixing], inverse=True), [series])
    option["grid"] |= {"top": 8, "left": 8}
    reading = "How evenly a block spreads its weight over its kernels: mean over the validation pictures."
    return Chart(entropy_title(mixing), option, reading, 70 + 24 * len(mixing))


def dominance_title(mixing: Sequence[BlockMixing]) -> str:
    """Say which blocks have settled on one kernel, in a sentence."""
    taken = [block for block in mixing if block.entropy < TAKEN_OVER]
    if taken:
        return f"In {listed([block.block for block in taken])} one kernel has taken over"
    if min(block.entropy for block in mixing) > NEARLY_EVEN:
        return "Every block still mixes its kernels almost evenly"
    leaning = max(mixing, key=lambda block: max(block.mean))
    kernel, share = int(np.argmax(leaning.mean)) + 1, max(leaning.mean)
    return f"{leaning.block} leans most on one kernel: kernel {kernel} with {share:.2f} on average"


def class_title(mixing: Sequence[BlockMixing], names: Sequence[str]) -> str:
    """Say where the classes differ the most, in a sentence."""
    spread, block, kernel = max(
        (max(row[k] for row in block.per_class) - min(row[k] for row in block.per_class), index, k)
        for index, block in enumerate(mixing)
        for k in range(len(block.mean))
    )
    if spread < 0.05:
        return "So far every class gets nearly the same mix"
    column = [row[kernel] for row in mixing[block].per_class]
    most, least = int(np.argmax(column)), int(np.argmin(column))
    where = f"Kernel {kernel + 1} of {mixing[block].block}"
    high, low = f"{names[most]} most ({column[most]:.2f})", f"{names[least]} least ({column[least]:.2f})"
    return f"{where} serves {high} and {low}"


def entropy_title(mixing: Sequence[BlockMixing]) -> str:
    """Say how many blocks still use several kernels, in a sentence."""
    taken = sum(block.entropy < TAKEN_OVER for block in mixing)
    if taken:
        return f"{counted(taken, 'block')} of {len(mixing)} use{'s' if taken == 1 else ''} one kernel alone"
    lowest, highest = min(block.entropy for block in mixing), max(block.entropy for block in mixing)
    return f"All {len(mixing)} blocks use several kernels: entropy from {lowest:.2f} to {highest:.2f}"


def class_labels(mixing: Sequence[BlockMixing], class_names: Sequence[str]) -> list[str]:
    """The class names if there are as many as rows, otherwise "class 0", "class 1" and so on."""
    count = len(mixing[0].per_class)
    return list(class_names) if len(class_names) == count else [f"class {row}" for row in range(count)]


def _entropy_bar(entropy: float) -> Option:
    color = STATE_COLORS["failed"] if entropy < TAKEN_OVER else ACCENT
    label = {"show": True, "position": "right", "formatter": f"{entropy:.2f}"}
    return {"value": round(entropy, 3), "itemStyle": {"color": color}, "label": label}


def _heat_map(cells: list[list], x_axis: Option, y_axis: Option) -> Option:
    """Cells [x, y, coefficient, kernel, where], colored from 0 to the largest, rounded up to a tenth."""
    top = min(1.0, max(0.1, math.ceil(max(cell[2] for cell in cells) * 10) / 10))
    series = {"type": "heatmap", "data": cells, "encode": {"x": 0, "y": 1, "value": 2}}
    tooltip = {"trigger": "item", "formatter": "{@[3]}<br>{@[4]}: {@[2]}", "confine": True}
    option = plain_option(x_axis, y_axis, [series], visualMap=color_scale(top), tooltip=tooltip)
    option["grid"] |= {"top": 8, "right": 52, "left": 8}
    return option


def _cells(
    mixing: Sequence[BlockMixing], values: Sequence[Sequence[float]]
) -> Iterator[tuple[int, str, float]]:
    """(place along the axis, kernel in words, coefficient), with an empty place between blocks."""
    place = 0
    for block, coefficients in zip(mixing, values, strict=True):
        for kernel, value in enumerate(coefficients, start=1):
            yield place, f"{block.block}, kernel {kernel}", value
            place += 1
        place += 1


def kernel_axis(mixing: Sequence[BlockMixing]) -> Option:
    """Below each column its kernel's number, and below the middle of a block's columns the block's name."""
    labels: list[str] = []
    for block in mixing:
        own = [str(kernel) for kernel in range(1, len(block.mean) + 1)]
        own[(len(own) - 1) // 2] += f"\n{block.block}"
        labels += [*own, ""]
    axis = category_axis(labels[:-1], name="kernels, grouped by block", nameLocation="middle", nameGap=44)
    axis["axisLabel"] = {"interval": 0, "lineHeight": 15}
    return axis
