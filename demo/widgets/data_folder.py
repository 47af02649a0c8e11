"""The folder of the photographs: what is wrong with it, and what a page says where they are missing."""

import os
from pathlib import Path

import streamlit as st

from cifar_core.data.dataset import DataError
from cifar_core.data.sources import find_local
from cifar_core.datasets import CIFAR10, DataSet
from cifar_core.errors import sentence_of
from demo.widgets.panels import plain


def named_folder(folder: Path | str | None = None) -> tuple[Path | None, str]:
    """(the folder that is given, or else CIFAR_DATA's; the variable's name in front of it, if it is that)."""
    if folder:
        return Path(folder).expanduser(), ""
    named = os.environ.get("CIFAR_DATA")
    return (Path(named).expanduser(), "CIFAR_DATA = ") if named else (None, "")


def describe_folder(folder: Path, data_set: DataSet = CIFAR10) -> tuple[bool, str]:
    """(usable, a sentence): what is found in a data folder, or what is wrong with it."""
    try:
        return True, f"Found: {find_local(folder, data_set.whole).words}"
    except (DataError, OSError) as error:
        return False, sentence_of(error)


def folder_trouble(folder: Path | str | None = None, data_set: DataSet = CIFAR10) -> str:
    """What is wrong with the folder that is given, or else with CIFAR_DATA's; "" where nothing is."""
    place, variable = named_folder(folder)
    if place is None:
        return ""
    usable, words = describe_folder(place, data_set)
    if usable:
        return ""
    fix = "Set CIFAR_DATA right, or unset it, and start the dashboard again." if variable else ""
    return f"{variable}{words} {fix}".strip()


def show_missing(instead: str, folder: Path | str | None = None, promise: str = "", error: str = "") -> None:
    """Say why there are no photographs, and what is shown `instead`.

    An error where a folder was named and is wrong. promise: what will bring the photographs where none was
    named. error: what went wrong, which names a `folder` that is wrong and says what to do about it.
    """
    if trouble := folder_trouble(folder):
        st.error(plain(f"{error if folder and error else trouble} {instead}".strip()))
    else:
        st.caption(plain(" ".join(filter(None, (error, instead, promise)))))
