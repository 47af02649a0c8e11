"""Deleting runs with undo: the button, the sentence that stays until the next action, and the trash."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import streamlit as st

from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore, StoreError
from cifar_core.runs.summary import Summary, name_of
from cifar_core.runs.trash import KEEP_DAYS, Deleted, delete_run, list_deleted, remove_for_good, restore_run
from demo.dashboard_pages.runs.table import tick
from demo.shared.format import counted, file_size, listed
from demo.widgets.panels import plain

T = TypeVar("T")
NOTICE, TROUBLE = "runs_deleted", "runs_trouble"


def show_notice(store: RunStore) -> None:
    """A notice of what the last action deleted, with Undo, or could not do; gone after the next action."""
    for sentence in st.session_state.pop(TROUBLE, []):
        st.error(plain(sentence))
    deleted: list[Deleted] = st.session_state.pop(NOTICE, [])
    if not deleted:
        return
    names = listed([name_of(Run(one.path)) for one in deleted[:3]])
    more = f" and {len(deleted) - 3} more" if len(deleted) > 3 else ""
    size = file_size(sum(one.size for one in deleted))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.write(plain(f"Deleted {names}{more}; {size} are freed in {KEEP_DAYS} days."))
        st.button("Undo", on_click=_each, args=(partial(restore_run, store), [one.id for one in deleted]))


def delete_button(store: RunStore, chosen: list[Summary]) -> None:
    """Deletes the ticked runs of the user's own that no process works on."""
    own = [item for item in chosen if not item.shipped]
    if not own:
        return
    tip = f"Moves to the trash and is kept there for {KEEP_DAYS} days. Stop a run that is under way first."
    label = "Delete" if len(own) == 1 else f"Delete {len(own)} runs"
    st.button(label, help=tip, on_click=_delete, args=(store, [item.id for item in own]), type="tertiary")


def _delete(store: RunStore, run_ids: list[str]) -> None:
    deleted = attempt(lambda run_id: delete_run(store, store.get(run_id)), run_ids)
    st.session_state[NOTICE] = deleted
    gone = {one.id for one in deleted}
    tick([run_id for run_id in st.query_params.get("runs", "").split(",") if run_id not in gone])


def _each(action: Callable[[str], object], run_ids: Sequence[str]) -> None:
    attempt(action, run_ids)


def attempt(action: Callable[[str], T], run_ids: Sequence[str]) -> list[T]:
    """What an action gives for each run; why it cannot be done for some is said at the head of the page."""
    done, troubles = [], []
    for run_id in run_ids:
        try:
            done.append(action(run_id))
        except StoreError as error:
            troubles.append(str(error))
    st.session_state[TROUBLE] = troubles
    return done


def show_trash(store: RunStore) -> None:
    """Deleted runs, each with the days it has left; nothing where the trash is empty."""
    deleted = list_deleted(store)
    if not deleted:
        return
    size = file_size(sum(one.size for one in deleted))
    with st.expander(f"Deleted runs ({len(deleted)}, {size})"):
        st.caption(f"Runs are removed for good {KEEP_DAYS} days after they were deleted.")
        for one in deleted:
            with st.container(horizontal=True, vertical_alignment="center"):
                left = counted(one.days_left, "day")
                st.write(plain(f"{name_of(Run(one.path))}: {file_size(one.size)}, {left} left"))
                for label, act in (("Put back", restore_run), ("Remove for good", remove_for_good)):
                    st.button(
                        label, key=f"{label}:{one.id}", on_click=_each, args=(partial(act, store), [one.id])
                    )
