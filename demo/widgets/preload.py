"""Loads, once a server, what the other pages need while the first one is looked at: they open quickly."""

import importlib
import threading
import time

import streamlit as st

FOR_RUNS = ("numpy", "PIL.Image", "pandas", "pyarrow")
FOR_NETWORKS = ("torch", "cifar_core.inference.classifier", "cifar_core.models")  # two seconds of a processor
QUIET_SECONDS = 4.0  # until these: the browser first fetches the rest of the page from this process


@st.cache_resource(max_entries=1, show_spinner=False)
def preload(*pages: str) -> threading.Thread:
    """Start loading: first what lists of runs need, with the modules `pages`, then what asks a network."""
    thread = threading.Thread(target=_load, args=pages, name="preload", daemon=True)
    thread.start()
    return thread


def _load(*pages: str) -> None:
    for name in FOR_RUNS + pages:
        importlib.import_module(name)
    time.sleep(QUIET_SECONDS)
    for name in FOR_NETWORKS:
        importlib.import_module(name)
