"""What the Mixing page keeps loaded for everyone: networks to mix by hand, pictures, what a picture met."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from demo import kept
from demo.mixing.choice import MixingNetwork
from demo.panels import plain
from demo.trial import Network, TrialError, load_network

if TYPE_CHECKING:
    from cifar_core.data import ImageData
    from cifar_core.explain.mixing import WhatIf

MEASURED = 500  # pictures of an accuracy
LOADING = "Loading the network; the first time takes a few seconds"


@dataclass(frozen=True)
class Measured:
    """What accuracies are measured on: images (N, 3, 32, 32) uint8, targets (N,), and in words which."""

    images: NDArray[np.uint8]
    targets: NDArray[np.int64]
    words: str


@st.cache_resource(max_entries=3, show_spinner=False)
def _what_if_of(folder: Path, stamp: int) -> "WhatIf":
    from cifar_core.explain.mixing import WhatIf

    try:
        return WhatIf(load_network(folder))
    except ValueError as error:
        raise TrialError(str(error)) from None


def what_if_of(network: Network) -> "WhatIf":
    """The loaded network, kept for everyone; better weights load anew. Raises TrialError."""
    with st.spinner(LOADING):
        return _what_if_of(network.folder, network.stamp)


def pictures_of(network: Network) -> "ImageData":
    """The data set that a network belongs to, if it is on this machine; raises TrialError."""
    with st.spinner("Opening the pictures"):
        return kept.pictures_of(network.data, network.data_dir)


def opened(network: MixingNetwork) -> "WhatIf | None":
    """The loaded network; None, after a sentence on the page, where no weights can be loaded."""
    if network.weights is None:
        st.write("This run has no saved weights yet, so there is no network to ask. Its epochs can be seen.")
        return None
    try:
        return what_if_of(network.weights)
    except TrialError as error:
        st.error(plain(str(error)))
        return None


def measured_pictures(config: Mapping[str, Any], data: "ImageData", most: int = MEASURED) -> Measured:
    """At most so many validation pictures of a config, evenly spread; of the test where it set none aside."""
    from cifar_core.data.split import split_train_val

    size, seed = config.get("val_size"), config.get("split_seed", 0)
    held_out = config.get("watched") != "test"  # else the run trained on them as well
    if held_out and isinstance(size, int) and 0 < size < len(data.train) and isinstance(seed, int):
        _, numbers = split_train_val(data.train.targets, size, seed)
        split, kind = data.train, "validation"
    else:
        split, kind = data.test, "test"
        numbers = np.arange(len(split))
    chosen = numbers[np.linspace(0, len(numbers) - 1, min(most, len(numbers))).astype(int)]
    some = "all" if len(chosen) == len(numbers) else f"{len(chosen)} of the"
    words = f"{some} {len(numbers):,} {kind} pictures"
    return Measured(np.asarray(split.images[chosen]), np.asarray(split.targets[chosen]), words)
