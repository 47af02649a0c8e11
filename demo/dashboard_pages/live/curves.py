"""The curves of a run and how it mixes, as it goes on; the address holds how they are looked at."""

from contextlib import suppress
from pathlib import Path

import streamlit as st

from cifar_core.runs.history import History, HistoryReader
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore, Status, StoreError
from cifar_core.runs.summary import name_of, short_history
from demo.charts import (
    CurveView,
    accuracy_chart,
    entropy_chart,
    loss_chart,
    mixing_per_class,
    mixing_ribbons,
)
from demo.widgets.chart import show_chart
from demo.widgets.choice import choose_shown

AXES = {"epoch": "Epochs", "step": "Steps", "seconds": "Seconds"}
SMOOTHING = {"0": "None", "0.6": "Some", "0.9": "Strong"}
EARLIER = "An earlier run of the recipe"
WAIT_SECONDS = 1.0  # between two looks while something is waited for: the first point, or an answer
LOOK_SECONDS = (2.0, 15.0)  # otherwise; looking more often would cost a run on two cores more than 3 %
YOUNG = 20  # points of a curve that has no shape yet
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


def refresh_seconds(status: Status, points: int, asked: bool) -> float | None:
    """Seconds between two looks at a run; None for one that has ended, which is looked at once.

    A long run is looked at less often than a short one, and every run often until its curves have a shape.
    points: of its curves so far. asked: whether the run has been asked for something and has not answered.
    """
    if not status.active:
        return None
    often, seldom = LOOK_SECONDS
    if asked or not points or status.state == "waiting":  # a resumed run has points before it runs
        return WAIT_SECONDS
    if points < YOUNG or status.eta_seconds is None:
        return often
    return min(seldom, max(often, status.eta_seconds / LOOKS))


def choose_view(earlier: Run | None) -> CurveView:
    """Draw the widgets; the view that they hold."""
    with st.popover("Lines and axes"):
        by = choose_shown("x axis", AXES, "by")
        smoothing = choose_shown("Smoothing of the training curve", SMOOTHING, "smooth")
        log = st.toggle("Logarithmic loss", key="log", bind="query-params")
        pale = None
        if earlier is not None and st.toggle(EARLIER, value=True, key="earlier", bind="query-params"):
            pale = name_of(earlier), short_history(earlier)
    return CurveView(by, float(smoothing), log, earlier=pale)


def earlier_run(store: RunStore, run: Run) -> Run | None:
    """The run of the same recipe and classes that began last before this one and has an epoch, if any."""
    recipe, classes = run.config().recipe, run.config().data_set.class_names
    for other in sorted(store.list(), key=lambda item: item.created, reverse=True):
        with suppress(StoreError):
            config = other.config()
            alike = config.recipe == recipe and config.data_set.class_names == classes
            if other.created < run.created and alike and short_history(other).epochs:
                return other
    return None


def show_curves(run: Run, reader: HistoryReader, color: str, earlier: Run | None) -> None:
    """Loss and accuracy; built again only when there are new events."""
    view = choose_view(earlier)
    kept = st.session_state.get("curves")
    mark = (run.id, color, view.by, view.smoothing, view.log, view.earlier is None, reader.mark)
    if kept is None or kept[0] != mark:
        charts = [chart(reader.history, color, view) for chart in (loss_chart, accuracy_chart)]
        kept = st.session_state["curves"] = (mark, *charts)
    left, right = st.columns(2)
    with left:
        show_chart(kept[1], "loss", "Line chart: loss over epochs, training and validation")
    with right:
        show_chart(kept[2], "accuracy", "Line chart: accuracy over epochs, training and validation")


def show_ribbons(run: Run, reader: HistoryReader) -> None:
    """How each block mixes, which grows with the steps; built again only when there are new events."""
    history = reader.history
    if history.start is None:
        return  # whether it mixes is known when the network is built
    if not history.mixes:
        st.caption(NO_MIXING)
        return
    st.header("How it mixes")
    if not history.has_mixing:
        st.caption("The first mixing coefficients appear here with the first steps.")
        return
    kept = st.session_state.get("ribbons")
    if kept is None or kept[0] != (run.id, reader.mark):
        kept = st.session_state["ribbons"] = ((run.id, reader.mark), mixing_ribbons(history))
    show_chart(kept[1], "mixing", "Stacked areas, a chart for each block: share of each kernel over epochs")


def show_mixing(run: Run, history: History) -> None:
    """The mix class by class and how even it is, as the last completed epoch measured it."""
    epochs = [epoch for epoch in history.epochs if epoch.mixing]
    if not epochs:
        return
    left, right = st.columns(2)
    with left:
        per_class = mixing_per_class(epochs[-1], run.config().data_set.class_names)
        show_chart(per_class, "classes", "Heat map: mixing coefficients by class and kernel")
    with right:
        show_chart(entropy_chart(epochs[-1].mixing), "entropy", "Bar chart: entropy of each block's mix")
