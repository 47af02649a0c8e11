"""Networks and pictures, loaded once and kept for everyone who looks at the pages."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from demo.trial import load_network, load_pictures

if TYPE_CHECKING:
    from cifar_core.data import ImageData
    from cifar_core.inference import Classifier


@st.cache_resource(max_entries=3, show_spinner=False)
def network_of(folder: Path, stamp: int) -> "Classifier":
    """A loaded network; `stamp` makes better weights load anew. Raises TrialError."""
    return load_network(folder)


@st.cache_resource(max_entries=2, show_spinner=False)
def pictures_of(data: str, data_dir: Path | None) -> "ImageData":
    """A whole data set that is on this machine; nothing is downloaded. Raises TrialError."""
    return load_pictures(data, data_dir)
