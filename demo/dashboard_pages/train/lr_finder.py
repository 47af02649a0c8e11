"""Find a learning rate before the start: a short test in a process of its own that ends when nobody looks."""

from pathlib import Path

import streamlit as st

from cifar_core.config import TrainConfig
from cifar_core.errors import sentence_of
from cifar_core.recipes import Recipe
from cifar_core.runs.lr_finder import LrFinder, SearchFolder, launch_lr_finder
from cifar_core.runs.store import RunStore, StoreError
from demo.charts import lr_finder_chart
from demo.dashboard_pages.train.form import set_value
from demo.widgets.chart import show_chart
from demo.widgets.panels import plain

LOOK_SECONDS = 1.0
EXPLANATION = (
    "Trains for eighty steps while the learning rate grows from a ten-thousandth to ten times the one above. "
    "Nothing of it is kept, and leaving this page stops it."
)


def show_lr_finder(store: RunStore, recipe: Recipe, config: TrainConfig, data_dir: Path | None) -> None:
    """A fold-out: start, the loss against the rate, and the suggestion to take over."""
    with st.expander("Find a learning rate", key="lr_finder"):
        path = st.session_state.get("lr_finder_run")
        if path is None:
            st.caption(EXPLANATION)
            st.button("Find", on_click=start_search, args=(store, config, data_dir))
        else:
            folder = SearchFolder(Path(path))
            try:
                seconds = LOOK_SECONDS if folder.read().going_on else None
                st.fragment(_panel, run_every=seconds)(folder, recipe, seconds)
            except StoreError as error:
                st.error(plain(str(error)))
                st.button("Start over", on_click=end_search, args=(folder,))
    trouble = st.session_state.pop("lr_trouble", None)
    if trouble:
        st.error(plain(trouble))


def start_search(store: RunStore, config: TrainConfig, data_dir: Path | None) -> None:
    """Make the search's folder and start its process; a second click on the same button starts no other."""
    if "lr_finder_run" in st.session_state:
        return
    try:
        folder = SearchFolder.create(store, config, data_dir)
        launch_lr_finder(folder)
    except (StoreError, OSError) as error:
        st.session_state["lr_trouble"] = sentence_of(error)
    else:
        st.session_state["lr_finder_run"] = str(folder.path)


def end_search(folder: SearchFolder) -> None:
    """Let the process end, and forget the search."""
    folder.stop()
    st.session_state.pop("lr_finder_run", None)


def use_rate(folder: SearchFolder, recipe: Recipe, rate: float) -> None:
    """Put the rate into the form."""
    set_value(recipe, "lr", rate)
    end_search(folder)


def _panel(folder: SearchFolder, recipe: Recipe, drawn_seconds: float | None) -> None:
    search, used = folder.read(), False
    if drawn_seconds and not search.going_on:
        st.rerun()
    if search.going_on:
        folder.watch()
    st.caption(plain(describe_search(search)))
    if search.points:
        chart = lr_finder_chart(search.points, search.suggestion)
        show_chart(chart, "lr-search", "Line chart: training loss against a growing learning rate")
    with st.container(horizontal=True):
        if search.suggestion is not None:
            rate = rounded(search.suggestion)
            use = f"Use {rate:g}"
            used = st.button(use, type="primary", on_click=use_rate, args=(folder, recipe, rate))
        label = "Stop" if search.going_on else "Start over"
        ended = st.button(label, on_click=end_search, args=(folder,), key="lr-end")
    if used or ended:
        st.rerun()  # a button of a fragment draws the fragment alone, and the form lies outside


def rounded(rate: float) -> float:
    """Two digits say as much as the test knows."""
    return float(f"{rate:.2g}")


def describe_search(search: LrFinder) -> str:
    """A sentence about what the search does or found."""
    if search.state == "waiting":
        return "Waiting until the device is free."
    if search.state == "failed":
        return f"The search failed. {search.message}"
    steps = len(search.points)
    if search.going_on:
        return f"Step {steps} of 80." if steps else "Reading the pictures and building the network."
    if search.suggestion is None:
        return f"The loss hardly fell in {steps} steps: there is no rate to suggest."
    return f"{steps} steps; the present setting is {search.base:g}."
