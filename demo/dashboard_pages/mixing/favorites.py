"""The pictures that use each kernel of a block most, found among validation pictures on demand."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cifar_core.errors import LabError
from cifar_core.inference.held_out import HeldOut
from demo.dashboard_pages.mixing.kernel_pictures import kernel_name
from demo.dashboard_pages.mixing.networks import MEASURED, MixingNetwork, measured_pictures, opened
from demo.shared.format import whole_percent
from demo.shared.pictures import data_uri, image_tag, sheet
from demo.widgets.choice import choose, write_address
from demo.widgets.data_folder import show_missing
from demo.widgets.evaluation_pictures import count_pictures
from demo.widgets.panels import plain

ALL = "all classes"
ASKED = "favorites-asked"  # in the session: a click on a chart asks for them
CLICKED, FOLLOWED = "clicked", "followed"
ALIKE = 0.05  # difference of shares that is worth no word
AT_ONCE = 50  # pictures between two moves of the progress bar
FAVORITES = 8
ROWS = "display:grid;grid-template-columns:7rem minmax(0,1fr);gap:.6rem .8rem;align-items:center"
IMAGE = "display:block;width:100%;max-width:520px;image-rendering:pixelated"

Found = tuple[HeldOut, dict[str, NDArray[np.float32]]]  # the pictures; block -> coefficients (N, K)


def pick_favorites(point: Sequence[Any]) -> None:
    """Take the block and the class of a clicked point of `mixing_per_class`; its pictures are looked for."""
    name = str(point[2]).replace("&lt;", "<")  # as plotly had to be told
    write_address({"block": str(point[0]), "of": name})
    st.session_state[ASKED] = CLICKED


def follow_click() -> None:
    """After a click on a chart that is a fragment of the page, draw all of the page, once."""
    if st.session_state.get(ASKED) == CLICKED:
        st.session_state[ASKED] = FOLLOWED
        st.rerun()


def show_favorites(network: MixingNetwork) -> None:
    """The pictures of each kernel of a block, of all classes or of one; first asked for by a click."""
    if network.weights is None:
        return
    st.header("The pictures that use a kernel most")
    seen = looked_through(network)
    if seen is None:
        asked = st.session_state.pop(ASKED, False)
        if not st.button(f"Look through {MEASURED} pictures") and not asked:
            st.caption("The network classifies each of them once. A click on a class above does it too.")
            return
        if looked := _look_through(network):
            _cached(network.id, network.weights.stamp).append(looked)
            st.rerun()
        return
    measured, mixing = seen
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    with left:
        block = choose("block", "Block", list(mixing), list(mixing)[-1])
    with right:
        name = choose("of", "Pictures of", [ALL, *measured.class_names], ALL, widget="select")
    own = np.arange(len(measured)) if name == ALL else of_class(measured, name)
    if not len(own):
        st.write(plain(f"There is no {name} among {count_pictures(measured)}."))
        return
    places = own[favorites(mixing[block][own])]
    classes = [[measured.class_names[measured.targets[place]] for place in row] for row in places]
    title = favorites_title(block, classes) if name == ALL else reach_title(block, name, mixing[block][own])
    st.markdown(f"**{plain(title)}**")
    st.html(favorites_html(measured, mixing[block], places, classes))
    st.caption(
        f"From {count_pictures(measured)}: for each kernel of {block}, the {places.shape[1]} pictures in "
        "which its share is largest, in descending order."
    )


def looked_through(network: MixingNetwork) -> Found | None:
    """The pictures that were looked through, with their coefficients; None before somebody asked for them."""
    found = _cached(network.id, network.weights.stamp) if network.weights else []
    return found[0] if found else None


def of_class(measured: HeldOut, name: str) -> NDArray[np.int64]:
    """The places of a class's pictures."""
    return np.flatnonzero(measured.targets == measured.class_names.index(name))


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


def reach_title(block: str, name: str, coefficients: NDArray[np.float32]) -> str:
    """How far the kernels of a block reach for pictures of one class, coefficients (N, K)."""
    tops = coefficients.max(axis=0)
    best, least = int(tops.argmax()), int(tops.argmin())
    if tops[best] - tops[least] < ALIKE:
        return f"Every kernel of {block} gets up to {whole_percent(tops[best])} for some {name}"
    return (
        f"For no {name} does kernel {least + 1} of {block} get more than {whole_percent(tops[least])}; "
        f"kernel {best + 1} gets up to {whole_percent(tops[best])}"
    )


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
