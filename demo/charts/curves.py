"""Loss and accuracy of one run: training a thin line that moves within the epoch, validation a thick one."""

import math

from demo.charts.figure import Chart, Option, plain_option, points, value_axis
from demo.history import History
from demo.style import MUTED_INK
from demo.words import percent

MILESTONES = (0.95, 0.94, 0.93, 0.92, 0.91, 0.90, 0.85, 0.80, 0.70, 0.60, 0.50, 0.40, 0.30, 0.20)
PATIENCE_EPOCHS = 3  # a validation loss that has not fallen for so long is worth a word
LR_CHANGED = " Dotted: somebody changed the learning rate, to so many times the schedule."
MARKED = 60  # validation points that are drawn as dots too
WATCHED_TEST = (
    " The test pictures were watched, as in the work that this run repeats; nothing was chosen by them."
)


def loss_chart(history: History, color: str, last: int = 0) -> Chart:
    """Cross-entropy over epochs; `last` shows only so many epochs, 0 all."""
    axis = value_axis("loss (nats)", vertical=True, scale=bool(last))
    option = _curves(history, "loss", color, 1.0, axis, last)
    reading = (
        f"Lower is better. Thin: training pictures as they pass. Thick: {history.watched}, once an epoch."
    )
    return Chart(loss_title(history), option, reading + _note(history))


def accuracy_chart(history: History, color: str, last: int = 0) -> Chart:
    """Accuracy in percent over epochs; `last` shows only so many epochs, 0 all."""
    axis = value_axis("accuracy (%)", vertical=True, scale=True)
    option = _curves(history, "accuracy", color, 100.0, axis, last)
    reading = (
        "Higher is better. Training pictures may be shifted and mirrored, "
        f"{history.watched} pictures never are: so the thick line can lie above the thin one."
    )
    return Chart(accuracy_title(history), option, reading + _note(history))


def _note(history: History) -> str:
    changed = LR_CHANGED if history.lr_changes else ""
    return changed + (WATCHED_TEST if history.watched == "test" else "")


def _legend(history: History) -> Option:
    names = [
        {"name": "training", "icon": "path://M0 3H24V4H0Z"},
        {"name": history.watched, "icon": "path://M0 2H24V5H0Z"},
    ]
    return {"top": 0, "left": 0, "itemWidth": 24, "data": names}


def _curves(history: History, what: str, color: str, scale: float, y_axis: Option, last: int) -> Option:
    x, y = train_series(history, what)
    end = max(1, math.ceil(x[-1]) if x else 1)
    begin = max(0, end - last) if last else 0
    recent = sum(value < begin for value in x)
    training = points(x[recent:], [scale * value for value in y[recent:]])
    epochs = [epoch for epoch in history.epochs if epoch.epoch >= begin]
    values = [scale * getattr(epoch, f"val_{what}") for epoch in epochs]
    validation = points([epoch.epoch for epoch in epochs], values)
    axis = value_axis("epoch", min=begin, max=end, minInterval=0.25, axisLabel={"hideOverlap": True})
    lines = [
        _line("training", training, color, 1, symbols=False),
        _line(history.watched, validation, color, 3, symbols=len(epochs) <= MARKED),
    ]
    lines[0]["markLine"] = _lr_marks(history, begin)
    return plain_option(axis, y_axis, lines, legend=_legend(history))


def _lr_marks(history: History, begin: float) -> Option:
    """A thin vertical line wherever the learning rate was changed by hand."""
    changes = [(event.step / history.steps_per_epoch, event.factor) for event in history.lr_changes]
    marks = [
        {"xAxis": round(x, 4), "name": f"lr ×{factor:.3g}", "label": {"formatter": "{b}"}}
        for x, factor in changes
        if x >= begin
    ]
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


def train_series(history: History, what: str) -> tuple[list[float], list[float]]:
    """The training curve: x in epochs (fractional), y = `loss` or `accuracy` of the Step events."""
    x = [step.step / history.steps_per_epoch for step in history.steps]
    return x, [getattr(step, what) for step in history.steps]


def loss_title(history: History) -> str:
    """What the loss curves show, in a sentence."""
    if not history.epochs:
        return _first_epoch_title(history, "loss")
    what = f"{history.watched.capitalize()} loss"
    last = history.epochs[-1]
    best = min(history.epochs, key=lambda epoch: epoch.val_loss)
    if last.epoch - best.epoch >= PATIENCE_EPOCHS and last.val_loss > 1.02 * best.val_loss:
        learned = last.train_loss < best.train_loss
        heart = ", while training loss falls: the network learns its pictures by heart" if learned else ""
        return f"{what} has risen since epoch {best.epoch} ({best.val_loss:.2f}){heart}"
    lowest = ", the lowest so far" if best is last and len(history.epochs) > 1 else ""
    return f"{what} is {last.val_loss:.2f} after epoch {last.epoch}{lowest}"


def accuracy_title(history: History) -> str:
    """What the accuracy curves show, in a sentence."""
    best = history.best
    if best is None:
        return _first_epoch_title(history, "accuracy")
    what = f"{history.watched.capitalize()} accuracy"
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
    return f"Training {what} is {shown}; {history.watched} follows at the end of the epoch"
