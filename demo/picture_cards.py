"""Pictures with what a network says about them, as a grid of HTML that fits any width. Pure functions."""

import base64
import html
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from demo.style import ACCENT, CURVE_INK, STATE_COLORS, TRACK, on_both
from demo.words import whole_percent

RIGHT, WRONG = on_both(STATE_COLORS["finished"]), on_both(STATE_COLORS["failed"])
GRID = "display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:1.4rem 1.2rem"
Top = Sequence[tuple[str, float]]


def picture_grid(
    pictures: Sequence[NDArray[np.uint8]],
    tops: Sequence[Top],
    truths: Sequence[str | None],
    below: Sequence[str] = (),
) -> str:
    """One card for each picture (32, 32, 3); a truth of None leaves out right and wrong.

    below: HTML that ends each card.
    """
    numbered = enumerate(zip(pictures, tops, truths, below or [""] * len(tops), strict=True), start=1)
    return f'<div style="{GRID}">{"".join(picture_card(n, *parts) for n, parts in numbered)}</div>'


def picture_card(
    number: int, picture: NDArray[np.uint8], top: Top, truth: str | None, below: str = ""
) -> str:
    """The picture without smoothing, the verdict in a word, and a bar for each class of `top`."""
    alt = f"Picture {number}" + (f", {html.escape(truth)}" if truth else "")
    image = (
        f'<img src="{data_uri(picture)}" alt="{alt}" '
        'style="width:96px;height:96px;image-rendering:pixelated;border-radius:4px">'
    )
    bars = "".join(_bar(label, probability) for label, probability in top)
    return f"<div>{image}{_verdict(number, top, truth)}{bars}{below}</div>"


def course_line(course: Sequence[float], words: str) -> str:
    """Shares in 0..1 from the first to the last as a small line, 0 at its foot; `words` say what it shows."""
    width, height = 100, 24
    right, top = width / (len(course) - 1), height - 3
    dots = " ".join(f"{n * right:.1f},{height - 2 - top * share:.1f}" for n, share in enumerate(course))
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" preserveAspectRatio="none">'
        f'<path d="M0 {height - 1}H{width}" stroke="{CURVE_INK}" stroke-opacity=".4"/>'
        f'<polyline points="{dots}" fill="none" stroke="{ACCENT}" stroke-width="2" '
        'vector-effect="non-scaling-stroke"/></svg>'
    )
    said = html.escape(words)
    address = f"data:image/svg+xml;base64,{base64.b64encode(drawing.encode()).decode()}"
    style = f"display:block;width:100%;height:{height}px;margin-top:.4rem"
    return f'<img src="{address}" alt="{said}" title="{said}" style="{style}">'


def data_uri(picture: NDArray[np.uint8]) -> str:
    """A picture (H, W, 3) uint8 as a PNG inside an address."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _verdict(number: int, top: Top, truth: str | None) -> str:
    if truth is None:
        word, color = top[0][0], "inherit"
    elif top[0][0] == truth:
        word, color = f"right: {truth}", RIGHT
    else:
        word, color = f"wrong: it is {truth}", WRONG
    return (
        f'<div style="color:{color};font-weight:600;margin:.3rem 0 .2rem">'
        f'<span style="font-weight:400">{number}</span> {html.escape(word)}</div>'
    )


def _bar(label: str, value: float) -> str:
    fill = f'<div style="width:{100 * value:.1f}%;height:4px;background:{ACCENT}"></div>'
    return (
        f'<div style="display:flex;justify-content:space-between;font-size:.85rem">'
        f"<span>{html.escape(label)}</span><span>{html.escape(whole_percent(value))}</span></div>"
        f'<div style="background:{TRACK};margin-bottom:.25rem">{fill}</div>'
    )
