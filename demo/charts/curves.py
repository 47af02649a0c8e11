"""Loss and accuracy of one run: training a thin line that moves within the epoch, validation a thick one."""

import math
from dataclasses import dataclass

import numpy as np

from cifar_core.runs.history import History
from demo.charts.figure import Chart, Option, plain_option, points, value_axis
from demo.charts.x_axis import AXIS_NAMES, Numbers, epoch_positions, position_of, smoothed, step_positions
from demo.shared.format import percent
from demo.shared.palette import MUTED_INK

MILESTONES = (0.95, 0.94, 0.93, 0.92, 0.91, 0.90, 0.85, 0.80, 0.70, 0.60, 0.50, 0.40, 0.30, 0.20)
PATIENCE_EPOCHS = 3  # a validation loss that has not fallen for so long is worth a word
LR_CHANGED = " Dotted: somebody changed the learning rate, to so many times the schedule."
TRAINING, VALIDATION = (
    "training",
    "validation",
)  # the lines; the second one is the test where that is monitored
THIN, THICK = 1, 3  # pixels
FIRST_STEPS = 0.1  # share of the training line that may lie below the axis
LR_ROOM = 0.2  # share of the axis that the words at a changed rate take; of closer ones the last has words
FAINT = 0.3  # opacity of the single steps behind a smoothed line
SMOOTHED = " Faint: the training line before smoothing."
MARKED = 60  # validation points that are drawn as dots too
MONITORED_TEST = (
    " The test pictures were monitored, as in the work that this run repeats; nothing was chosen by them."
)


@dataclass(frozen=True)
class CurveView:
    """The view of the curves.

    by: the x axis, "epoch", "step" or "seconds"; smoothing: weight of the past in the training line, 0..1;
    log: a logarithmic axis for the loss; first, last: the epochs between which is shown, None to the end.
    """

    by: str = "epoch"
    smoothing: float = 0.0
    log: bool = False
    first: float = 0.0
    last: float | None = None
    lines: tuple[str, ...] = (TRAINING, VALIDATION)


PLAIN = CurveView()


def loss_chart(history: History, color: str, view: CurveView = PLAIN) -> Chart:
    """Cross-entropy along the run."""
    more: Option = {"type": "log", "logBase": 2} if view.log else {}
    axis = value_axis("loss (nats)", vertical=True, scale=bool(view.first or view.last), **more)
    option = _curves(history, "loss", color, 1.0, axis, view)
    reading = (
        f"Lower is better. Thin: training pictures as they pass. Thick: {history.monitored}, once an epoch."
    )
    return Chart(loss_title(history), option, reading + _note(history, view))


def accuracy_chart(history: History, color: str, view: CurveView = PLAIN) -> Chart:
    """Accuracy in percent along the run."""
    option = _curves(history, "accuracy", color, 100.0, value_axis("accuracy (%)", vertical=True), view)
    start = _accuracy_start(option["series"])
    option["yAxis"] |= {"min": start, "scale": True}
    reading = (
        "Higher is better. Where augmentation changes the training pictures, "
        f"{history.monitored} pictures stay as they are, so the thick line can lie above the thin one."
    )
    if start:
        reading += f" The axis starts at {start} %: what lies below is cut off."
    return Chart(accuracy_title(history), option, reading + _note(history, view))


def _accuracy_start(lines: list[Option]) -> int:
    """Return where the axis starts, in percent: below all but the first steps, which lie far lower."""
    lows = [np.quantile([y for _, y in line["data"]], _cut_off(line)) for line in lines if line["data"]]
    return max(0, math.floor(min(lows, default=0.0) / 10) * 10)


def _cut_off(line: Option) -> float:
    return FIRST_STEPS if line["lineStyle"]["width"] == THIN else 0.0


def _note(history: History, view: CurveView) -> str:
    smooth = SMOOTHED if view.smoothing and TRAINING in view.lines else ""
    changed = LR_CHANGED if history.lr_changes else ""
    return smooth + changed + (MONITORED_TEST if history.monitored == "test" else "")


def _legend(history: History, view: CurveView) -> Option:
    """Return what is shown is chosen on the page: a click here would be forgotten with the next point."""
    names = [
        {"name": "training", "icon": "path://M0 3H24V4H0Z"},
        {"name": history.monitored, "icon": "path://M0 2H24V5H0Z"},
    ]
    shown = [name for name, line in zip(names, (TRAINING, VALIDATION), strict=True) if line in view.lines]
    return {"top": 0, "left": 0, "itemWidth": 24, "data": shown, "selectedMode": False}


def _curves(history: History, what: str, color: str, scale: float, y_axis: Option, view: CurveView) -> Option:
    at = step_positions(history, view.by)
    begin, end = window(history, view, at)
    raw = scale * np.array([getattr(step, what) for step in history.steps])
    epochs = np.array(epoch_positions(history, view.by), dtype=float)
    monitored = scale * np.array([getattr(epoch, f"val_{what}") for epoch in history.epochs])
    lines = []
    if TRAINING in view.lines:
        if view.smoothing:
            faint = _line("single steps", _cut(at, raw, begin, end, view), color, THIN, symbols=False)
            lines.append(faint | {"lineStyle": {"color": color, "width": THIN, "opacity": FAINT}})
        smooth = _cut(at, smoothed(raw, view.smoothing), begin, end, view)
        lines.append(_line("training", smooth, color, THIN, symbols=False))
    if VALIDATION in view.lines:
        marked = len(epochs) <= MARKED
        lines.append(
            _line(history.monitored, _cut(epochs, monitored, begin, end, view), color, THICK, symbols=marked)
        )
    if lines:
        lines[0]["markLine"] = _lr_marks(history, at, (begin, end), view)
    whole: Option = {"minInterval": 0.25} if view.by == "epoch" else {}
    axis = value_axis(AXIS_NAMES[view.by], min=begin, max=end, axisLabel={"hideOverlap": True}, **whole)
    return plain_option(axis, y_axis, lines, legend=_legend(history, view))


def window(history: History, view: CurveView, at: Numbers) -> tuple[float, float]:
    """The part of the x axis that is shown."""
    done = history.steps[-1].step if history.steps else 0
    done = max(done, history.epochs[-1].step if history.epochs else 0)
    whole = max(1, math.ceil(done / history.steps_per_epoch))
    last = min(view.last or whole, whole)
    first = min(view.first, last - 0.1)
    if view.by == "epoch":
        return first, last
    ends = (epoch * history.steps_per_epoch for epoch in (first, last))
    begin, end = (position_of(history, step, view.by, at) for step in ends)
    return round(begin, 1), round(max(end, begin + 1), 1)


def _cut(x: Numbers, y: Numbers, begin: float, end: float, view: CurveView) -> list[list[float]]:
    """The points that are shown; on a logarithmic axis those above 0."""
    shown = (x >= begin) & (x <= end)
    if view.log:
        shown &= y > 0
    return points(x[shown].tolist(), y[shown].tolist())


def _lr_marks(history: History, at: Numbers, shown: tuple[float, float], view: CurveView) -> Option:
    """A thin vertical line wherever the learning rate was changed by hand."""
    changes = [(position_of(history, event.step, view.by, at), event.factor) for event in history.lr_changes]
    seen = [(x, factor) for x, factor in changes if shown[0] <= x <= shown[1]]
    room = LR_ROOM * (shown[1] - shown[0])
    marks = []
    for index, (x, factor) in enumerate(seen):
        label = {"formatter": "{b}", "show": index + 1 == len(seen) or seen[index + 1][0] - x > room}
        marks.append({"xAxis": round(x, 4), "name": f"lr ×{factor:.3g}", "label": label})
    line = {"color": MUTED_INK, "width": 1, "type": "dotted"}
    return {"symbol": "none", "silent": True, "lineStyle": line, "data": marks}


def _line(name: str, data: list[list[float]], color: str, width: int, *, symbols: bool) -> Option:
    return {
        "type": "line",
        "name": name,
        "data": data,
        "lineStyle": {"color": color, "width": width},
        "itemStyle": {"color": color},
        "showSymbol": symbols,
        "symbol": "circle",
        "symbolSize": 6,
    }


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
