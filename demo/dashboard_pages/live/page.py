"""One run as it happens: its state and buttons, its curves, how it mixes; found again by `?run=ID`."""

import streamlit as st

from cifar_core.runs.history import History
from cifar_core.runs.queue import active_runs
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore, Status, StoreError
from cifar_core.runs.summary import labels_of, name_of, rank_of
from demo.charts import lr_chart, run_color
from demo.dashboard_pages.live.curves import (
    YOUNG,
    earlier_run,
    reader_of,
    refresh_seconds,
    refreshed,
    show_curves,
    show_mixing,
    show_ribbons,
)
from demo.dashboard_pages.live.details import show_details
from demo.dashboard_pages.live.head import (
    describe_plateau,
    is_starting,
    show_controls,
    show_outcome,
    show_progress,
    tab_title,
    tell_the_end,
)
from demo.dashboard_pages.live.pictures import show_pictures
from demo.shared.format import describe_sizes, labels_line
from demo.widgets.chart import show_chart
from demo.widgets.choice import name_in_address
from demo.widgets.panels import plain, scroll_up, show_head, show_link, tighten_page

Landmarks = tuple[str, bool, int, bool, bool, int]


def chosen_run(store: RunStore) -> Run | None:
    """The run that the URL names; without one the run under way, or else the newest, or the default's."""
    if "run" not in st.query_params:
        active = [run for run, _ in active_runs(store)]  # first the one that trains, then those that wait
        runs = active or store.list()
        if not runs:
            return None
        name_in_address("run", runs[0].id)
        return runs[0]
    return store.get(st.query_params["run"])


def landmarks(run: Run, status: Status, history: History) -> Landmarks:
    """What the rest of the page depends on: state, begun or not, enough points, any point, asked, epochs."""
    asked = run.waiting_request() is not None
    return (
        status.state,
        history.start is not None,
        min(len(history.steps), YOUNG) // YOUNG,
        bool(history.steps),
        asked,
        len(history.epochs),
    )


def moving_panel(run: Run, drawn: Landmarks, color: str, earlier: Run | None) -> None:
    """All that moves, in one fragment: each of them costs a browser the same, whatever is in it.

    Draws the whole page anew when one of its landmarks changes.
    """
    status, reader = run.status(), refreshed(run)
    history, config = reader.history, run.config()
    if not run.shipped:
        st.set_page_config(page_title=tab_title(run, status))
    show_head(name_of(run), status.state)
    show_progress(run, status, history)
    show_controls(run, status, history)
    if landmarks(run, status, history) != drawn:
        st.rerun()
    tell_the_end(run, status)
    if status.active and (sentence := describe_plateau(history)):
        st.info(plain(sentence))
    show_outcome(run, status, history)
    if words := labels_line(labels_of(run)):
        st.caption(plain(words))
    if is_starting(status, history):
        return
    show_curves(run, reader, color, earlier)
    if history.start is not None:
        show_chart(lr_chart(history, config), "lr", "Line chart: learning rate and its schedule")
    if sentence := describe_sizes([config.image_size(epoch) for epoch in range(1, config.epochs + 1)]):
        st.caption(sentence)
    show_ribbons(run, reader)


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
        st.write("No run yet. Choose a recipe and press Train; the run then appears here.")
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
    """The whole page; the panel that moves stops asking when the run has ended."""
    history = reader_of(run).history
    seconds = refresh_seconds(status, len(history.steps), run.waiting_request() is not None)
    color, earlier = run_color(rank_of(store, run)), earlier_run(store, run)
    st.fragment(moving_panel, run_every=seconds)(run, landmarks(run, status, history), color, earlier)
    show_mixing(run, history)
    show_pictures(run, status, history)
    show_details(run, history)


tighten_page(still=True)
show_page(RunStore())
scroll_up()
