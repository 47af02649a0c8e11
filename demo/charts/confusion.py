"""The confusion matrix: which classes a network takes for which, and how many of each it recognizes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.metrics.classification import classes_differ, per_class_accuracy
from demo.charts.figure import Chart, Spec, Table, layout, value_axis
from demo.charts.mixing import KEY
from demo.shared.format import counted, listed, percent
from demo.shared.palette import class_color

Counts = NDArray[np.int64]
RIGHT = "rgba(128,128,128,0.18)"  # what is right stands back, on a light page and on a dark one
SCALE = [
    [0, "rgba(230,159,0,0.06)"],
    [1, "rgba(230,159,0,1)"],
]  # from the page's own color, whichever that is
ON_STRONG = "rgb(0,0,0)"  # of a count on a strong cell
STRONG = 0.55  # share of the scale from which a cell counts as one
FRAME = "#000000"  # around the chosen cell
COUNTED = 20  # classes up to which each cell has its count; more are read under the mouse
MOST_NAMES, ON_A_PHONE = 25, 12  # along an axis
PACKED = 40  # classes from which cells have no gap between them: on a phone it would be wider than they are
TALLEST = 720  # pixels


def confusion_chart(confusion: Counts, names: Sequence[str], chosen: tuple[int, int] | None = None) -> Chart:
    """Heat map of counts [true, predicted]; a cell's `customdata` begins with these two.

    The color is the share of the true class in percent, of mistakes alone: beside what is right they would
    all be pale. Cells without a picture stay blank. chosen: the cell with a frame.
    """
    shares = 100 * confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    wrong = np.where((confusion > 0) & ~np.eye(len(names), dtype=bool), shares.round(2), np.nan)
    top = max(1.0, float(np.ceil(np.nanmax(wrong)))) if np.isfinite(wrong).any() else 1.0
    x_axis, y_axis = _class_axis(names, "predicted class"), _class_axis(names, "true class")
    y_axis |= {"autorange": "reversed"}
    x_axis |= {"tickangle": -60 if len(names) > 4 else 0}
    shape = layout(x_axis, y_axis, shapes=[_frame(chosen)] if chosen else [], showlegend=False)
    numbered = "; the numbers count pictures" if len(names) <= COUNTED else ""
    reading = (
        f"A row holds the pictures of one class, its columns what the network said{numbered}. Stronger "
        "color: more of the row got this wrong answer. Gray: right. Blank: none. Click a cell to see its "
        "pictures below."
    )
    return Chart(
        confusion_title(confusion, names),
        [
            _diagonal(names),
            _mistakes(confusion, shares, wrong, top, names),
            *_counts(confusion, wrong, top, names),
        ],
        shape,
        reading,
        min(TALLEST, 150 + 34 * len(names)),
        shape | {"xaxis": x_axis | _names_of(names, ON_A_PHONE)},
        numbers=lambda: _numbers(confusion, names),
    )


def _class_axis(names: Sequence[str], title: str) -> Spec:
    """An axis of classes by name; of many, some have their name written."""
    return value_axis(title, type="category", showgrid=False, **_names_of(names, MOST_NAMES))


def _names_of(names: Sequence[str], most: int) -> Spec:
    written = list(names[:: -(-len(names) // most)])
    return {"tickmode": "array", "tickvals": written, "ticktext": written}


def _gaps(names: Sequence[str]) -> Spec:
    """Pixels between two cells."""
    gap = int(len(names) < PACKED)
    return {"xgap": gap, "ygap": gap}


def _diagonal(names: Sequence[str]) -> Spec:
    size = len(names)
    z = [[1 if row == column else None for column in range(size)] for row in range(size)]
    plain = {"colorscale": [[0, RIGHT], [1, RIGHT]], "showscale": False, "hoverinfo": "skip"}
    return {"type": "heatmap", "x": list(names), "y": list(names), "z": z, **_gaps(names), **plain}


def _mistakes(
    confusion: Counts,
    shares: NDArray[np.float64],
    wrong: NDArray[np.float64],
    top: float,
    names: Sequence[str],
) -> Spec:
    """All cells: colored are mistakes, and all can be pointed at and chosen."""
    cells = [
        [
            [row, column, int(confusion[row, column]), round(float(shares[row, column]), 1)]
            for column in range(len(names))
        ]
        for row in range(len(names))
    ]
    return {
        "type": "heatmap",
        "x": list(names),
        "y": list(names),
        "z": [[None if np.isnan(share) else share for share in row] for row in wrong.tolist()],
        "customdata": cells,
        "zmin": 0,
        "zmax": top,
        "colorscale": SCALE,
        "colorbar": KEY | {"len": 150, "ticksuffix": " %", "nticks": 4},
        **_gaps(names),
        "hovertemplate": "true %{y}, predicted %{x}<br>%{customdata[2]:,} (%{customdata[3]} % of the class)"
        "<extra></extra>",
    }


def _counts(confusion: Counts, wrong: NDArray[np.float64], top: float, names: Sequence[str]) -> list[Spec]:
    """The counts as text over the cells that hold any, where there is room; on strong colors in black."""
    if len(names) > COUNTED:
        return []
    strong = wrong > STRONG * top
    return [
        _texts(confusion, np.argwhere((confusion > 0) & ~strong), names),
        _texts(confusion, np.argwhere(strong), names) | {"textfont": {"color": ON_STRONG}},
    ]


def _texts(confusion: Counts, places: NDArray[np.int64], names: Sequence[str]) -> Spec:
    cells = [(int(row), int(column)) for row, column in places]
    return {
        "type": "scatter",
        "mode": "text",
        "x": [names[column] for _, column in cells],
        "y": [names[row] for row, _ in cells],
        "text": [f"{confusion[cell]:,}" for cell in cells],
        "hoverinfo": "skip",
    }


def _frame(cell: tuple[int, int]) -> Spec:
    row, column = cell
    ends = {"x0": column - 0.5, "x1": column + 0.5, "y0": row - 0.5, "y1": row + 0.5}
    return {"type": "rect", **ends, "line": {"color": FRAME, "width": 2.5}}


def _numbers(confusion: Counts, names: Sequence[str]) -> Table:
    size = range(len(names))
    return {
        "true class": [names[row] for row in size for _ in size],
        "predicted class": [names[column] for _ in size for column in size],
        "pictures": [int(count) for count in confusion.ravel()],
    }


def confused_pairs(confusion: Counts, most: int = 5) -> list[tuple[int, int, int]]:
    """(true class, predicted class, pictures) of the commonest mistakes, the commonest first."""
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = [(int(place) // len(wrong), int(place) % len(wrong)) for place in order]
    return [(row, column, int(wrong[row, column])) for row, column in pairs if wrong[row, column]]


def confusion_title(confusion: Counts, names: Sequence[str]) -> str:
    """The commonest mistake, or those that are equally common, in a sentence."""
    pairs = confused_pairs(confusion, len(names))
    if not pairs:
        return f"All {confusion.sum():,} pictures are right"
    row, column, count = pairs[0]
    same = [f"{names[r]} for {names[c]}" for r, c, n in pairs if n == count]
    if len(same) > 1:
        more = f" and {len(same) - 3} more" if len(same) > 3 else ""
        return f"The most common mistakes, {counted(count, 'picture')} each: {listed(same[:3])}{more}"
    total = int(confusion[row].sum())
    return f"The most common mistake: {names[row]} taken for {names[column]}, {count} of {total} pictures"


def per_class_chart(confusion: Counts, names: Sequence[str]) -> Chart:
    """Bars: the share of each class that was recognized, the classes in the data set's order."""
    shares = per_class_accuracy(confusion)
    known = [index for index, share in enumerate(shares) if not np.isnan(share)]
    percents = [round(100 * float(shares[index]), 2) for index in known]
    bars: dict[str, Any] = {
        "type": "bar",
        "orientation": "h",
        "x": percents,
        "y": [names[index] for index in known],
        "marker": {"color": [class_color(index, len(names)) for index in known]},
        "width": 0.6,
        "hovertemplate": "%{y}: %{x:.2f} % right<extra></extra>",
    }
    if len(names) <= COUNTED:
        bars |= {
            "text": [f"{value:.1f} %" for value in percents],
            "textposition": "outside",
            "cliponaxis": False,
        }
    x_axis = value_axis(
        "pictures of the class that are right (%)", range=[0, 112], tickvals=[0, 25, 50, 75, 100]
    )
    y_axis = _class_axis(names, "") | {
        "autorange": "reversed",
        "categoryorder": "array",
        "categoryarray": list(names),
    }
    shape = layout(x_axis, y_axis, showlegend=False)
    reading = f"Each class has {_sizes(confusion)} here; one picture more or less moves its bar by a step."
    height = min(TALLEST, 80 + 24 * len(names))
    return Chart(
        per_class_title(confusion, names),
        [bars],
        shape | {"margin": shape["margin"] | {"t": 8}},
        reading,
        height,
    )


def _sizes(confusion: Counts) -> str:
    sizes = confusion.sum(axis=1)
    low, high = int(sizes.min()), int(sizes.max())
    return counted(low, "picture") if low == high else f"{low:,} to {high:,} pictures"


def per_class_title(confusion: Counts, names: Sequence[str]) -> str:
    """The hardest and the easiest class in a sentence, if chance alone does not explain them."""
    shares = per_class_accuracy(confusion)
    if np.isnan(shares).all() or np.nanmin(shares) == np.nanmax(shares):
        return "All classes are equally hard"
    low, high = int(np.nanargmin(shares)), int(np.nanargmax(shares))
    worst, best = percent(float(shares[low])), percent(float(shares[high]))
    if not classes_differ(confusion):
        return (
            f"So few pictures tell no class from another: {names[low]} {worst} to {names[high]} {best} right"
        )
    return f"{names[low]} is hardest, {worst} right; {names[high]} is easiest, {best}"
