"""What can be done with the ticked runs: open, resume, label, download, export, delete."""

import streamlit as st

from cifar_core.config import ConfigError
from cifar_core.runs import launcher
from cifar_core.runs.store import Run, RunStore, StoreError
from demo.host import is_public
from demo.live_head import RESUMABLE
from demo.panels import plain, show_link
from demo.run_list.downloads import checkpoint_archive, events_of, has_checkpoint
from demo.run_list.export_view import show_export
from demo.run_list.label_form import labels_line, show_label_form
from demo.run_list.query import all_tags
from demo.run_list.table import untick_all
from demo.run_list.trash_view import delete_button
from demo.summaries import Summary


def show_actions(store: RunStore, summaries: list[Summary], chosen: list[Summary]) -> None:
    """Links and buttons for the ticked runs; more for one alone."""
    if not chosen:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        for item in chosen:
            show_link("live", f"Open {item.name}", run=item.id)
        if not is_public():
            delete_button(store, chosen)
        st.button("Untick all", on_click=untick_all, type="tertiary")
    for item in chosen:
        if item.trouble:
            st.error(plain(item.trouble))
    if len(chosen) == 1:
        show_one(store, summaries, chosen[0])


def show_one(store: RunStore, summaries: list[Summary], item: Summary) -> None:
    """The one ticked run: its words, what it gives away, and how it goes on."""
    try:
        run = store.get(item.id)
    except StoreError as error:  # deleted in another tab
        st.error(plain(str(error)))
        return
    if words := labels_line(item.labels):
        st.caption(plain(words))
    with st.container(horizontal=True):
        if item.state in RESUMABLE and not is_public():
            st.button("Resume", on_click=_resume, args=(run,), help="Go on from the last saved state.")
        show_downloads(run)
        if has_checkpoint(run) and not is_public():
            show_export(run)
    if item.shipped:
        st.caption("This run came with the project: it keeps its name and cannot be deleted.")
    elif not is_public():
        with st.expander("Name, tags and note"):
            show_label_form(run, all_tags(summaries))


def _resume(run: Run) -> None:
    try:
        launcher.launch(run)
    except (StoreError, ConfigError, OSError) as error:
        st.session_state["runs_trouble"] = [str(error)]


def show_downloads(run: Run) -> None:
    """Best weights and events; each file is made when it is asked for."""
    if has_checkpoint(run):
        st.download_button(
            "Checkpoint",
            lambda: checkpoint_archive(run),
            f"{run.id}.zip",
            "application/zip",
            key=f"checkpoint:{run.id}",
            on_click="ignore",
            icon=":material/download:",
            help="The best weights with their card and the run's settings, as a zip.",
        )
    if run.events_size():
        st.download_button(
            "Events",
            lambda: events_of(run),
            f"{run.id}.events.jsonl",
            "application/x-ndjson",
            key=f"events:{run.id}",
            on_click="ignore",
            icon=":material/download:",
            help="Everything the run told, one JSON object a line.",
        )
