"""The runs that train and wait now, each with a link to its page."""

import streamlit as st

from cifar_core.runs.queue import active_runs
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore, Status, StoreError
from cifar_core.runs.summary import name_of
from demo.shared.format import counted, progress_of
from demo.shared.host import is_public
from demo.widgets.panels import plain, show_link

LOOK_SECONDS = 2.0


def show_queue(store: RunStore) -> None:
    """A line for each run under way; nothing where there is none."""
    if active_runs(store):
        st.fragment(_panel, run_every=LOOK_SECONDS)(store)


def _panel(store: RunStore) -> None:
    runs = active_runs(store)
    if not runs:
        st.rerun()
    with st.container(border=True):
        st.markdown(plain(describe_queue([status for _, status in runs])))
        for run, status in runs:
            _row(run, status)
    trouble = st.session_state.pop("queue_trouble", None)
    if trouble:
        st.error(plain(trouble))


def describe_queue(statuses: list[Status]) -> str:
    """The number of runs that train and wait, and what that means for the next one."""
    waiting = sum(status.state == "waiting" for status in statuses)
    training = len(statuses) - waiting
    if not training:
        return f"{counted(waiting, 'training')} about to start."
    line = f", {waiting} in line" if waiting else ""
    return f"{counted(training, 'training')} under way{line}; a new run waits for its turn."


def _row(run: Run, status: Status) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        show_link("live", name_of(run), run=run.id)
        st.caption(plain(progress_of(status)[1]))
        if status.state == "waiting" and not is_public():
            st.button("Withdraw", key=f"withdraw:{run.id}", on_click=_withdraw, args=(run,))


def _withdraw(run: Run) -> None:
    try:
        run.request("stop")
    except StoreError as error:
        st.session_state["queue_trouble"] = str(error)
