"""Several runs over one another: validation accuracy or loss, by epoch or by seconds."""

from collections.abc import Sequence
from dataclasses import dataclass

from cifar_core.runs.history import History
from demo.charts.old_figure import Chart, Option, plain_option, points, value_axis
from demo.charts.x_axis import epoch_positions
from demo.shared.format import duration, percent
from demo.shared.palette import RUN_COLORS, color_of

DASHES = ("solid", "dashed", "dotted")
MARKED = 60  # points that are drawn as dots too


@dataclass(frozen=True)
class OverlaidRun:
    """One run of an overlay; `rank` is its place among all runs by start time and gives its color."""

    name: str
    rank: int
    history: History


def run_color(rank: int) -> str:
    """The color of the rank-th run, the same on every page."""
    return color_of(rank, RUN_COLORS)


def overlay_chart(runs: Sequence[OverlaidRun], what: str, by: str) -> Chart:
    """`what` is "accuracy" or "loss" on validation pictures; `by` is "epoch" or "seconds"."""
    unit, scale = ("accuracy (%)", 100.0) if what == "accuracy" else ("loss (nats)", 1.0)
    lines = []
    for run in runs:
        values = [scale * getattr(epoch, f"val_{what}") for epoch in run.history.epochs]
        lines.append(_line(run, points(epoch_positions(run.history, by), values)))
    x_axis = value_axis("epoch" if by == "epoch" else "training time (s)", min=0)
    x_axis["axisLabel"] = {"hideOverlap": True}
    option = plain_option(x_axis, value_axis(f"validation {unit}", vertical=True, scale=True), lines)
    option["grid"] |= {"top": 12}
    title = accuracy_overlay_title(runs) if what == "accuracy" else loss_overlay_title(runs)
    return Chart(title, option, "One line a run, one point an epoch.", 320)


def line_style(rank: int) -> dict[str, str | int]:
    """Color and dash of the rank-th run: the ninth has the first one's color and another dash."""
    return {"color": run_color(rank), "width": 3, "type": DASHES[rank // len(RUN_COLORS) % len(DASHES)]}


def _line(run: OverlaidRun, data: list[list[float]]) -> Option:
    return {
        "type": "line",
        "name": run.name,
        "data": data,
        "lineStyle": line_style(run.rank),
        "itemStyle": {"color": run_color(run.rank)},
        "showSymbol": len(data) <= MARKED,
        "symbol": "circle",
    }


def accuracy_overlay_title(runs: Sequence[OverlaidRun]) -> str:
    """Say which run is ahead, and by how much."""
    ranked = sorted(
        ((run.history.best.val_accuracy, run) for run in runs if run.history.best),
        key=lambda pair: pair[0],
        reverse=True,
    )
    if not ranked:
        return "None of these runs has completed an epoch yet"
    (top, first), *others = ranked
    head = f"{first.name} is ahead with {percent(top)}"
    if not others:
        return head
    return f"{head}, {100 * (top - others[0][0]):.2f} points above {others[0][1].name}"


def loss_overlay_title(runs: Sequence[OverlaidRun]) -> str:
    """Say which run has the lowest validation loss, and after what time."""
    lowest = [(epoch.val_loss, index, run) for run in runs for index, epoch in enumerate(run.history.epochs)]
    if not lowest:
        return "The losses appear with the first completed epoch"
    loss, index, run = min(lowest, key=lambda item: item[0])
    seconds = epoch_positions(run.history, "seconds")[index]
    return f"{run.name} has the lowest validation loss: {loss:.2f} after {duration(seconds)} of training"
