"""Loss, accuracy and learning rate of one run: training thin and within the epoch, validation thick."""

from dataclasses import dataclass

import numpy as np

from cifar_core.config import TrainConfig
from cifar_core.runs.history import History
from cifar_core.training.schedules import learning_rate
from demo.charts.figure import (
    MAX_POINTS,
    THICK,
    THIN,
    Chart,
    Spec,
    Table,
    describe_thinning,
    layout,
    line,
    value_axis,
    vertical_mark,
)
from demo.charts.x_axis import AXIS_NAMES, Numbers, epoch_positions, position_of, smoothed, step_positions
from demo.shared.format import percent
from demo.shared.palette import MUTED_INK

MILESTONES = (0.95, 0.94, 0.93, 0.92, 0.91, 0.90, 0.85, 0.80, 0.70, 0.60, 0.50, 0.40, 0.30, 0.20)
PATIENCE_EPOCHS = 3  # a validation loss that has not fallen for so long is worth a word
FROM_ZERO = 3  # epochs until whose end accuracy's axis starts at 0
FIRST_STEPS = 0.1  # share of the training line that may lie below the axis afterwards
SCALES = {"loss": (1.0, ".3f"), "accuracy": (100.0, ".2f")}  # what -> (factor of its unit, form of a number)
FAINT = 0.3  # opacity of the single steps behind a smoothed line
PALE = 0.5  # opacity of an earlier run
MARKED = 60  # validation points that are drawn as dots too
LR_ROOM = 0.2  # share of the axis that the words at a changed rate take; of closer ones the last has words
MARGIN = {"l": 56, "r": 16, "t": 30, "b": 44}  # pixels; margins that follow the labels are drawn twice
LR_CHANGED = " Dotted: somebody changed the learning rate, to so many times the schedule."
SMOOTHED = " Faint: the training line before smoothing."
TRAINING_ABOVE = (
    " Training loss lies higher without being worse: it is measured on augmented pictures while the weights "
    "still change and, with label smoothing, against targets that no answer can reach."
)
MONITORED_TEST = (
    " The test pictures were monitored, as in the work that this run repeats; nothing was chosen by them."
)


@dataclass(frozen=True)
class CurveView:
    """The view of the curves.

    by: the x axis, "epoch", "step" or "seconds"; smoothing: weight of the past in the training line, 0..1;
    log: a logarithmic axis for the loss; from_zero: accuracy's axis starts at 0 however far the run is;
    earlier: (name, history) of another run, a pale line.
    """

    by: str = "epoch"
    smoothing: float = 0.0
    log: bool = False
    from_zero: bool = False
    earlier: tuple[str, History] | None = None


PLAIN = CurveView()


def loss_chart(history: History, color: str, view: CurveView = PLAIN) -> Chart:
    """Cross-entropy along the run."""
    axis = value_axis("loss (nats)", automargin=False, **({"type": "log", "dtick": "D1"} if view.log else {}))
    reading = (
        f"Lower is better. Thin: training pictures as they pass. Thick: {history.monitored}, once an epoch."
    )
    last = history.epochs[-1] if history.epochs else None
    if last and last.train_loss > last.val_loss:
        reading += TRAINING_ABOVE
    return _chart(history, "loss", color, view, axis, loss_title(history), reading)


def accuracy_chart(history: History, color: str, view: CurveView = PLAIN) -> Chart:
    """Accuracy in percent along the run."""
    start = 0 if view.from_zero else _accuracy_start(history)
    axis = value_axis("accuracy (%)", automargin=False, autorangeoptions={"minallowed": start})
    reading = (
        "Higher is better. Where augmentation changes the training pictures, "
        f"{history.monitored} pictures stay as they are, so the thick line can lie above the thin one."
    )
    if start:
        reading += f" The axis starts at {start} %: what lies below is cut off."
    return _chart(history, "accuracy", color, view, axis, accuracy_title(history), reading)


def lr_chart(history: History, config: TrainConfig) -> Chart:
    """The learning rate of each step so far, before the schedule of the whole run."""
    at, per_epoch = step_positions(history, "epoch"), history.steps_per_epoch
    ahead = np.linspace(0, max(1, per_epoch * config.epochs - 1), MAX_POINTS).round()
    planned = [learning_rate(config, int(step), per_epoch) for step in ahead]
    form = {"hovertemplate": "%{y:.4g}"}
    lines = [line("schedule", ahead / per_epoch, np.array(planned), MUTED_INK, THIN, **form)]
    lines.append(line("so far", at, history.column("lr"), MUTED_INK, THICK, **form))
    marks = _lr_marks(history, at, PLAIN)
    ends = {"minallowed": 0, "maxallowed": config.epochs}
    x_axis = value_axis("epoch", autorangeoptions=ends, automargin=False)
    y_axis = value_axis("learning rate", rangemode="tozero", automargin=False)
    shape = layout(x_axis, y_axis, shapes=marks, hovermode="x unified", margin=MARGIN)
    reading = "The size of each step. Thin: the schedule of the whole run. Thick: what was used so far."
    return Chart(lr_title(history), lines, shape, reading + (LR_CHANGED if marks else ""), 180)


def _chart(
    history: History, what: str, color: str, view: CurveView, y_axis: Spec, title: str, reading: str
) -> Chart:
    at = step_positions(history, view.by)
    x_axis = _x_axis(history, at, view)
    lines = _earlier_lines(what, color, view) + _own_lines(history, what, color, view, at)
    shape = layout(x_axis, y_axis, shapes=_lr_marks(history, at, view), hovermode="x unified", margin=MARGIN)
    shape["uirevision"] = f"{view.by} {view.log}"
    reading += describe_thinning(len(history.steps)) + (SMOOTHED if view.smoothing else "")
    reading += LR_CHANGED if history.lr_changes else ""
    reading += MONITORED_TEST if history.monitored == "test" else ""
    if view.earlier:
        reading += f" Pale: {view.earlier[0]}, an earlier run of the same recipe."
    return Chart(title, lines, shape, reading, numbers=lambda: _numbers(history, what))


def _own_lines(history: History, what: str, color: str, view: CurveView, at: Numbers) -> list[Spec]:
    scale, form = SCALES[what]
    raw = scale * history.column(what)
    hover = {"hovertemplate": f"%{{y:{form}}}"}
    lines = []
    if view.smoothing:
        faint = line("single steps", at, raw, color, THIN, opacity=FAINT, showlegend=False)
        lines.append(faint | {"hoverinfo": "skip"})
    lines.append(line("training", at, smoothed(raw, view.smoothing), color, THIN, **hover))
    epochs = [float(end) for end in epoch_positions(history, view.by)]
    values = [scale * getattr(epoch, f"val_{what}") for epoch in history.epochs]
    marked = len(epochs) <= MARKED
    lines.append(line(history.monitored, epochs, values, color, THICK, marked=marked, **hover))
    return lines


def _earlier_lines(what: str, color: str, view: CurveView) -> list[Spec]:
    """Validation of the earlier run, pale and behind the run's own lines."""
    if view.earlier is None:
        return []
    history = view.earlier[1]
    scale, form = SCALES[what]
    values = [scale * getattr(epoch, f"val_{what}") for epoch in history.epochs]
    places = [float(end) for end in epoch_positions(history, view.by)]
    return [
        line("earlier run", places, values, MUTED_INK, THICK, opacity=PALE, hovertemplate=f"%{{y:{form}}}")
    ]


def _x_axis(history: History, at: Numbers, view: CurveView) -> Spec:
    """The run so far, in whole epochs. Not as a `range`: a new one would undo the reader's zoom."""
    ends = {"minallowed": 0, "maxallowed": _end(history, at, view)}
    return value_axis(AXIS_NAMES[view.by], autorangeoptions=ends, automargin=False)


def _end(history: History, at: Numbers, view: CurveView) -> float:
    done = [1, *(step.step for step in history.steps[-1:]), *(one.step for one in history.epochs[-1:])]
    epochs = -(-max(done) // history.steps_per_epoch)
    end = position_of(history, epochs * history.steps_per_epoch, view.by, at) if len(at) else 1.0
    return round(max(float(end), 1.0), 2)


def _accuracy_start(history: History) -> int:
    """The start of the axis in percent: below all but the first steps, which lie far lower."""
    if len(history.epochs) < FROM_ZERO:
        return 0
    lows = [min(epoch.val_accuracy for epoch in history.epochs)]
    if history.steps:
        lows.append(float(np.quantile(history.column("accuracy"), FIRST_STEPS)))
    return max(0, int(100 * min(lows)) // 10 * 10)


def _lr_marks(history: History, at: Numbers, view: CurveView) -> list[Spec]:
    """A thin vertical line wherever the learning rate was changed by hand."""
    if not len(at):
        return []
    places = [position_of(history, event.step, view.by, at) for event in history.lr_changes]
    room = LR_ROOM * _end(history, at, view)
    marks = []
    for index, (x, event) in enumerate(zip(places, history.lr_changes, strict=True)):
        free = index + 1 == len(places) or places[index + 1] - x > room
        marks.append(vertical_mark(round(x, 4), MUTED_INK, f"lr ×{event.factor:.3g}" if free else ""))
    return marks


def _numbers(history: History, what: str) -> Table:
    """Every Step and Epoch event, in the order of the steps; accuracies lie in 0..1."""
    rows = [("training", step.epoch, step.step, getattr(step, what)) for step in history.steps]
    rows += [(history.monitored, e.epoch, e.step, getattr(e, f"val_{what}")) for e in history.epochs]
    columns = list(zip(*sorted(rows, key=lambda row: row[2]), strict=True)) or [(), (), (), ()]
    return dict(zip(("line", "epoch", "step", what), columns, strict=True))


def lr_title(history: History) -> str:
    """The learning rate now and at its highest, in a sentence."""
    if not history.steps:
        return "The learning rate appears here with the first steps"
    now, highest = history.steps[-1].lr, history.steps[int(history.column("lr").argmax())]
    return f"The learning rate is {now:.3g}; its highest was {highest.lr:.3g} in epoch {highest.epoch}"


def loss_title(history: History) -> str:
    """Say what the loss curves show, in a sentence."""
    if not history.epochs:
        return _first_epoch_title(history, "loss")
    what = f"{history.monitored.capitalize()} loss"
    last = history.epochs[-1]
    best = min(history.epochs, key=lambda epoch: epoch.val_loss)
    if last.epoch - best.epoch >= PATIENCE_EPOCHS and last.val_loss > 1.02 * best.val_loss:
        learned = last.train_loss < best.train_loss
        heart = ", while training loss falls: the network learns its pictures by heart" if learned else ""
        return f"{what} has risen since epoch {best.epoch} ({best.val_loss:.2f}){heart}"
    lowest = ", the lowest so far" if best is last and len(history.epochs) > 1 else ""
    return f"{what} is {last.val_loss:.2f} after epoch {last.epoch}{lowest}"


def accuracy_title(history: History) -> str:
    """Say what the accuracy curves show, in a sentence."""
    best = history.best
    if best is None:
        return _first_epoch_title(history, "accuracy")
    what = f"{history.monitored.capitalize()} accuracy"
    for milestone in MILESTONES:
        first = next((epoch for epoch in history.epochs if epoch.val_accuracy >= milestone), None)
        if first is not None:
            passed = f"{what} passes {100 * milestone:.0f} % at epoch {first.epoch}"
            return f"{passed}; the best is {percent(best.val_accuracy)} at epoch {best.epoch}"
    return f"{what} is {percent(best.val_accuracy)} at best, at epoch {best.epoch}"


def _first_epoch_title(history: History, what: str) -> str:
    if not history.steps:
        return f"The {what} appears here with the first steps"
    value = getattr(history.steps[-1], what)
    shown = percent(value) if what == "accuracy" else f"{value:.2f}"
    return f"Training {what} is {shown}; {history.monitored} follows at the end of the epoch"
