"""One run as it happens: its state and buttons, its curves, how it mixes; found again by `?run=ID`."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from cifar_core.datasets import DATA_SETS
from cifar_core.runs.events import Epoch
from cifar_core.runs.history import History, HistoryReader
from cifar_core.runs.queue import active_runs
from cifar_core.runs.store import Run, RunStore, Status, StoreError
from cifar_core.runs.summary import labels_of, name_of, rank_of
from demo.charts import (
    accuracy_chart,
    entropy_chart,
    loss_chart,
    mixing_per_class,
    mixing_ribbons,
    run_color,
)
from demo.dashboard_pages.live.alerts import looks, name_tab, show_plateau, tell_the_end
from demo.dashboard_pages.live.curve_view import choose_view
from demo.dashboard_pages.live.details import show_details
from demo.dashboard_pages.live.head import show_controls, show_outcome, show_progress
from demo.dashboard_pages.live.pictures import show_pictures
from demo.shared.format import describe_sizes
from demo.widgets.panels import plain, show_chart, show_head, show_link, tighten_page
from demo.widgets.run_status import labels_line

Landmarks = tuple[str, bool, bool, bool, int]
READERS = 12  # runs whose events are kept in memory, up to 30 MB each
NO_MIXING = (
    "This network has plain convolutions, so there is nothing to mix. Recipes with mixing in their "
    "name choose between kernels for each picture."
)


def chosen_run(store: RunStore) -> Run | None:
    """The run that the URL names; without one the run under way, or else the newest, or the default's."""
    if "run" in st.query_params:
        return store.get(st.query_params["run"])
    runs = store.list()
    active = [run for run, _ in active_runs(store)]  # first the one that trains, then those that wait
    for run in [*active, *runs][:1]:
        st.query_params["run"] = run.id
        return run
    return None


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


def landmarks(run: Run, status: Status, history: History) -> Landmarks:
    """What the rest of the page depends on: state, whether it began, has a point, is asked; its epochs."""
    asked = run.waiting_request() is not None
    return status.state, history.start is not None, bool(history.steps), asked, len(history.epochs)


def head_panel(run: Run, drawn: Landmarks) -> None:
    """State, progress, buttons; draws the whole page anew when one of its landmarks changes."""
    status, reader = run.status(), refreshed(run)
    show_head(name_of(run), status.state)
    show_progress(run, status, reader.history)
    show_controls(run, status, reader.history)
    if landmarks(run, status, reader.history) != drawn:
        st.rerun()


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
    """How the network mixes, as of the last completed epoch."""
    history = reader_of(run).history
    if history.start is None:
        return  # whether it mixes is known when the network is built
    if not history.mixes:
        st.caption(NO_MIXING)
        return
    st.subheader("Where it mixes")
    if not any(epoch.mixing for epoch in history.epochs):
        st.caption("The mixing coefficients are measured at the end of each epoch.")
    else:
        measured = [epoch for epoch in history.epochs if epoch.mixing]
        _mixing_charts(measured, DATA_SETS[run.config().data].class_names)


def _mixing_charts(epochs: list[Epoch], class_names: Sequence[str]) -> None:
    alt = "Stacked areas, a chart for each block: share of each kernel over epochs"
    show_chart(mixing_ribbons(epochs), "mixing", alt)
    left, right = st.columns(2)
    with left:
        per_class = mixing_per_class(epochs[-1], class_names)
        show_chart(per_class, "classes", "Heat map: mixing coefficients by class and kernel")
    with right:
        show_chart(entropy_chart(epochs[-1].mixing), "entropy", "Bar chart: entropy of each block's mix")


def show_page(store: RunStore) -> None:
    """The run; without one, a sentence and where to go."""
    try:
        run = chosen_run(store)
        if run is not None:
            show_run(store, run)
            return
    except StoreError as error:  # there is none of that name, or it was deleted while the page was drawn
        st.title("Live")
        st.error(plain(str(error)))
    else:
        st.title("Live")
        st.write("No run yet. Choose a recipe and press Train: it appears here.")
    show_link("train", "Train a network")
    show_link("runs", "See all runs")


def show_run(store: RunStore, run: Run) -> None:
    """A run that can be read, or what is wrong with it."""
    status = run.status()
    try:
        reader_of(run).refresh()
        trouble = status.message if status.state == "damaged" else ""
    except StoreError as error:
        trouble = str(error)
    if trouble:
        show_head(name_of(run), "damaged")
        st.error(plain(f"This run cannot be shown. {trouble}"))
        show_link("runs", "See all runs")
    else:
        show_panels(store, run, status)


def show_panels(store: RunStore, run: Run, status: Status) -> None:
    """The whole page; the two panels that move stop asking when the run has ended."""
    history = reader_of(run).history
    head_seconds, curves_seconds = looks(status, history, run.waiting_request() is not None)
    if not run.shipped:
        name_tab(run, status)
    st.fragment(head_panel, run_every=head_seconds)(run, landmarks(run, status, history))
    tell_the_end(run, status)
    show_plateau(status, history)
    show_outcome(run, status, history)
    if words := labels_line(labels_of(run)):
        st.caption(plain(words))
    st.fragment(curves_panel, run_every=curves_seconds)(run, run_color(rank_of(store, run)))
    config = run.config()
    if sentence := describe_sizes([config.image_size(epoch) for epoch in range(1, config.epochs + 1)]):
        st.caption(sentence)
    mixing_panel(run)
    show_pictures(run, status, history)
    show_details(run, history)


tighten_page(still=True)
show_page(RunStore())
