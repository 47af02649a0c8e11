"""Choose the pictures of a run: which set, and the folder where it lies. No torch."""

import os
from pathlib import Path

import streamlit as st

from cifar_core.data.dataset import DataError
from cifar_core.data.sources import find_local
from cifar_core.datasets import DATA_SETS, DataSet
from cifar_core.recipes import Recipe
from cifar_core.runs.store import RunStore, last_folder
from demo.shared.host import is_public
from demo.widgets.panels import plain

SYNTHETIC_TEXT = (
    "2,000 drawn shapes, generated on the spot, to see how everything works; accuracy on them says nothing "
    "about photographs."
)
DOWNLOAD_TEXT = (
    "Without a folder, the run first downloads {} from the Hugging Face Hub (about 150 MB, cached for "
    "the next time). If you already have it, enter its folder."
)
DOWNLOAD_HERE = (
    "The first run here downloads {} from the Hugging Face Hub (about 150 MB); later ones reuse it."
)


def choose_data(store: RunStore, recipe: Recipe) -> tuple[str, Path | None, bool]:
    """(the config's `data`, the folder if one is named, whether training can start)."""
    st.header("2. Pictures")
    options = list(DATA_SETS)
    data = st.radio(
        "Pictures",
        options,
        index=options.index(recipe.config.data),
        format_func=lambda name: DATA_SETS[name].summary,
        key=f"data:{recipe.name}",
        persist_state="session",
        label_visibility="collapsed",
    )
    if DATA_SETS[data].is_drawn:
        st.caption(SYNTHETIC_TEXT)
        return data, None, True
    return data, *choose_folder(store, DATA_SETS[data].whole)


def choose_folder(store: RunStore, data_set: DataSet) -> tuple[Path | None, bool]:
    """(the folder to pass on, whether it can be used): CIFAR_DATA's, the typed one, or a download."""
    if named := os.environ.get("CIFAR_DATA"):
        usable, words = describe_folder(Path(named).expanduser(), data_set)
        st.caption(plain(f"From the folder in CIFAR_DATA. {words}"))
        return None, usable
    if is_public():
        st.caption(DOWNLOAD_HERE.format(data_set.title))
        return None, True
    if "folder" not in st.session_state:
        st.session_state["folder"] = last_folder(store)
    typed = st.text_input(
        f"Folder with {data_set.title}", key="folder", persist_state="session", placeholder="empty: download"
    ).strip()
    if not typed:
        st.caption(DOWNLOAD_TEXT.format(data_set.title))
        return None, True
    folder = Path(typed).expanduser()
    usable, words = describe_folder(folder, data_set)
    (st.caption if usable else st.error)(plain(words))
    return folder, usable


def describe_folder(folder: Path, data_set: DataSet) -> tuple[bool, str]:
    """(usable, a sentence): what is found in a data folder, or what is wrong with it."""
    try:
        return True, f"Found: {find_local(folder, data_set).words}"
    except (DataError, OSError) as error:
        return False, str(error)
