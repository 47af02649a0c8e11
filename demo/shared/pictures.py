"""Pictures with what a network says about them, as a grid of HTML that fits any width. Pure functions."""

import base64
import html
import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from demo.shared.format import whole_percent
from demo.shared.palette import (
    ACCENT,
    CIVIDIS,
    CURVE_INK,
    KERNEL_COLORS,
    STATE_COLORS,
    TRACK,
    color_of,
    ink_on,
    on_both,
)

Floats = NDArray[np.floating]
Colors = NDArray[np.uint8]
# ColorBrewer's RdBu, turned so that blue is negative and red positive.
DIVERGING = (
    "#053061", "#2166ac", "#4393c3", "#92c5de", "#d1e5f0", "#f7f7f7",
    "#fddbc7", "#f4a582", "#d6604d", "#b2182b", "#67001f",
)  # fmt: skip


def strengths(values: Floats) -> Colors:
    """Values (…) in 0..1 as colors (…, 3) of the sequential scale."""
    return between(values, CIVIDIS)


def signed(values: Floats, largest: float) -> Colors:
    """Values (…) from -largest to largest as colors (…, 3): blue, white at 0, red."""
    return between(0.5 + values / (2 * largest) if largest > 0 else np.full(values.shape, 0.5), DIVERGING)


def between(values: Floats, colors: Sequence[str]) -> Colors:
    """Values (…) in 0..1 as colors (…, 3), interpolated between "#RRGGBB" stops at equal distances."""
    stops = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in colors])
    places = np.linspace(0, 1, len(stops))
    channels = [np.interp(values, places, stops[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def heated(picture: Colors, heat: Floats) -> Colors:
    """The picture (H, W, 3) in gray under its heat map (H, W) in 0..1: bright where the network looked."""
    gray = picture.mean(axis=2, keepdims=True, dtype=np.float32)
    colors = 0.55 * strengths(np.linspace(0, 1, 256)).astype(np.float32)
    return (0.45 * gray + colors[(255 * heat).round().astype(np.uint8)]).round().astype(np.uint8)


def enlarged(picture: Colors, side: int) -> Colors:
    """The picture (H, W, 3) with each pixel repeated, about `side` pixels high."""
    times = max(1, round(side / picture.shape[0]))
    return picture.repeat(times, axis=0).repeat(times, axis=1)


RIGHT, WRONG = on_both(STATE_COLORS["finished"]), on_both(STATE_COLORS["failed"])
GRID = "display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:1.4rem 1.2rem"
Top = Sequence[tuple[str, float]]


def picture_grid(
    pictures: Sequence[NDArray[np.uint8]],
    tops: Sequence[Top],
    truths: Sequence[str | None],
    below: Sequence[str] = (),
    heats: Sequence[Floats] = (),
) -> str:
    """One card for each picture (32, 32, 3); a truth of None leaves out right and wrong.

    below: HTML that ends each card; heats: a heat map (32, 32) in 0..1 to stand beside each picture.
    """
    plain: Sequence[Floats | None] = [None] * len(tops)
    cards = zip(pictures, tops, truths, below or [""] * len(tops), heats or plain, strict=True)
    numbered = enumerate(cards, start=1)
    return f'<div style="{GRID}">{"".join(picture_card(n, *parts) for n, parts in numbered)}</div>'


def picture_card(
    number: int,
    picture: NDArray[np.uint8],
    top: Top,
    truth: str | None,
    below: str = "",
    heat: Floats | None = None,
) -> str:
    """The picture without smoothing, the verdict in a word, and a bar for each class of `top`."""
    images = picture_pair(picture, f"Picture {number}" + (f", {truth}" if truth else ""), heat)
    bars = "".join(_bar(label, probability) for label, probability in top)
    return f"<div>{images}{_verdict(number, top, truth)}{bars}{below}</div>"


def picture_pair(picture: NDArray[np.uint8], alt: str, heat: Floats | None = None) -> str:
    """The picture (H, W, 3) without smoothing, and beside it the same under its heat map (H, W) in 0..1."""
    style = "flex:1 1 0;min-width:0;max-width:96px;image-rendering:pixelated;border-radius:4px"
    images = image_tag(data_uri(picture), alt, style=style)
    if heat is not None:
        images += image_tag(data_uri(heated(picture, heat)), "where the network looked", style=style)
    return f'<div style="display:flex;gap:4px">{images}</div>'


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
    address = f"data:image/svg+xml;base64,{base64.b64encode(drawing.encode()).decode()}"
    style = f"display:block;width:100%;height:{height}px;margin-top:.4rem"
    return f'<div title="{html.escape(words)}">{image_tag(address, words, style=style)}</div>'


def image_tag(src: str, alt: str, *, style: str = "", css_class: str = "") -> str:
    """An image as HTML. src: its address, such as data_uri's; alt: what it shows, escaped here."""
    look = f' class="{css_class}"' if css_class else ""
    look += f' style="{style}"' if style else ""
    return f'<img src="{src}" alt="{html.escape(alt)}"{look}>'


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
        f'<div style="display:flex;justify-content:space-between;gap:.5rem;font-size:.85rem">'
        f'<span style="overflow-wrap:anywhere">{html.escape(label)}</span>'
        f'<span style="white-space:nowrap">{html.escape(whole_percent(value))}</span></div>'
        f'<div style="background:{TRACK};margin-bottom:.25rem">{fill}</div>'
    )


LABELLED_FROM = 0.125  # share of a bar that has room for its number


def bar_parts(shares: Sequence[float], *, numbered: bool) -> str:
    """A span for each kernel, as long as its part of the sum, for a flex box; numbers are in %."""
    total = sum(shares) or 1.0  # a sigmoid's coefficients need not sum to 1
    return "".join(_part(kernel, value, value / total, numbered) for kernel, value in enumerate(shares))


def bar_key(count: int) -> str:
    """A key to the colors of the first `count` kernels."""
    return "".join(
        f'<span><i style="background:{color_of(kernel, KERNEL_COLORS)}"></i>kernel {kernel + 1}</span>'
        for kernel in range(count)
    )


def spoken(shares: Sequence[float]) -> str:
    """ "kernel 1 80 %, kernel 2 20 %", for those who hear the page."""
    return ", ".join(f"kernel {kernel + 1} {whole_percent(value)}" for kernel, value in enumerate(shares))


def _part(kernel: int, coefficient: float, share: float, numbered: bool) -> str:
    color = color_of(kernel, KERNEL_COLORS)
    number = f"{100 * coefficient:.0f}" if numbered and share >= LABELLED_FROM else ""
    style = f"flex:{max(share, 0.004):.4f} 1 0;background:{color};color:{ink_on(color)}"
    return f'<span style="{style}">{number}</span>'


GAP = 2  # pixels between pictures, white


def random_rows(
    targets: NDArray[np.int64], num_classes: int, seed: int, count: int = 10
) -> list[NDArray[np.int64]]:
    """For each class the numbers of `count` different images, drawn by the seed; fewer where it has fewer."""
    generator = np.random.default_rng(seed)
    return [generator.permutation(np.flatnonzero(targets == label))[:count] for label in range(num_classes)]


def sheet(rows: Sequence[Sequence[NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    """Rows of pictures (H, W, 3), all of one size, with white between: (H', W', 3)."""
    height, width, _ = rows[0][0].shape
    columns = max(len(row) for row in rows)
    size = (len(rows) * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3)
    whole = np.full(size, 255, np.uint8)
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            top, left = i * (height + GAP), j * (width + GAP)
            whole[top : top + height, left : left + width] = picture
    return whole
