"""Your own classes: pictures of a few things, made here or in a folder, and a network that learns them."""

from pathlib import Path

import streamlit as st

from cifar_core.config import ConfigError
from cifar_core.data.dataset import DataError, Source
from cifar_core.data.own import find_own
from cifar_core.errors import sentence_of
from cifar_core.runs.store import RunStore
from demo.dashboard_pages.own.making import choose_set, make, show_delete
from demo.dashboard_pages.own.training import show_training
from demo.shared.format import counted
from demo.shared.host import is_public
from demo.widgets.choice import choose
from demo.widgets.panels import plain, show_link, tighten_page
from demo.widgets.queue import show_queue

WAYS = {"here": "Make a set here", "folder": "A folder on this machine"}
INTRODUCTION = (
    "Teach a trained network things of your own: what lies on your desk, leaves, faces of a board game. It "
    "takes two classes or more, about fifty pictures of each, and a minute."
)
OFF = (
    "This is off on a public host, for pictures of yours should not lie on somebody else's machine. Run the "
    "dashboard on your own: it takes the two commands of the README."
)
LAYOUT = "A folder of each class, with its pictures inside: cup/…, key/…; or train/cup/… and test/cup/…"


def pictures_here(store: RunStore) -> Path | None:
    """The folder of a set that is made on this page."""
    one = choose_set(store.root)
    if one is None:
        return None
    make(one)
    show_delete(store, one)
    return one.path


def pictures_in_a_folder() -> Path | None:
    """The folder that the reader names."""
    typed = st.text_input(
        "Folder", key="own-folder", persist_state="session", placeholder="/home/me/desk"
    ).strip()
    st.caption(LAYOUT)
    return Path(typed).expanduser() if typed else None


def found_in(folder: Path) -> Source | None:
    """What can be learned from in a folder, said in a sentence; what is wrong with it, and None."""
    try:
        found = find_own(folder)
    except (DataError, OSError) as error:
        st.info(plain(sentence_of(error)))
        return None
    data_set = found.data_set
    train, test = data_set.train_images, data_set.test_images
    st.write(
        f"{len(data_set.class_names)} classes: {counted(train, 'picture')} to learn from and "
        f"{counted(test, 'picture')} for the test at the end."
    )
    return found


def show_page() -> None:
    """Pictures first, then the training."""
    st.title("Your own classes")
    st.write(INTRODUCTION)
    if is_public():
        st.info(OFF)
        show_link("try_network", "Try a trained network on a picture of yours")
        return
    store = RunStore()
    show_queue(store)
    st.header("1. Pictures")
    way = choose("from", "Pictures", list(WAYS), "here", WAYS)
    folder = pictures_here(store) if way == "here" else pictures_in_a_folder()
    if folder is None:
        return
    st.header("2. Training")
    try:
        if (found := found_in(folder)) is not None:
            show_training(store, folder, found)
    except ConfigError as error:
        st.error(plain(sentence_of(error)))


tighten_page()
show_page()
