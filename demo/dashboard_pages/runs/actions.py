"""What can be done with the ticked runs: open, resume, label, download, export, delete."""

import io
import zipfile
from pathlib import Path

import streamlit as st

from cifar_core.config import ConfigError
from cifar_core.runs import launch
from cifar_core.runs.store import Run, RunStore, StoreError
from cifar_core.runs.summary import Summary
from demo.dashboard_pages.runs.export_view import show_export
from demo.dashboard_pages.runs.label_form import show_label_form
from demo.dashboard_pages.runs.query import all_tags
from demo.dashboard_pages.runs.table import untick_all
from demo.dashboard_pages.runs.trash_view import delete_button
from demo.shared.format import RESUMABLE, labels_line
from demo.shared.host import is_public
from demo.widgets.panels import plain, show_link


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
        launch.launch(run)
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


CHECKPOINT_FILES = ("weights.safetensors", "card.json")


def has_checkpoint(run: Run) -> bool:
    """True where the run has kept weights."""
    return all((run.best_checkpoint / name).exists() for name in CHECKPOINT_FILES)


def checkpoint_archive(run: Run) -> bytes:
    """A zip with a folder that `Classifier.load` reads once unpacked, and the run's settings in it.

    Raises:
        OSError: when a file is gone, as while a better checkpoint takes the place of this one.
    """
    files = [run.best_checkpoint / name for name in CHECKPOINT_FILES]
    buffer = io.BytesIO()
    # stored: weights hardly shrink, and packing them would take seconds
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path in (*files, run.path / "config.json"):
            archive.writestr(f"{run.id}/{path.name}", path.read_bytes())
    return buffer.getvalue()


def events_of(run: Run) -> bytes:
    """events.jsonl as it is now, without a last line that is still being written."""
    content = _bytes(run.path / "events.jsonl")
    return content[: content.rfind(b"\n") + 1]


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""
