"""Choose the pictures of a run: which set, and the folder where it lies. No torch."""

from pathlib import Path

import streamlit as st

from cifar_core.datasets import DATA_SETS, DataSet
from cifar_core.recipes import Recipe
from cifar_core.runs.store import RunStore, last_folder
from demo.shared.host import is_public
from demo.widgets.data_folder import describe_folder, folder_trouble, named_folder
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


def choose_data(store: RunStore, recipe: Recipe) -> tuple[str, Path | None, str]:
    """(the config's `data`, the folder if one is named, why training cannot start or "")."""
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
        return data, None, ""
    return data, *choose_folder(store, DATA_SETS[data].whole)


def choose_folder(store: RunStore, data_set: DataSet) -> tuple[Path | None, str]:
    """(the folder to pass on, what is wrong with it): CIFAR_DATA's, the typed one, or a download."""
    named, variable = named_folder()
    if named:
        if trouble := folder_trouble(data_set=data_set):
            st.error(plain(trouble))
        else:
            st.caption(plain(f"{variable}{named}. {describe_folder(named, data_set)[1]}"))
        return None, trouble
    if is_public():
        st.caption(DOWNLOAD_HERE.format(data_set.title))
        return None, ""
    if "folder" not in st.session_state:
        st.session_state["folder"] = last_folder(store)
    typed = st.text_input(
        f"Folder with {data_set.title}", key="folder", persist_state="session", placeholder="empty: download"
    ).strip()
    if not typed:
        st.caption(DOWNLOAD_TEXT.format(data_set.title))
        return None, ""
    folder = Path(typed).expanduser()
    usable, words = describe_folder(folder, data_set)
    (st.caption if usable else st.error)(plain(words))
    return folder, "" if usable else words
