"""A run's name, tags and note: how they are shown, and the form that changes them."""

import streamlit as st

from cifar_core.runs.labels import NAME_LETTERS, NOTE_LETTERS, Labels, read_labels, tags_in, write_labels
from cifar_core.runs.store import Run, StoreError
from demo.widgets.panels import plain

TAGS_HELP = "Words by which runs are found, with spaces between: baseline wide; at most eight."


def tags_help(known: list[str]) -> str:
    """What to type, and the tags that other runs have."""
    return f"{TAGS_HELP} In use: {', '.join(known)}." if known else TAGS_HELP


def show_label_form(run: Run, known_tags: list[str]) -> None:
    """Name, tags and note in a form with one button; what cannot be kept is said beneath it."""
    try:
        labels = read_labels(run)
    except StoreError as error:
        labels = Labels()
        st.error(plain(f"{error} Save writes it anew."))
    with st.form(f"labels:{run.id}", border=False):
        name = st.text_input("Name", labels.name, NAME_LETTERS, placeholder="by recipe and time")
        tags = st.text_input("Tags", " ".join(labels.tags), help=plain(tags_help(known_tags)))
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
