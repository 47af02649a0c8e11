"""Several runs over one another: validation accuracy or loss, by epoch or by seconds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cifar_core.metrics.uncertainty import Accuracy
from cifar_core.runs.history import History
from demo.charts.figure import Chart, Spec, Table, layout, line, value_axis
from demo.charts.x_axis import AXIS_NAMES, epoch_positions
from demo.shared.format import duration, listed
from demo.shared.palette import RUN_COLORS, color_of
from demo.shared.ranking import CLOSE, OWN_PICTURES, close_to_best, describe_lead

DASHES = ("solid", "dashed", "dotted")  # in CSS; plotly has names of its own
PLOTLY_DASHES = {"solid": "solid", "dashed": "dash", "dotted": "dot"}
MARKED = 60  # points that are drawn as dots too
UNITS = {"accuracy": ("accuracy (%)", 100.0, ".2f"), "loss": ("loss (nats)", 1.0, ".3f")}


@dataclass(frozen=True)
class OverlaidRun:
    """One run of an overlay; `rank` is its place among all runs by start time and gives its color.

    accuracy: what it is ranked by; without one, its curve's where its weights are kept. smoothing: of its
    labels, 0..1.
    """

    name: str
    rank: int
    history: History
    accuracy: Accuracy | None = None
    smoothing: float = 0.0


def run_color(rank: int) -> str:
    """The color of the rank-th run, the same on every page."""
    return color_of(rank, RUN_COLORS)


def line_style(rank: int) -> dict[str, str | int]:
    """Color and dash of the rank-th run in CSS: the ninth has the first one's color and another dash."""
    return {"color": run_color(rank), "width": 3, "type": DASHES[rank // len(RUN_COLORS) % len(DASHES)]}


def plotly_line(style: dict[str, str | int]) -> Spec:
    """A style as plotly's `line`."""
    return {"color": style["color"], "width": style["width"], "dash": PLOTLY_DASHES[str(style["type"])]}


def distinct_ranks(ranks: Iterable[int]) -> list[int]:
    """Ranks by which no two runs look alike: each run's own color, or the next that is still free.

    The first of two runs of one color keeps it; a ninth run has a color again, with another dash.
    """
    taken: list[int] = []
    colors = len(RUN_COLORS)
    for rank in ranks:
        free = (place + turn * colors for turn in range(len(DASHES)) for place in _from(rank % colors))
        taken.append(next((one for one in free if one not in taken), rank))
    return taken


def _from(place: int) -> list[int]:
    """All places of the list of colors, this one first."""
    return [(place + step) % len(RUN_COLORS) for step in range(len(RUN_COLORS))]


def overlay_chart(runs: Sequence[OverlaidRun], what: str, by: str, ranked: bool = True) -> Chart:
    """`what` is "accuracy" or "loss" on validation pictures; `by` is "epoch" or "seconds".

    ranked: False where the runs learned from different data; the title then names no winner.
    """
    unit, scale, form = UNITS[what]
    lines = []
    for run in runs:
        values = [scale * getattr(epoch, f"val_{what}") for epoch in run.history.epochs]
        x, marked = epoch_positions(run.history, by), len(values) <= MARKED
        look: Spec = {"line": plotly_line(line_style(run.rank)), "hovertemplate": f"%{{y:{form}}}"}
        lines.append(line(run.name, x, values, run_color(run.rank), marked=marked, **look))
    x_axis = value_axis(AXIS_NAMES[by], rangemode="tozero")
    shape = layout(x_axis, value_axis(f"validation {unit}"), showlegend=False, hovermode="x unified")
    shape |= {"uirevision": by, "margin": shape["margin"] | {"t": 12}}
    title = _titles(runs, what) if ranked else f"Validation {what}, {OWN_PICTURES}"
    return Chart(title, lines, shape, _reading(runs, what), 320, numbers=lambda: _numbers(runs, what))


def _titles(runs: Sequence[OverlaidRun], what: str) -> str:
    return accuracy_overlay_title(runs) if what == "accuracy" else loss_overlay_title(runs)


def _reading(runs: Sequence[OverlaidRun], what: str) -> str:
    reading = "One line a run, one point an epoch: validation pictures, one view of each."
    if what == "loss":
        return f"{reading} {TRAINING_LOSS}"
    ranked = _ranked(runs)
    close = len(close_to_best(ranked)) > 1 if ranked else False
    return f"{reading} {CLOSE}" if close else reading


TRAINING_LOSS = (
    "Training loss is not drawn here. It usually lies higher: it is measured on augmented pictures and, "
    "with label smoothing, against targets that no answer can reach."
)


def _numbers(runs: Sequence[OverlaidRun], what: str) -> Table:
    rows = [
        (run.name, epoch.epoch, round(seconds, 3), getattr(epoch, f"val_{what}"))
        for run in runs
        for epoch, seconds in zip(run.history.epochs, epoch_positions(run.history, "seconds"), strict=True)
    ]
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    return dict(zip(("run", "epoch", "seconds", f"validation {what}"), columns, strict=True))


def _ranked(runs: Sequence[OverlaidRun]) -> list[tuple[str, Accuracy]]:
    """What the runs are ranked by: the accuracies that they were given; the curves' where one has none."""
    known = [run for run in runs if run.history.best]
    if all(run.accuracy for run in known):
        return [(run.name, run.accuracy) for run in known if run.accuracy]
    return [(run.name, found) for run in known if (found := _kept(run.history))]


def _kept(history: History) -> Accuracy | None:
    kept, start = history.kept, history.start
    return (
        Accuracy(kept.val_accuracy, max(1, start.val_images), history.monitored) if kept and start else None
    )


def accuracy_overlay_title(runs: Sequence[OverlaidRun]) -> str:
    """Say which run is ahead and by how much, or which cannot be told apart."""
    ranked = _ranked(runs)
    return describe_lead(ranked) if ranked else "None of these runs has completed an epoch yet"


def loss_overlay_title(runs: Sequence[OverlaidRun]) -> str:
    """Say which run has the lowest validation loss, and after what time; across label smoothing, none has."""
    lowest = [(epoch.val_loss, index, run) for run in runs for index, epoch in enumerate(run.history.epochs)]
    if not lowest:
        return "The losses appear with the first completed epoch"
    smoothings = sorted({run.smoothing for run in runs if run.history.epochs})
    if len(smoothings) > 1:
        amounts = listed([f"{one:g}" for one in smoothings])
        return (
            f"Not ranked: these runs differ in label smoothing ({amounts}), which raises the loss by itself"
        )
    loss, index, run = min(lowest, key=lambda item: item[0])
    seconds = epoch_positions(run.history, "seconds")[index]
    return f"{run.name} has the lowest validation loss: {loss:.2f} after {duration(seconds)} of training"
