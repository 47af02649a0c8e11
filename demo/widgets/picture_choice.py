"""One picture to look at: a test picture, a drawing or an upload; the address holds which."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from PIL import Image

from cifar_core.errors import LabError
from cifar_core.images.decode import MAX_BYTES, ImageError, decode
from demo.shared.drawings import DRAWINGS
from demo.shared.host import is_public
from demo.shared.pictures import data_uri, image_tag
from demo.shared.sandbox import decode_isolated
from demo.widgets.choice import choose, write_address
from demo.widgets.data_folder import show_missing
from demo.widgets.networks import Network, draw, pictures_of
from demo.widgets.panels import plain

if TYPE_CHECKING:
    from cifar_core.data import Split
    from cifar_core.inference.preprocess import Images

SOURCES = {"test": "Test pictures", "drawing": "Drawings", "own": "Your own"}
OFFERED = 12
SMALL = "width:100%;max-width:72px;image-rendering:pixelated;border-radius:3px"
STRIP = "display:grid;grid-template-columns:repeat(auto-fill,minmax(58px,1fr));gap:.5rem;margin:0"
NO_DATA = "CIFAR-10 is not on this machine, so these are drawings."
PROMISE = "The first training downloads the photographs."


@dataclass(frozen=True)
class Picked:
    """A picture as a classifier takes it; `truth` is its class where it is known; `id` names it."""

    images: "Images"
    id: str
    truth: str | None = None


def choose_picture(network: Network, class_names: Sequence[str]) -> Picked | None:
    """The picture that the reader picked; None until there is one."""
    split = _test_split(network)
    sources = [source for source in SOURCES if source != "test" or split is not None]
    source = choose("from", "Pictures", sources, sources[0], SOURCES)
    if split is None:
        show_missing(NO_DATA, network.data_dir, PROMISE)
    if source == "own":
        return _own()
    if source == "drawing" or split is None:
        return _drawing()
    return _test_picture(split, class_names)


def _test_split(network: Network) -> "Split | None":
    try:
        with st.spinner("Opening the pictures"):
            return pictures_of(network.data, network.data_dir).test
    except LabError:
        return None


def _test_picture(split: "Split", class_names: Sequence[str]) -> Picked:
    """One of a dozen test pictures."""
    with st.container(horizontal=True, vertical_alignment="center"):
        seed = st.session_state.setdefault("offered", 0)
        st.button("Another twelve", on_click=_offer_others, args=(seed + 1,))
    offered = [str(number) for number in draw(len(split), seed, OFFERED)]
    wanted = st.query_params.get("picture", "")
    if wanted.isdecimal() and len(wanted) < 9 and int(wanted) < len(split) and wanted not in offered:
        offered = [wanted, *offered[1:]]
    names = {number: class_names[split.targets[int(number)]] for number in offered}
    pictures = [split.images[int(number)].transpose(1, 2, 0) for number in offered]
    st.html(_strip(pictures, [names[number] for number in offered]))
    words = {number: f"{place} {names[number]}" for place, number in enumerate(offered, start=1)}
    chosen = choose("picture", "Picture", offered, offered[0], words)
    return Picked(np.asarray(split.images[int(chosen)])[None], f"test {chosen}", names[chosen])


def _offer_others(seed: int) -> None:
    st.session_state["offered"] = seed
    write_address({"picture": None})


def _drawing() -> Picked:
    names = list(DRAWINGS)
    name = choose("drawing", "Drawing", names, names[0])
    return Picked([DRAWINGS[name]()], f"drawing of {name}")


def _own() -> Picked | None:
    uploaded = upload_picture("Choose a picture; its middle square is what the network sees, at 32 × 32.")
    return uploaded and Picked([uploaded[0]], f"upload {uploaded[1]}")


def upload_picture(hint: str) -> tuple[Image.Image, str] | None:
    """A picture that the reader sends, and its id; None until there is one that can be read. hint: before it.

    Any file may come, since many browsers take neither HEIC nor raw files for pictures; ours is to say what
    it is. Apple's phones are asked for pictures alone, as they then hand over HEIC as JPEG.
    """
    is_iphone = any(name in st.context.headers.get("User-Agent", "") for name in ("iPhone", "iPad"))
    kind = "image" if is_iphone else None
    upload = st.file_uploader("A picture", kind, key="own-picture", max_upload_size=MAX_BYTES >> 20)
    if upload is None:
        st.caption(hint)
        return None
    try:
        decoded = (decode_isolated if is_public() else decode)(upload.getvalue())
    except ImageError as error:
        st.error(plain(str(error)))
        return None
    for note in decoded.notes:
        st.caption(plain(note))
    return decoded.image, upload.file_id


def _strip(pictures: Sequence[np.ndarray], names: Sequence[str]) -> str:
    """Small pictures side by side, numbered from 1."""
    cells = "".join(
        f'<div style="text-align:center;font-size:.8rem">'
        f"{image_tag(data_uri(picture), f'Picture {place}, {name}', style=SMALL)}<br>{place}</div>"
        for place, (picture, name) in enumerate(zip(pictures, names, strict=True), start=1)
    )
    return f'<div style="{STRIP}">{cells}</div>'
