"""Portraits of kernels: the patches of pictures that each answers more strongly than its siblings."""

import html
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cifar_core.data.cache import default_cache_dir
from cifar_core.errors import LabError, sentence_of
from cifar_core.files import PORTRAITS, checkpoints_dir
from cifar_core.inference.held_out import HeldOut, config_of, splits_of
from demo.dashboard_pages.mixing.kernel_pictures import kernel_name
from demo.dashboard_pages.mixing.networks import LOADING, MixingNetwork
from demo.shared.host import is_public
from demo.shared.pictures import data_uri, image_tag
from demo.widgets.data_folder import show_missing
from demo.widgets.evaluation_pictures import count_pictures, select_pictures
from demo.widgets.networks import Network, network_of
from demo.widgets.panels import plain

if TYPE_CHECKING:
    from cifar_core.explain.portraits import Patch, Portraits

LOOKED = 2000  # pictures, at most, that are looked through here
SIDE, GAP = 48, 4  # pixels of a drawn patch, and between two
SECONDS = 1.0  # between two moves of the progress bar
SHEET = "display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,30rem),1fr));gap:1.6rem 2.4rem"
ROWS = "display:grid;grid-template-columns:fit-content(9rem) minmax(0,1fr);gap:.5rem .8rem;align-items:center"
IMAGE = "display:block;width:100%;max-width:470px;image-rendering:pixelated"
READING = (
    "A row a kernel: the places that it answers more strongly than its siblings do, at most one a picture, "
    "the strongest first. A patch is what the kernel sees there: more of the picture in each further block."
)
MISSING = (
    "Nobody has looked for the portraits of this network yet. `python -m cifar_core prepare {}` does it."
)


def show_portraits(network: MixingNetwork) -> None:
    """The patches of all kernels of all blocks; where they were not looked for yet, a button that does it."""
    if network.weights is None:
        st.write("This run has no saved weights yet, so there are no kernels to look at.")
        return
    weights = network.weights
    found = _read(weights.folder, weights.stamp, _kept_in(weights), _mark(weights))
    try:
        if found is None:
            _look_for(weights)
            return
        card = network_of(weights.folder, weights.stamp).card
        with st.spinner("Opening the pictures"):
            pictures = select_pictures(weights, card, found.split, found.n)
    except LabError as error:
        show_missing("", weights.data_dir, error=f"The portraits are cut out of the pictures. {error}")
        return
    if pictures.key != found.pictures:
        st.write("The portraits were found in other pictures than those on this machine.")
        return
    title, sheet = _drawn(weights.folder, weights.stamp, pictures.key, found, pictures)
    st.markdown(f"**{plain(title)}**")
    st.html(sheet)
    st.caption(f"{READING} From {count_pictures(pictures)}.")


def _kept_in(weights: Network) -> Path:
    """The folder of the portraits: the checkpoint's, or in the cache those of a shipped one without them."""
    shipped = weights.folder.parent == checkpoints_dir()
    if not shipped or (weights.folder / PORTRAITS).exists():
        return weights.folder
    return default_cache_dir() / "portraits" / weights.id


def _mark(weights: Network) -> int:
    """Changes with the portraits that are kept."""
    try:
        return (_kept_in(weights) / PORTRAITS).stat().st_mtime_ns
    except OSError:
        return 0


@st.cache_data(max_entries=20, show_spinner=False)
def _read(folder: Path, stamp: int, kept: Path, mark: int) -> "Portraits | None":
    from cifar_core.explain.portraits import read_portraits

    return read_portraits(folder, kept) if mark else None


@st.cache_data(max_entries=8, show_spinner=False)
def _drawn(folder: Path, stamp: int, key: str, _found: "Portraits", _pictures: HeldOut) -> tuple[str, str]:
    return portraits_title(_found, _pictures), portraits_html(_found, _pictures)


def portraits_title(found: "Portraits", pictures: HeldOut) -> str:
    """The kernel whose patches are most of one class, in a sentence."""
    kernels = [
        (*_most_common(patches, pictures), -kernel, block, len(patches))
        for block, own in found.blocks.items()
        for kernel, patches in enumerate(own, start=1)
    ]
    count, name, kernel, block, total = max(kernels)
    if 2 * count < total:
        return "No kernel answers to one class: look for colors, edges and textures"
    return f"Kernel {-kernel} of {block} answers most to {name}: {count} of its {total} patches"


def _most_common(patches: "list[Patch]", pictures: HeldOut) -> tuple[int, str]:
    names = Counter(pictures.class_names[pictures.targets[patch.image]] for patch in patches)
    name, count = names.most_common(1)[0]
    return count, name


def portraits_html(found: "Portraits", pictures: HeldOut) -> str:
    """A part for each block, in it a row for each kernel."""
    parts = []
    for block, kernels in found.blocks.items():
        boxes = [patch.box for patches in kernels for patch in patches]
        side = max(max(bottom - top, right - left) for top, left, bottom, right in boxes)
        rows = "".join(_row(kernel, patches, side, pictures) for kernel, patches in enumerate(kernels))
        size = f'<span style="opacity:.7;font-size:.8rem">{side} × {side} pixels</span>'
        parts.append(
            f'<section><h3 style="font-size:1rem;padding:0 0 .4rem">{html.escape(block)} {size}</h3>'
            f'<div style="{ROWS}">{rows}</div></section>'
        )
    return f'<div style="{SHEET}">{"".join(parts)}</div>'


def _row(kernel: int, patches: "list[Patch]", side: int, pictures: HeldOut) -> str:
    names = [pictures.class_names[pictures.targets[patch.image]] for patch in patches]
    strip = data_uri(np.concatenate([drawn_patch(patch, side, pictures) for patch in patches], axis=1))
    alt = f"Patches of kernel {kernel + 1}, from pictures of: {', '.join(names)}"
    count, name = _most_common(patches, pictures)
    note = f"{name}: {count} of {len(patches)}" if 2 * count >= len(patches) else ""
    return kernel_name(f"kernel {kernel + 1}", note, kernel) + image_tag(strip, alt, style=IMAGE)


def drawn_patch(patch: "Patch", side: int, pictures: HeldOut) -> NDArray[np.uint8]:
    """The patch enlarged, RGBA; what lies outside of its picture is transparent, and so is the gap behind."""
    top, left, bottom, right = patch.box
    pixels = pictures.images[patch.image, :, top:bottom, left:right].transpose(1, 2, 0)
    whole = np.zeros((side, side, 4), np.uint8)
    down = side - (bottom - top) if top == 0 else 0
    across = side - (right - left) if left == 0 else 0
    own = whole[down : down + bottom - top, across : across + right - left]
    own[..., :3], own[..., 3] = pixels, 255
    times = max(1, SIDE // side)
    large = whole.repeat(times, axis=0).repeat(times, axis=1)
    return np.pad(large, ((0, 0), (0, GAP), (0, 0)))


@dataclass
class Looking:
    """A search under way, in a thread of its own; `trouble` says how it failed."""

    done: int = 0
    total: int = 1
    trouble: str = ""
    thread: threading.Thread | None = None

    def begin(self, weights: Network, pictures: HeldOut) -> None:
        """Start it."""
        self.thread = threading.Thread(target=self._look, args=(weights, pictures), daemon=True)
        self.thread.start()

    @property
    def is_under_way(self) -> bool:
        """True until it has ended."""
        return self.thread is not None and self.thread.is_alive()

    def _look(self, weights: Network, pictures: HeldOut) -> None:
        import torch

        from cifar_core.explain.portraits import find_portraits, write_portraits
        from cifar_core.inference.classifier import Classifier

        torch.set_num_threads(1)  # a run may be training beside this page
        try:
            own = Classifier.load(weights.folder, device="cpu")  # others may ask the page's one meanwhile
            found = find_portraits(own, pictures, progress=self._note)
            folder = _kept_in(weights)
            folder.mkdir(parents=True, exist_ok=True)
            write_portraits(folder, found)
        except (LabError, OSError) as error:
            self.trouble = sentence_of(error)

    def _note(self, done: int, total: int) -> None:
        self.done, self.total = done, total


@st.cache_resource(max_entries=20, show_spinner=False)
def _looking(network: str, stamp: int) -> Looking:
    """The search for a network's portraits, one for everyone."""
    return Looking()


def _look_for(weights: Network) -> None:
    """A button that starts the search, then how far it is; raises LabError where there are no pictures."""
    looking = _looking(weights.id, weights.stamp)
    if looking.is_under_way:
        st.fragment(_show_progress, run_every=SECONDS)(looking)
        return
    shipped = weights.folder.parent == checkpoints_dir()
    st.write(MISSING.format(weights.id if shipped else weights.folder))
    if looking.trouble:
        st.error(plain(looking.trouble))
    if is_public():
        return
    with st.spinner(LOADING):
        card = network_of(weights.folder, weights.stamp).card
        pictures = select_pictures(weights, card, splits_of(config_of(card))[0], LOOKED)
    if st.button(f"Look for them in {count_pictures(pictures)}"):
        looking.trouble = ""
        looking.begin(weights, pictures)
        st.rerun()


def _show_progress(looking: Looking) -> None:
    if not looking.is_under_way:
        st.rerun()
    words = f"Looking: {looking.done:,} of {looking.total:,} pictures. You may leave this page meanwhile."
    st.progress(looking.done / looking.total, text=words)
