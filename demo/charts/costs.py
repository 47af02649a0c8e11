"""Costs of runs against their results: a mark a run, accuracy upwards, the cost to the right."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cifar_core.metrics.uncertainty import CLEAR, Accuracy
from demo.charts.figure import Chart, Spec, Table, layout, value_axis
from demo.charts.overlay import run_color
from demo.shared.format import percent, shortened
from demo.shared.palette import CURVE_INK, MUTED_INK
from demo.shared.ranking import CLOSE, OWN_PICTURES, close_to_best, describe_lead, pictures_of, with_points

# cost -> (axis title with its unit, how many of the stored unit one of the axis holds)
COSTS = {
    "time": ("training time (min)", 60.0),
    "parameters": ("parameters (M)", 1e6),
    "multiply-adds": ("multiply-adds a picture (M)", 1e6),
}
CHEAPER = {"time": "takes less time", "parameters": "has fewer parameters", "multiply-adds": "computes less"}
SYMBOLS = ("circle", "square", "triangle-up", "diamond")  # with the colors' dashes: see line_style
MARK, LETTER, LINE = 13, 6.6, 16  # pixels: of a mark, and the width and height of a letter beside it
HEIGHT = 340  # pixels
PLOT = 250  # pixels of it between the axes
WIDE, NARROW = 900, 300  # pixels of the plot's width that the labels are laid out for
MOST_LETTERS = 26
# where a name may stand: (its side that is nearest to the mark, pixels to the right of the mark, pixels up);
# from farther away a thin line leads to the mark
PLACES = (
    *(("left", 10, 0), ("right", -10, 0), ("center", 0, 18), ("center", 0, -18)),
    *(
        (side, right * 22, up)
        for up in (-30, 30, -54, 54, -78)
        for side, right in (("left", 1), ("right", -1))
    ),
)


@dataclass(frozen=True)
class CostRun:
    """One run: its accuracy, of the same kind for all, and its cost (seconds or a count), above 0."""

    name: str
    rank: int
    accuracy: Accuracy
    cost: float


def cost_chart(runs: Sequence[CostRun], cost: str, ranked: bool = True) -> Chart:
    """`cost` is one of COSTS; `runs` is not empty; not ranked: they learned from different data."""
    words, unit = COSTS[cost]
    costs = [run.cost / unit for run in runs]
    wide = min(costs) * 30 < max(costs)
    x_axis = value_axis(words, **(_logarithmic(costs) if wide else {"rangemode": "tozero"}))
    y_axis = value_axis(f"accuracy on {runs[0].accuracy.split} pictures (%)")
    shape = layout(x_axis, y_axis, showlegend=False)
    shape |= {"margin": shape["margin"] | {"t": 20}, "uirevision": cost}
    title = cost_title(runs, cost) if ranked else f"Accuracy and cost, {OWN_PICTURES}"
    return Chart(
        title,
        [_mark(run, unit, words) for run in runs],
        shape | {"annotations": _names(runs, unit, wide, WIDE)},
        _reading(runs),
        HEIGHT,
        narrow=shape | {"annotations": _names(runs, unit, wide, NARROW)},
        numbers=lambda: _numbers(runs, words, unit),
    )


def _logarithmic(costs: Sequence[float]) -> Spec:
    """A logarithmic axis with 1, 2 and 5 of each decade written out."""
    decades = range(math.floor(math.log10(min(costs))), math.ceil(math.log10(max(costs))) + 1)
    places = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
    return {"type": "log", "tickvals": places, "ticktext": [f"{place:,.6g}" for place in places]}


def _reading(runs: Sequence[CostRun]) -> str:
    reading = (
        f"One mark a run, on {pictures_of(run.accuracy for run in runs)}; its whisker is {CLEAR:g} standard "
        "errors up and down. Higher is better, further left is cheaper: the upper left corner wins."
    )
    close = close_to_best([(run.name, run.accuracy) for run in runs])
    return f"{reading} {CLOSE}" if len(close) > 1 else reading


def _mark(run: CostRun, unit: float, words: str) -> Spec:
    x, y = round(run.cost / unit, 4), round(100 * run.accuracy.share, 2)
    color = run_color(run.rank)
    whisker = {"type": "data", "array": [round(100 * CLEAR * run.accuracy.error, 3)]}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": run.name,
        "x": [x],
        "y": [y],
        "marker": {"color": color, "size": MARK, "symbol": SYMBOLS[run.rank // 8 % len(SYMBOLS)]},
        "error_y": {**whisker, "color": color, "thickness": 1, "width": 4},
        "hovertemplate": f"{run.name}<br>%{{y:.2f}} %, {words}: %{{x:.4~g}}<extra></extra>",
    }


def _numbers(runs: Sequence[CostRun], words: str, unit: float) -> Table:
    return {
        "run": [run.name for run in runs],
        words: [run.cost / unit for run in runs],
        "accuracy": [run.accuracy.share for run in runs],
        "pictures": [run.accuracy.n for run in runs],
        "split": [run.accuracy.split for run in runs],
    }


def _names(runs: Sequence[CostRun], unit: float, logarithmic: bool, width: int) -> list[Spec]:
    """Names beside their marks, on a plot that is `width` pixels wide; those without room are left out."""
    xs = [math.log10(run.cost / unit) if logarithmic else run.cost / unit for run in runs]
    ys = [100 * run.accuracy.share for run in runs]
    low = min(xs) if logarithmic else 0.0
    across, up = _scale(low, max(xs), width), _scale(min(ys), max(ys), PLOT)
    marks = [((x - low) * across, (y - min(ys)) * up) for x, y in zip(xs, ys, strict=True)]
    taken = [(x - MARK / 2, y - MARK / 2, x + MARK / 2, y + MARK / 2) for x, y in marks]
    names = []
    for run, x, y, mark in zip(runs, xs, ys, marks, strict=True):
        text = shortened(run.name, MOST_LETTERS)
        for place in PLACES:
            box = _box(mark, *place, LETTER * len(text))
            inside = box[0] >= -MARK and box[2] <= width + MARK and box[1] >= -MARK
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                names.append(_name(text, x, y, *place))
                break
    return names


Box = tuple[float, float, float, float]  # left, bottom, right, top, in pixels


def _scale(low: float, high: float, pixels: int) -> float:
    """Pixels for one unit of an axis."""
    return pixels / ((high - low) or 1.0)


def _box(mark: tuple[float, float], anchor: str, right: int, up: int, wide: float) -> Box:
    start = {"left": 0.0, "right": -wide, "center": -wide / 2}[anchor]
    x, y = mark[0] + right + start, mark[1] + up
    return x, y - LINE / 2, x + wide, y + LINE / 2


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _name(text: str, x: float, y: float, anchor: str, right: int, up: int) -> Spec:
    name = {"text": text, "x": x, "y": y, "xanchor": anchor, "font": {"color": MUTED_INK}}
    if abs(right) + abs(up) <= LINE + MARK / 2:
        return {**name, "showarrow": False, "xshift": right, "yshift": up}
    leader = {"arrowhead": 0, "arrowwidth": 1, "arrowcolor": CURVE_INK, "standoff": MARK / 2}
    return {**name, "showarrow": True, "ax": right, "ay": -up, "borderpad": 0, **leader}


def cost_title(runs: Sequence[CostRun], cost: str) -> str:
    """Return whether the best run is also the cheapest, or what the cheapest gives up."""
    best = max(runs, key=lambda run: run.accuracy.share)
    cheapest = min(runs, key=lambda run: (run.cost, -run.accuracy.share))
    if len(runs) == 1 or cheapest.cost == max(run.cost for run in runs):
        same = "" if len(runs) == 1 else "All cost the same: "
        return same + describe_lead([(run.name, run.accuracy) for run in runs])
    if best.cost == cheapest.cost:
        alone = len(close_to_best([(run.name, run.accuracy) for run in runs])) == 1
        place = "best" if alone else "as good as any"
        return f"{best.name} is {place} with {percent(best.accuracy.share)}, and none {CHEAPER[cost]}"
    share, gap = cheapest.cost / best.cost, with_points(best.accuracy, cheapest.accuracy)
    return f"{cheapest.name} {CHEAPER[cost]} ({share:.2f} of {best.name}'s) and is {gap}"
