"""Two mixes side by side as one heat map of differences: two epochs of a run, or two runs."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from cifar_core.runs.events import BlockMixing
from demo.charts.figure import Chart, Spec, Table, category_axis, layout, upside_down
from demo.charts.mixing import KEY, class_axis, class_labels, rows_height
from demo.shared.format import counted
from demo.shared.palette import DIVERGING_COLORS

MOST_ORDERED = 6  # kernels whose every order can be tried: 720 of them
HOVER = "%{customdata[0]}<br>%{customdata[1]}, kernel %{customdata[2]}: %{z:+.3f}<extra></extra>"
LITTLE = 0.05  # a difference that is worth no word

Cell = tuple[float, str, str]  # difference, kernel in words, class


def comparable(first: Sequence[BlockMixing], second: Sequence[BlockMixing], same_classes: bool = True) -> str:
    """Why two mixes have no difference, in a sentence; "" where they have one."""
    sizes = [[(len(block.mean), len(block.per_class)) for block in mixing] for mixing in (first, second)]
    if sizes[0] == sizes[1] and same_classes:
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
    one_column = _mirrored(first) and _mirrored(second)
    columns = _columns(first, second, 1 if one_column else None)
    cells = [
        (value, f"kernel {kernel} of {block}", rows[row])
        for block, kernel, values in columns
        for row, value in enumerate(values)
    ]
    span = max(0.1, math.ceil(max(abs(value) for value, *_ in cells) * 10) / 10)
    wide, narrow = _axes(columns)
    shape = layout(wide, upside_down(class_axis(rows)), coloraxis=_scale(span))
    which = "Kernel 1's share; kernel 2's changes by as much the other way. " if one_column else ""
    reading = f"{which}Red: the kernel counts for more in {names[1]} than in {names[0]}. Blue: for less."
    if matched:
        reading += (
            " Kernels have no common order in two runs: those of the second are put beside the ones that "
            "they resemble most."
        )
    data, height = [_heat_map(columns, rows)], rows_height(len(rows)) + 20
    title = difference_title(cells, names)
    return Chart(title, data, shape, reading, height, {**shape, "xaxis": narrow}, partial(_numbers, cells))


def difference_title(cells: Sequence[Cell], names: tuple[str, str]) -> str:
    """The largest difference in a sentence."""
    value, kernel, row = max(cells, key=lambda cell: abs(cell[0]))
    if abs(value) < LITTLE:
        return f"{names[0]} and {names[1]} mix nearly alike"
    more = "more" if value > 0 else "less"
    return f"For {row}, {kernel} counts {abs(value):.2f} {more} in {names[1]}"


def _numbers(cells: Sequence[Cell]) -> Table:
    return dict(zip(("difference", "kernel", "class"), zip(*cells, strict=True), strict=True))


def _mirrored(mixing: Sequence[BlockMixing]) -> bool:
    """Whether every block has two kernels whose shares sum to 1: one tells both."""
    return all(len(row) == 2 and abs(sum(row) - 1) < 1e-3 for block in mixing for row in block.per_class)


Column = tuple[str, int, list[float]]  # block, kernel from 1, the difference in each class


def _columns(
    first: Sequence[BlockMixing], second: Sequence[BlockMixing], kernels: int | None
) -> list[Column]:
    """The difference in each of the first `kernels` of every block, or in all of them."""
    return [
        (
            one.block,
            kernel + 1,
            [round(b[kernel] - a[kernel], 3) for a, b in zip(one.per_class, other.per_class, strict=True)],
        )
        for one, other in zip(first, second, strict=True)
        for kernel in range(len(one.mean))[:kernels]
    ]


def _heat_map(columns: Sequence[Column], rows: Sequence[str]) -> Spec:
    """A cell a class and column; the columns stand at their `_places`, and nothing between them."""
    places = _places(columns)
    filled: list[Column | None] = [None] * (places[-1] + 1)
    for place, column in zip(places, columns, strict=True):
        filled[place] = column
    return {
        "type": "heatmap",
        "z": [[column and column[2][row] for column in filled] for row in range(len(rows))],
        "customdata": [[[name, *column[:2]] if column else [] for column in filled] for name in rows],
        "coloraxis": "coloraxis",
        "xgap": 1,
        "ygap": 1,
        "hoverongaps": False,
        "hovertemplate": HOVER,
    }


def _places(columns: Sequence[Column]) -> list[int]:
    """The columns' places along the axis, with one left free between blocks of several columns."""
    blocks = list(dict.fromkeys(block for block, *_ in columns))
    several = len(columns) > len(blocks)
    return [place + (blocks.index(block) if several else 0) for place, (block, *_) in enumerate(columns)]


def _axes(columns: Sequence[Column]) -> tuple[Spec, Spec]:
    """Each column's kernel, and in the middle of a block its name; on a phone the names alone."""
    places = _places(columns)
    of_block: dict[str, list[int]] = {}
    for place, (block, *_) in zip(places, columns, strict=True):
        of_block.setdefault(block, []).append(place)
    middles = [sum(own) / len(own) for own in of_block.values()]
    names = category_axis([], range=[-0.5, places[-1] + 0.5], ticks="")
    names |= {"tickvals": middles, "ticktext": list(of_block)}
    if len(of_block) == len(columns):
        return names, names
    under = [own[(len(own) - 1) // 2] for own in of_block.values()]
    numbers = [
        f"{kernel}<br>{block}" if place in under else str(kernel)
        for place, (block, kernel, _) in zip(places, columns, strict=True)
    ]
    return names | {"tickvals": places, "ticktext": numbers, "tickangle": 0}, names


def _scale(span: float) -> Spec:
    colors = [[place / (len(DIVERGING_COLORS) - 1), color] for place, color in enumerate(DIVERGING_COLORS)]
    bar = KEY | {"tickvals": [-span, 0, span], "ticktext": [f"−{span:.1f}", "0", f"+{span:.1f}"]}
    return {"cmin": -span, "cmax": span, "colorscale": colors, "colorbar": bar}
