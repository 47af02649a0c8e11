"""The pictures that use each kernel of a block most, found among validation pictures on demand."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cifar_core.errors import LabError
from cifar_core.inference.held_out import HeldOut
from demo.dashboard_pages.mixing.kernel_pictures import kernel_name
from demo.dashboard_pages.mixing.networks import MEASURED, MixingNetwork, measured_pictures, opened
from demo.shared.pictures import data_uri, image_tag, sheet
from demo.widgets.choice import choose
from demo.widgets.data_folder import show_missing
from demo.widgets.evaluation_pictures import count_pictures
from demo.widgets.panels import plain

AT_ONCE = 50  # pictures between two moves of the progress bar
FAVORITES = 8
ROWS = "display:grid;grid-template-columns:7rem minmax(0,1fr);gap:.6rem .8rem;align-items:center"
IMAGE = "display:block;width:100%;max-width:520px;image-rendering:pixelated"

Found = tuple[HeldOut, dict[str, NDArray[np.float32]]]  # the pictures; block -> coefficients (N, K)


def show_favorites(network: MixingNetwork) -> None:
    """After a button is pressed: for each kernel of a block its pictures."""
    if network.weights is None:
        return
    st.header("The pictures that use a kernel most")
    found = _cached(network.id, network.weights.stamp)
    if not found:
        if not st.button(f"Look through {MEASURED} pictures"):
            st.caption("The network classifies each of them once; this takes a few seconds.")
            return
        if looked := _look_through(network):
            found.append(looked)
            st.rerun()
        return
    measured, mixing = found[0]
    blocks = list(mixing)
    block = choose("block", "Block", blocks, blocks[-1])
    places = favorites(mixing[block])
    classes = [[measured.class_names[measured.targets[place]] for place in row] for row in places]
    st.markdown(f"**{plain(favorites_title(block, classes))}**")
    st.html(favorites_html(measured, mixing[block], places, classes))
    st.caption(
        f"From {count_pictures(measured)}: for each kernel of {block}, the {FAVORITES} pictures in which its "
        "share is largest, in descending order."
    )


@st.cache_resource(max_entries=8, show_spinner=False)  # of about 2 MB each
def _cached(network: str, stamp: int) -> list[Found]:
    """The found pictures, for everyone; empty until they were looked for."""
    return []


def favorites(coefficients: NDArray[np.float32], count: int = FAVORITES) -> NDArray[np.int64]:
    """(K, count): for each kernel the pictures of coefficients (N, K) with the largest, in that order."""
    return np.argsort(-coefficients, axis=0, kind="stable")[:count].T


def favorites_title(block: str, classes: Sequence[Sequence[str]]) -> str:
    """The kernel whose pictures are most of one class; `classes` are those of each kernel's pictures."""
    tops = [(*Counter(row).most_common(1)[0], kernel) for kernel, row in enumerate(classes)]
    name, count, kernel = max(tops, key=lambda item: (item[1], -item[2]))
    of = len(classes[kernel])
    if 2 * count < of:
        return f"No kernel of {block} prefers one class: its pictures share something else"
    return f"Kernel {kernel + 1} of {block} is used most for {name}: {count} of its {of} pictures"


def favorites_html(
    measured: HeldOut,
    coefficients: NDArray[np.float32],
    places: NDArray[np.int64],
    classes: Sequence[Sequence[str]],
) -> str:
    """A row for each kernel: its name, its range of shares, its pictures."""
    rows = []
    for kernel, row in enumerate(places):
        shares = 100 * coefficients[row, kernel]
        image = data_uri(sheet([list(measured.images[row].transpose(0, 2, 3, 1))]))
        name = kernel_name(f"kernel {kernel + 1}", f"{shares[0]:.0f} to {shares[-1]:.0f} %", kernel)
        alt = f"Kernel {kernel + 1}: {', '.join(classes[kernel])}"
        rows.append(name + image_tag(image, alt, style=IMAGE))
    return f'<div style="{ROWS}">{"".join(rows)}</div>'


def _look_through(network: MixingNetwork) -> Found | None:
    """The coefficients of the pictures; None, after a sentence on the page, where there is none to ask."""
    what_if = opened(network)
    if what_if is None or network.weights is None:
        return None
    try:
        measured = measured_pictures(network.weights, what_if.card)
    except LabError as error:
        show_missing("", network.weights.data_dir, error=f"This needs labeled pictures. {error}")
        return None
    bar, total = st.progress(0.0, text="Classifying"), len(measured)
    rows: dict[str, list[list[float]]] = {block: [] for block in what_if.blocks}
    for start in range(0, total, AT_ONCE):
        for prediction in what_if.predict(measured.images[start : start + AT_ONCE]):
            for block, coefficients in prediction.mixing.items():
                rows[block].append(coefficients)
        done = min(total, start + AT_ONCE)
        bar.progress(done / total, text=f"{done:,} of {total:,} pictures")
    arrays = {block: np.array(values, dtype=np.float32) for block, values in rows.items()}
    return measured, arrays
