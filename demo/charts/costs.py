"""Costs of runs against their results: a mark a run, accuracy upwards, the cost to the right."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from demo.charts.old_figure import Chart, Option, plain_option, value_axis
from demo.charts.overlay import run_color
from demo.shared.format import percent
from demo.shared.palette import MUTED_INK

# cost -> (axis title with its unit, how many of the stored unit one of the axis holds)
COSTS = {
    "time": ("training time (min)", 60.0),
    "parameters": ("parameters (M)", 1e6),
    "multiply-adds": ("multiply-adds a picture (M)", 1e6),
}
CHEAPER = {"time": "takes less time", "parameters": "has fewer parameters", "multiply-adds": "computes less"}
NAME_PIXELS = 150  # longer names end in dots; the tooltip has them whole
SYMBOLS = ("circle", "rect", "triangle", "diamond")  # with the colors' dashes: see line_style


@dataclass(frozen=True)
class CostRun:
    """One run: best validation accuracy in 0..1 and its cost (seconds or a count), above 0."""

    name: str
    rank: int
    accuracy: float
    cost: float


def cost_chart(runs: Sequence[CostRun], cost: str) -> Chart:
    """`cost` is one of COSTS; `runs` is not empty."""
    words, unit = COSTS[cost]
    wide = min(run.cost for run in runs) * 30 < max(run.cost for run in runs)
    x_axis = value_axis(words, axisLabel={"hideOverlap": True})
    x_axis |= {"type": "log"} if wide else {"min": 0}
    y_axis = value_axis("best validation accuracy (%)", vertical=True, scale=True)
    middle = _middle([run.cost for run in runs], wide)
    option = plain_option(x_axis, y_axis, [_mark(run, unit, run.cost > middle) for run in runs])
    option["grid"] |= {"top": 12, "right": 24}
    option["tooltip"] = {
        "trigger": "item",
        "formatter": "{a}<br>{@[1]} % at {@[0]}",
        "confine": True,
    }
    reading = "One mark a run. Higher is better, further left is cheaper: the upper left corner wins."
    return Chart(cost_title(runs, cost), option, reading, 340)


def _middle(costs: Sequence[float], logarithmic: bool) -> float:
    """The cost at the middle of the axis."""
    return math.sqrt(min(costs) * max(costs)) if logarithmic else max(costs) / 2


def _mark(run: CostRun, unit: float, right: bool) -> Option:
    """A mark with its name beside it, towards the middle of the chart."""
    label = {"show": True, "formatter": "{a}", "position": "left" if right else "right", "color": MUTED_INK}
    return {
        "type": "scatter",
        "name": run.name,
        "data": [[round(run.cost / unit, 4), round(100 * run.accuracy, 2)]],
        "symbol": SYMBOLS[run.rank // 8 % len(SYMBOLS)],
        "symbolSize": 16,
        "itemStyle": {"color": run_color(run.rank)},
        "label": {**label, "width": NAME_PIXELS, "overflow": "truncate"},
        "labelLayout": {"moveOverlap": "shiftY"},
    }


def cost_title(runs: Sequence[CostRun], cost: str) -> str:
    """Return whether the best run is also the cheapest, or what the cheapest gives up."""
    best = max(runs, key=lambda run: run.accuracy)
    cheapest = min(runs, key=lambda run: (run.cost, -run.accuracy))
    if len(runs) == 1:
        return f"{best.name} reaches {percent(best.accuracy)}"
    if cheapest.cost == max(run.cost for run in runs):
        return f"All cost the same; {best.name} gives most with {percent(best.accuracy)}"
    if best.cost == cheapest.cost:
        return f"{best.name} is best with {percent(best.accuracy)}, and none {CHEAPER[cost]}"
    behind = 100 * (best.accuracy - cheapest.accuracy)
    share = cheapest.cost / best.cost
    return (
        f"{cheapest.name} {CHEAPER[cost]} ({share:.2f} of {best.name}'s) and is {behind:.2f} points behind it"
    )
