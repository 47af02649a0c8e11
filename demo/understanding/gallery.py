"""Pictures with what the network said and where it looked, as a grid of HTML that fits any width."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from demo.picture_cards import RIGHT, WRONG, data_uri
from demo.understanding.colors import heated
from demo.words import whole_percent

GRID = "display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:1.2rem"
IMAGE = "flex:1 1 0;min-width:0;max-width:110px;image-rendering:pixelated;border-radius:4px"
Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Shown:
    """One picture (3, 32, 32) with its heat map (32, 32) in 0..1, or None, and what was said of it."""

    number: int
    picture: Picture
    truth: str
    said: str
    probability: float
    loss: float
    heat: NDArray[np.floating] | None = None


def gallery(shown: Sequence[Shown]) -> str:
    """A card for each."""
    return f'<div style="{GRID}">{"".join(map(_card, shown))}</div>'


def _card(one: Shown) -> str:
    picture = one.picture.transpose(1, 2, 0)
    truth, said = html.escape(one.truth), html.escape(one.said)
    images = _image(picture, f"Picture {one.number}, {truth}")
    if one.heat is not None:
        images += _image(heated(picture, one.heat), "where the network looked")
    right = one.truth == one.said
    words = f"{truth}, right" if right else f"{truth}, taken for {said}"
    return (
        f'<div><div style="display:flex;gap:4px">{images}</div>'
        f'<div style="color:{RIGHT if right else WRONG};font-weight:600;margin-top:.3rem">{words}</div>'
        f'<div style="font-size:.85rem;opacity:.8">{html.escape(whole_percent(one.probability))} sure, '
        f"loss {one.loss:.2f}</div></div>"
    )


def _image(picture: Picture, alt: str) -> str:
    return f'<img src="{data_uri(picture)}" alt="{alt}" style="{IMAGE}">'
