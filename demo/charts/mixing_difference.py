"""Two mixes side by side as one heat map of differences: two epochs of a run, or two runs."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cifar_core.runs.events import BlockMixing
from demo.charts.mixing import class_labels, kernel_axis
from demo.charts.old_figure import Chart, Option, category_axis, plain_option
from demo.shared.format import counted
from demo.shared.palette import DIVERGING_COLORS

MOST_ORDERED = 6  # kernels whose every order can be tried: 720 of them
LITTLE = 0.05  # a difference that is worth no word


def comparable(first: Sequence[BlockMixing], second: Sequence[BlockMixing]) -> str:
    """Why two mixes have no difference, in a sentence; "" where they have one."""
    sizes = [[(len(block.mean), len(block.per_class)) for block in mixing] for mixing in (first, second)]
    if sizes[0] == sizes[1]:
        return ""
    words = [
        f"{counted(len(mixing), 'block')} of {counted(len(mixing[0].mean), 'kernel')}"
        for mixing in (first, second)
    ]
    if words[0] == words[1]:
        return "The two runs have other classes or kernels, so there is no difference to draw."
    return f"One has {words[0]}, the other {words[1]}, so there is no difference to draw."


def reordered(first: Sequence[BlockMixing], second: Sequence[BlockMixing]) -> list[BlockMixing]:
    """The second mix with each block's kernels in the order that resembles the first one's most.

    Kernels begin at random: kernel 1 of one run has nothing to do with kernel 1 of another.
    """
    matched = []
    for one, other in zip(first, second, strict=True):
        order = _best_order(np.array(one.per_class), np.array(other.per_class))
        rows = [[row[kernel] for kernel in order] for row in other.per_class]
        matched.append(replace(other, mean=[other.mean[kernel] for kernel in order], per_class=rows))
    return matched


def _best_order(one: np.ndarray, other: np.ndarray) -> tuple[int, ...]:
    """The order of the columns of `other` (classes, K) with the smallest squared distance from `one`."""
    count = one.shape[1]
    if count > MOST_ORDERED:
        return tuple(range(count))
    return min(
        itertools.permutations(range(count)),
        key=lambda order: float(np.square(one - other[:, order]).sum()),
    )


def mixing_difference(
    first: Sequence[BlockMixing],
    second: Sequence[BlockMixing],
    class_names: Sequence[str],
    names: tuple[str, str],
    *,
    matched: bool,
) -> Chart:
    """Heat map of `second` minus `first`, which are `comparable`; `names` say what they are.

    matched: whether the kernels of the second were `reordered`.
    """
    rows = class_labels(first, class_names)
    cells = list(_cells(first, second, rows))
    span = max(0.1, math.ceil(max(abs(cell[2]) for cell in cells) * 10) / 10)
    x_axis = kernel_axis(first)
    series = {"type": "heatmap", "data": cells, "encode": {"x": 0, "y": 1, "value": 2}}
    tooltip = {"trigger": "item", "formatter": "{@[3]}<br>{@[4]}: {@[2]}", "confine": True}
    option = plain_option(
        x_axis, category_axis(rows, inverse=True), [series], visualMap=_scale(span), tooltip=tooltip
    )
    option["grid"] |= {"top": 8, "right": 56, "left": 8}
    reading = f"Red: the kernel counts for more in {names[1]} than in {names[0]}. Blue: for less."
    if matched:
        reading += (
            " Kernels have no common order in two runs: those of the second are put beside the ones that "
            "they resemble most."
        )
    return Chart(difference_title(cells, names), option, reading, 340)


def difference_title(cells: Sequence[list], names: tuple[str, str]) -> str:
    """The largest difference in a sentence."""
    _, _, value, kernel, row = max(cells, key=lambda cell: abs(cell[2]))
    if abs(value) < LITTLE:
        return f"{names[0]} and {names[1]} mix nearly alike"
    more = "more" if value > 0 else "less"
    return f"For {row}, {kernel} counts {abs(value):.2f} {more} in {names[1]}"


def _cells(first: Sequence[BlockMixing], second: Sequence[BlockMixing], rows: Sequence[str]) -> list[list]:
    """[x, y, difference, kernel, class], with an empty column between blocks."""
    cells, column = [], 0
    for one, other in zip(first, second, strict=True):
        for kernel in range(len(one.mean)):
            words = f"kernel {kernel + 1} of {one.block}"
            for row, name in enumerate(rows):
                value = other.per_class[row][kernel] - one.per_class[row][kernel]
                cells.append([column, row, round(value, 3), words, name])
            column += 1
        column += 1
    return cells


def _scale(span: float) -> Option:
    return {
        "min": -span,
        "max": span,
        "dimension": 2,
        "inRange": {"color": list(DIVERGING_COLORS)},
        "orient": "vertical",
        "right": 0,
        "top": "middle",
        "itemWidth": 10,
        "itemHeight": 120,
        "text": [f"+{span:.1f}", f"−{span:.1f}"],
    }
