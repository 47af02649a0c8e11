"""Choose the pictures of a run: which set, and the folder where it lies. No torch."""

from pathlib import Path

import streamlit as st

from cifar_core.datasets import DATA_SETS, OWN, DataSet
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

OWN_TEXT = "Name the folder of your pictures: it has a folder of each class, named as the class is."
OWN_HERE = "Own pictures can be learned on a machine of your own only, not on this public page."


def choose_data(store: RunStore, recipe: Recipe) -> tuple[str, Path | None, str]:
    """(the config's `data`, the folder if one is named, why training cannot start or "")."""
    st.header("2. Pictures")
    sets = {OWN.name: OWN} if recipe.config.data_set.is_own else DATA_SETS
    options = list(sets)
    data = st.radio(
        "Pictures",
        options,
        index=options.index(recipe.config.data),
        format_func=lambda name: sets[name].summary,
        key=f"data:{recipe.name}",
        persist_state="session",
        label_visibility="collapsed",
    )
    if sets[data].is_own:
        return data, *choose_own_folder()
    if sets[data].is_drawn:
        st.caption(SYNTHETIC_TEXT)
        return data, None, ""
    return data, *choose_folder(store, sets[data].whole)


def choose_own_folder() -> tuple[Path | None, str]:
    """(the folder of own pictures, why it cannot be learned from or "")."""
    if is_public():
        return None, OWN_HERE
    typed = st.text_input("Folder with a folder of each class", key="own-folder", persist_state="session")
    if not typed.strip():
        return None, OWN_TEXT
    folder = Path(typed.strip()).expanduser()
    usable, words = describe_folder(folder, OWN)
    if usable:
        st.caption(plain(words))
    return folder, "" if usable else words


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
