"""The confusion matrix: which classes a network takes for which, and how many of each it recognizes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cifar_core.metrics.classification import per_class_accuracy
from demo.charts.old_figure import Chart, Option, category_axis, color_scale, plain_option, value_axis
from demo.shared.format import counted, percent
from demo.shared.palette import CIVIDIS, CLASS_COLORS, LINE, color_of, ink_on

Counts = NDArray[np.int64]
DIAGONAL = "#EEF1F4"  # what is right stands back


def confusion_chart(confusion: Counts, names: Sequence[str]) -> Chart:
    """Heat map of counts [true, predicted]; its cells are in that order, row by row.

    The color is the share of the true class in percent, of mistakes alone: beside what is right they would
    all be dark.
    """
    shares = 100 * confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(shares, 0)
    top = max(1.0, float(np.ceil(shares.max())))
    cells = [
        _cell(row, column, int(confusion[row, column]), float(shares[row, column]) / top, names, shares)
        for row in range(len(names))
        for column in range(len(names))
    ]
    series = {
        "type": "heatmap",
        "data": cells,
        "encode": {"x": 0, "y": 1},
        "selectedMode": "single",
        "select": {"itemStyle": {"borderColor": "#D55E00", "borderWidth": 3}},
    }
    x_axis = category_axis(names, name="predicted class", nameLocation="middle", nameGap=64)
    x_axis["axisLabel"] = {"interval": 0, "rotate": 60}
    y_axis = category_axis(names, name="true class", inverse=True, nameLocation="start")
    tooltip = {"trigger": "item", "formatter": "{@[3]}", "confine": True}
    scale = color_scale(top) | {"text": [f"{top:.0f} %", "0"]}
    option = plain_option(x_axis, y_axis, [series], visualMap=scale, tooltip=tooltip)
    option["grid"] |= {"top": 26, "right": 52, "left": 8, "bottom": 30}
    reading = (
        "A row holds the pictures of one class, its columns what the network said; the numbers count "
        "pictures. Brighter: a larger share of the row was mistaken so. Gray: right. Choose a cell to see "
        "its pictures."
    )
    return Chart(confusion_title(confusion, names), option, reading, 130 + 34 * len(names))


def _cell(row: int, column: int, count: int, part: float, names: Sequence[str], shares: NDArray) -> Option:
    """One cell; `part` is its place on the color scale, 0..1."""
    right = row == column
    words = "right" if right else f"said {names[column]}, {shares[row, column]:.1f} % of the class"
    value = [column, row, round(float(shares[row, column]), 2), f"{names[row]}, {words}: {count}"]
    color = DIAGONAL if right else CIVIDIS[round(part * (len(CIVIDIS) - 1))]
    label = {"show": count > 0, "formatter": f"{count}", "color": ink_on(color)}
    cell: Option = {"value": value, "label": label, "itemStyle": {"borderColor": "#fff", "borderWidth": 1}}
    cell["name"] = f"{row}/{column}"  # what is chosen is told apart by name; without one, a whole column is
    if right:
        cell["itemStyle"] |= {"color": color, "borderColor": LINE}
        cell["visualMap"] = False
    return cell


def confused_pairs(confusion: Counts, most: int = 5) -> list[tuple[int, int, int]]:
    """(true class, predicted class, pictures) of the commonest mistakes, the commonest first."""
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:most]
    pairs = [(int(place) // len(wrong), int(place) % len(wrong)) for place in order]
    return [(row, column, int(wrong[row, column])) for row, column in pairs if wrong[row, column]]


def confusion_title(confusion: Counts, names: Sequence[str]) -> str:
    """The commonest mistake, in a sentence."""
    pairs = confused_pairs(confusion, 1)
    if not pairs:
        return f"All {confusion.sum():,} pictures are right"
    (row, column, count), total = pairs[0], int(confusion[pairs[0][0]].sum())
    return f"The commonest mistake: {names[row]} taken for {names[column]}, {count} of {total} pictures"


def per_class_chart(confusion: Counts, names: Sequence[str]) -> Chart:
    """Bars: the share of each class that was recognized, the classes in the data set's order."""
    shares = per_class_accuracy(confusion)
    data = [_bar(index, float(share)) for index, share in enumerate(shares)]
    series = {"type": "bar", "data": data, "barMaxWidth": 14}
    x_axis = value_axis("pictures of the class that are right (%)", min=0, max=100)
    option = plain_option(x_axis, category_axis(names, inverse=True), [series])
    option["grid"] |= {"top": 8, "left": 8, "right": 56}
    reading = f"Each class has {_sizes(confusion)} here; one picture more or less moves its bar by a step."
    return Chart(per_class_title(shares, names), option, reading, 80 + 24 * len(names))


def _bar(index: int, share: float) -> Option:
    if np.isnan(share):
        return {"value": None}
    label = {"show": True, "position": "right", "formatter": f"{100 * share:.1f} %"}
    return {
        "value": round(100 * share, 2),
        "itemStyle": {"color": color_of(index, CLASS_COLORS)},
        "label": label,
    }


def _sizes(confusion: Counts) -> str:
    sizes = confusion.sum(axis=1)
    low, high = int(sizes.min()), int(sizes.max())
    return counted(low, "picture") if low == high else f"{low:,} to {high:,} pictures"


def per_class_title(shares: NDArray[np.float64], names: Sequence[str]) -> str:
    """The hardest and the easiest class, in a sentence."""
    if np.isnan(shares).all() or np.nanmin(shares) == np.nanmax(shares):
        return "All classes are equally hard"
    low, high = int(np.nanargmin(shares)), int(np.nanargmax(shares))
    hardest = f"{names[low]} is hardest, {percent(float(shares[low]))} right"
    return f"{hardest}; {names[high]} is easiest, {percent(float(shares[high]))}"
