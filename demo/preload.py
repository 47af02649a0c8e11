"""Loads, once a server, what the other pages need while the first one is looked at: they open quickly."""

import importlib
import threading

import streamlit as st

MODULES = ("numpy", "PIL.Image", "pandas", "pyarrow", "demo.run_list.actions", "demo.run_list.table")


@st.cache_resource(max_entries=1, show_spinner=False)
def preload() -> threading.Thread:
    """Start loading; torch is left to the pages that ask a network."""
    thread = threading.Thread(target=_load, name="preload", daemon=True)
    thread.start()
    return thread


def _load() -> None:
    for name in MODULES:
        importlib.import_module(name)
