"""The curves of a run and how it mixes, drawn anew while it goes on; the URL holds how they are looked at.

The charts themselves forget zoom and legend with each new point (Streamlit 1.67 hands ECharts the whole
option anew), so both are chosen with widgets.
"""

import math
from pathlib import Path

import streamlit as st

from cifar_core.datasets import DATA_SETS
from cifar_core.runs.history import History, HistoryReader
from cifar_core.runs.store import Run, Status, StoreError
from demo.charts import CurveView, accuracy_chart, entropy_chart, loss_chart, mixing_per_class, mixing_ribbons
from demo.widgets.choice import choose_shown
from demo.widgets.panels import show_chart

AXES = {"epoch": "Epochs", "step": "Steps", "seconds": "Seconds"}
SMOOTHING = {"0": "None", "0.6": "Some", "0.9": "Strong"}
PARTS = {"all": "All", "5": "The last five", "1": "The last", "part": "A range"}
LINES = {"training": "Training", "validation": "Validation"}
WAIT_SECONDS = 1.0  # between two looks while something is waited for: the first point, or an answer
LOOK_SECONDS = (2.0, 5.0)  # otherwise; looking more often would cost a run on two cores more than 3 %
LOOKS = 60  # at the head of a run in the time that is left
READERS = 12  # runs whose events are kept in memory, up to 30 MB each
NO_MIXING = (
    "This network has plain convolutions, so there is nothing to mix. Networks with mixing in their name "
    "combine several kernels for each picture."
)


@st.cache_resource(max_entries=READERS, show_spinner=False)
def _reader_at(path: Path) -> HistoryReader:
    return HistoryReader(Run(path))


def reader_of(run: Run) -> HistoryReader:
    """The reader of a run's events, one for everybody who looks at it: a reload need not read them anew."""
    return _reader_at(run.path)


def refreshed(run: Run) -> HistoryReader:
    """The reader with the newest events; a run that has become unreadable is drawn anew as such."""
    reader = reader_of(run)
    try:
        reader.refresh()
    except StoreError:
        st.rerun()
    return reader


def refresh_seconds(status: Status, history: History, asked: bool) -> tuple[float, float] | tuple[None, None]:
    """Seconds between two looks at the head and at the curves; a run that has ended is looked at once.

    A long run is looked at less often than a short one, and its curves only as often as there are points.
    asked: whether the run has been asked for something and has not answered yet.
    """
    if not status.active:
        return None, None
    if asked or not history.steps:
        return WAIT_SECONDS, WAIT_SECONDS
    often, seldom = LOOK_SECONDS
    head = min(seldom, max(often, (status.eta_seconds or seldom * LOOKS) / LOOKS))
    return head, min(seldom, max(head, history.seconds_a_point))


def choose_view(history: History) -> CurveView:
    """Draw the widgets; the view that they hold."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        part = choose_shown("Epochs shown", PARTS, "part")
        with st.popover("Lines and axes"):
            by, smoothing, lines, log = _curves_and_axes(history)
    first, last = _epochs(history, part)
    shown = tuple(line for line in LINES if line in lines)
    return CurveView(by, float(smoothing), log, first, last, shown or tuple(LINES))


def _curves_and_axes(history: History) -> tuple[str, str, list[str], bool]:
    """(x axis, smoothing, curves that are shown, whether the loss has a logarithmic axis)."""
    by = choose_shown("x axis", AXES, "by")
    smoothing = choose_shown("Smoothing of the training curve", SMOOTHING, "smooth")
    lines = st.pills(
        "Lines",
        list(LINES),
        format_func=lambda line: history.monitored.capitalize() if line == "validation" else LINES[line],
        selection_mode="multi",
        default=list(LINES),
        key="lines",
        bind="query-params",
    )
    log = st.toggle("Logarithmic loss", key="log", bind="query-params")
    return by, smoothing, lines, log


def _epochs(history: History, part: str) -> tuple[float, float | None]:
    """(first epoch, last epoch or None for the newest) of the part that is shown."""
    newest = max(1, math.ceil(history.steps[-1].step / history.steps_per_epoch) if history.steps else 1)
    if part == "all":
        return 0.0, None
    if part != "part":
        return max(0.0, float(newest - int(part))), None
    total = max(newest, history.start.total_steps // history.steps_per_epoch if history.start else 1)
    chosen = st.slider(
        "From epoch to epoch", 0.0, float(total), (0.0, float(total)), 0.5, key="zoom", bind="query-params"
    )
    first, last = chosen
    return first, last if last > first else None


def curves_panel(run: Run, color: str) -> None:
    """Loss and accuracy; the figures are built again only when there are new events."""
    reader = refreshed(run)
    view = choose_view(reader.history)
    kept = st.session_state.get("curves")
    mark = (run.id, color, view, reader.mark)
    if kept is None or kept[0] != mark:
        charts = (loss_chart(reader.history, color, view), accuracy_chart(reader.history, color, view))
        kept = st.session_state["curves"] = (mark, *charts)
    left, right = st.columns(2)
    with left:
        show_chart(kept[1], "loss", "Line chart: loss over epochs, training and validation")
    with right:
        show_chart(kept[2], "accuracy", "Line chart: accuracy over epochs, training and validation")


def mixing_panel(run: Run) -> None:
    """The network's mix, as of the last completed epoch."""
    history = reader_of(run).history
    if history.start is None:
        return  # whether it mixes is known when the network is built
    if not history.mixes:
        st.caption(NO_MIXING)
        return
    st.header("How it mixes")
    epochs = [epoch for epoch in history.epochs if epoch.mixing]
    if not epochs:
        st.caption("The mixing coefficients are measured at the end of each epoch.")
        return
    alt = "Stacked areas, a chart for each block: share of each kernel over epochs"
    show_chart(mixing_ribbons(epochs), "mixing", alt)
    left, right = st.columns(2)
    with left:
        per_class = mixing_per_class(epochs[-1], DATA_SETS[run.config().data].class_names)
        show_chart(per_class, "classes", "Heat map: mixing coefficients by class and kernel")
    with right:
        show_chart(entropy_chart(epochs[-1].mixing), "entropy", "Bar chart: entropy of each block's mix")
