"""A set of own classes in the making: name them, drop pictures or take them, see what a network will see."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from cifar_core.data.dataset import DataError
from cifar_core.data.own_pictures import OwnSet, create_set, own_sets
from cifar_core.errors import LabError, reason_of, sentence_of
from cifar_core.images.decode import MAX_BYTES, decode, fit_square, open_image
from cifar_core.runs.own_traces import forget_pictures
from cifar_core.runs.store import RunStore
from demo.shared.format import counted
from demo.shared.pictures import data_uri, image_tag
from demo.widgets.camera import take_pictures
from demo.widgets.choice import choose, write_address
from demo.widgets.panels import plain

NEW, TROUBLE = "new", "own_trouble"
MOST_SAID = 5  # files that could not be read, by name
SEEN = 24  # pictures of a class in its strip, the newest
STRIP = "display:flex;flex-wrap:wrap;gap:3px;min-height:34px"
TILE = "width:34px;height:34px;image-rendering:pixelated;border-radius:3px"
WANTED = "About fifty pictures of each class are enough; ten already show something."
STAY = (
    "The pictures stay on this machine, in the folder of your runs, without what a camera writes beside "
    "them. No page sends them anywhere."
)


def choose_set(root: Path) -> OwnSet | None:
    """The set that is worked on; None until there is one."""
    if trouble := st.session_state.pop(TROUBLE, ""):
        st.error(plain(trouble))
    sets = {one.name: one for one in own_sets(root)}
    options = [*sets, NEW]
    chosen = choose("set", "Set of pictures", options, options[0], {NEW: "A new set"}, "select", 320)
    if chosen in sets:
        return sets[chosen]
    with st.form("new-set", clear_on_submit=True, border=False):
        name = st.text_input(
            "What shall the new set be called?", placeholder="My desk", max_chars=60, width=320
        )
        pressed = st.form_submit_button("Make the set")
    if pressed and (made := _said(create_set, root, name)):
        write_address({"set": made.name})
        st.rerun()
    return None


def make(one: OwnSet) -> None:
    """Its classes, one below the other, then room for another."""
    st.caption(STAY)
    classes = one.classes()
    for name, files in classes.items():
        show_class(one, name, files)
    with st.form("new-class", clear_on_submit=True, border=False):
        words = "A class, such as the name of a thing" if len(classes) < 2 else "Another class"
        name = st.text_input(words, placeholder="cup", max_chars=60, width=320)
        if st.form_submit_button("Add the class") and _said(one.add_class, name, done=True):
            st.rerun()
    if len(classes) < 2:
        st.info("A network tells classes apart: there must be at least two. " + WANTED)


def show_class(one: OwnSet, name: str, files: Sequence[Path]) -> None:
    """One class: how many pictures, what the network sees of the newest, and three ways to more or fewer."""
    st.subheader(plain(f"{name}: {counted(len(files), 'picture')}"), anchor=False)
    st.html(_strip(files[-SEEN:], name))
    place = f"{one.path}:{name}"
    for words in st.session_state.pop(f"said:{place}", ()):
        st.warning(plain(words))
    take, drop, away = st.tabs(["Drop pictures", "Take pictures", "Delete"])
    with take:
        round_ = st.session_state.setdefault(f"round:{place}", 0)
        words = f"Pictures of {name}"
        added = st.file_uploader(
            words,
            accept_multiple_files=True,
            key=f"drop:{place}:{round_}",
            max_upload_size=MAX_BYTES >> 20,
            label_visibility="collapsed",
        )
        if added:
            st.session_state[f"round:{place}"] = round_ + 1  # an empty place for the next ones
            _add(one, name, [(file.name, file.getvalue()) for file in added])
    with drop:
        is_open = st.toggle("Camera", key=f"camera:{place}")
        if is_open and (shots := take_pictures(name, f"shots:{place}")):
            _add(one, name, [("A picture", content) for content in shots])
    with away:
        words = f"Delete {name} with its {counted(len(files), 'picture')}"
        st.button(plain(words), key=f"away:{place}", on_click=one.remove_class, args=(name,))


def _add(one: OwnSet, name: str, files: Sequence[tuple[str, bytes]]) -> None:
    """Keep what can be read of (name, content), and show the class anew, with what could not."""
    said, known = [], 0
    for file, content in files:
        try:
            known += not one.add(name, content, decode(content))
        except (LabError, OSError) as error:
            said.append(f"{file}: {sentence_of(error)}")
    if len(said) > MOST_SAID:
        said[MOST_SAID:] = [f"{len(said) - MOST_SAID} more could not be read."]
    if known:
        said.append(f"{counted(known, 'picture')} of these are in the set already.")
    st.session_state[f"said:{one.path}:{name}"] = said
    st.rerun()


def _strip(files: Sequence[Path], name: str) -> str:
    """The pictures as the network will see them, side by side."""
    tiles = "".join(image_tag(_seen(str(path)), f"A picture of {name}", style=TILE) for path in files)
    return f'<div style="{STRIP}">{tiles}</div>'


@st.cache_data(max_entries=5000, show_spinner=False)
def _seen(path: str) -> str:
    return data_uri(np.asarray(fit_square(open_image(path))))


def _said(call: Any, *arguments: Any, done: Any = None) -> Any:
    """What a call gives, or `done` where it gives nothing; its refusal is said, and gives None."""
    try:
        return call(*arguments) or done
    except DataError as error:
        st.error(plain(str(error)))
        return None


def show_delete(store: RunStore, one: OwnSet) -> None:
    """Delete the set with all that is kept of its pictures, after a second press."""
    with st.expander("Delete this set"):
        st.write(
            "Its pictures go, and what the cache and the runs keep of them: decoded copies, the pictures on "
            "Live, portraits of kernels. Networks that learned from them stay."
        )
        st.button(
            plain(f"Delete {one.name} now"), key=f"delete:{one.path}", on_click=_delete, args=(store, one)
        )


def _delete(store: RunStore, one: OwnSet) -> None:
    try:
        forget_pictures(store, one.path)
        one.delete()
    except OSError as error:
        st.session_state[TROUBLE] = f"'{one.name}' could not be deleted whole: {reason_of(error)}."
    write_address({"set": None})
