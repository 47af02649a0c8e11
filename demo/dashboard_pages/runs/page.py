"""All runs: searched, sorted, labeled, compared, resumed, freed, deleted. The URL holds the whole view."""

import streamlit as st

from cifar_core.config import ConfigError
from cifar_core.errors import sentence_of
from cifar_core.runs import launch
from cifar_core.runs.labels import NAME_LETTERS, NOTE_LETTERS, Labels, read_labels, tags_in, write_labels
from cifar_core.runs.lr_finder import remove_old_searches
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore, StoreError
from cifar_core.runs.summary import Summary, summarize_all
from cifar_core.runs.trash import empty_trash
from demo.dashboard_pages.runs.comparison import show_comparison
from demo.dashboard_pages.runs.disk import show_disk, show_upload
from demo.dashboard_pages.runs.downloads import show_downloads
from demo.dashboard_pages.runs.sweep import show_sweeps
from demo.dashboard_pages.runs.table import all_tags, choose, tick
from demo.dashboard_pages.runs.trash import delete_button, show_notice, show_trash
from demo.shared.format import RESUMABLE, labels_line
from demo.shared.host import is_public
from demo.widgets.panels import plain, show_link, tighten_page

HOW = (
    "Tick a run to open, name, download or delete it; tick two to six to compare them. "
    "The address of this page holds the whole view: copy it to share."
)
TAGS_HELP = "Words to find runs by, separated by spaces, such as baseline wide; at most eight."


def show_page(store: RunStore) -> None:
    """The table, and beneath it what the ticked runs have to say."""
    st.title("Runs")
    if not is_public():
        show_notice(store)
        show_sweeps(store)
    summaries = summarize_all(store)
    if summaries:
        st.write(HOW)
        chosen = choose(summaries)
        show_actions(store, summaries, chosen)
        show_comparison(store, chosen)
    else:
        st.write("No runs yet: the first one that you train appears here.")
        show_link("train", "Train a network")
    if not is_public():
        empty_trash(store)
        remove_old_searches(store)
        show_disk(store)
        show_upload(store)
        show_trash(store)


def show_actions(store: RunStore, summaries: list[Summary], chosen: list[Summary]) -> None:
    """Links and buttons for the ticked runs; more for one alone."""
    if not chosen:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        for item in chosen:
            show_link("live", f"Open {item.name}", run=item.id)
        if not is_public():
            delete_button(store, chosen)
        st.button("Untick all", on_click=tick, type="tertiary")
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
        if item.state in RESUMABLE and not run.freed and not is_public():
            st.button("Resume", on_click=_resume, args=(run,), help=run.resuming)
        show_downloads(run)
    if item.state in RESUMABLE and run.freed:
        st.caption(run.resuming)
    if item.shipped:
        st.caption("This run came with the project: it keeps its name and cannot be deleted.")
    elif not is_public():
        with st.expander("Name, tags and note"):
            show_label_form(run, all_tags(summaries))


def _resume(run: Run) -> None:
    try:
        launch.launch(run)
    except (StoreError, ConfigError, OSError) as error:
        st.session_state["runs_trouble"] = [sentence_of(error)]


def show_label_form(run: Run, known_tags: list[str]) -> None:
    """Name, tags and note in a form with one button; what cannot be kept is said beneath it."""
    try:
        labels = read_labels(run)
    except StoreError as error:
        labels = Labels()
        st.error(plain(f"{error} Save overwrites it."))
    known = f" In use: {', '.join(known_tags)}." if known_tags else ""
    with st.form(f"labels:{run.id}", border=False):
        name = st.text_input("Name", labels.name, NAME_LETTERS, placeholder="by recipe and time")
        tags = st.text_input("Tags", " ".join(labels.tags), help=plain(f"{TAGS_HELP}{known}"))
        note = st.text_area("Note", labels.note, 80, NOTE_LETTERS)
        if st.form_submit_button("Save"):
            _save(run, str(name or ""), str(tags or ""), str(note or ""))


def _save(run: Run, name: str, tags: str, note: str) -> None:
    try:
        write_labels(run, Labels(" ".join(name.split()), tags_in(tags), note.strip()))
    except StoreError as error:
        st.error(plain(str(error)))
    else:
        st.rerun()


tighten_page()
show_page(RunStore())
