"""A network drawn as its parts, one row each: the shape of its result, what it does, what it costs. Pure."""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from demo.shared.format import amount, listed
from demo.shared.palette import ACCENT, MUTED_INK, TRACK, on_both

if TYPE_CHECKING:
    from cifar_core.models.summary import Part

LARGEST = 64  # pixels: side of the box of a 32x32 feature map
ROW = (
    "display:grid;grid-template-columns:5.5rem minmax(0,1fr);gap:.2rem 1rem;align-items:center;"
    f"padding:.5rem 0;border-bottom:1px solid {TRACK}"
)
BARS = (
    "display:grid;grid-template-columns:minmax(6rem,9rem) 1fr;gap:0 .6rem;align-items:center;font-size:.8rem"
)


def network_drawing(parts: Sequence["Part"]) -> str:
    """An ordered list; a part's box is as large as its feature map, its color as deep as it has channels."""
    parameters = max(1, *(part.parameters for part in parts))
    macs = max(1, *(part.macs for part in parts))
    deepest = max(part.shape[0] for part in parts)
    rows = "".join(
        _row(number, part, deepest, parameters, macs) for number, part in enumerate(parts, start=1)
    )
    return f'<ol style="list-style:none;margin:0;padding:0">{rows}</ol>'


def _row(number: int, part: "Part", deepest: int, parameters: int, macs: int) -> str:
    words = html.escape(", ".join(part.layers))
    bars = _bar(f"{amount(part.parameters)} parameters", part.parameters / parameters)
    bars += _bar(f"{amount(part.macs)}MAC", part.macs / macs)
    return (
        f'<li style="{ROW}"><div>{_box(part, deepest)}'
        f'<div style="font-size:.8rem;color:{on_both(MUTED_INK)}">{format_shape(part.shape)}</div></div>'
        f'<div><div>{number}. {words}</div><div style="{BARS}">{bars}</div></div></li>'
    )


def _box(part: "Part", deepest: int) -> str:
    side = part.shape[1] if len(part.shape) == 3 else 2
    pixels = max(6, round(LARGEST * side / 32))
    opacity = 0.25 + 0.75 * part.shape[0] / deepest
    return f'<div style="width:{pixels}px;height:{pixels}px;background:{ACCENT};opacity:{opacity:.2f}"></div>'


def _bar(words: str, share: float) -> str:
    fill = f'<div style="width:{100 * share:.1f}%;height:5px;background:{ACCENT}"></div>'
    return f'<span>{html.escape(words)}</span><div style="background:{TRACK}">{fill}</div>'


def format_shape(shape: Sequence[int]) -> str:
    """ "64 × 16 × 16", channels first, or "10" for a vector."""
    return " × ".join(str(number) for number in shape)


def describe_drawing(parts: Sequence["Part"]) -> str:
    """A sentence on where the parameters and where the work are."""
    parameters, macs = sum(part.parameters for part in parts), sum(part.macs for part in parts)
    most = _largest([part.parameters for part in parts], "them")
    work = _largest([part.macs for part in parts], "that")
    totals = f"{amount(parameters)} parameters, {most}; {amount(macs)}MAC a picture, {work}"
    return f"{len(parts)} parts: {totals}"


def _largest(counts: Sequence[int], what: str) -> str:
    """The largest share, and where it is: "29 % of them in each of the parts 5, 6 and 7"."""
    share = f"{round(100 * max(counts) / max(1, sum(counts)))} % of {what} in"
    numbers = [number for number, count in enumerate(counts, start=1) if count == max(counts)]
    if len(numbers) > 1:
        return f"{share} each of the parts {listed([str(number) for number in numbers])}"
    return f"{share} the last part" if numbers == [len(counts)] else f"{share} part {numbers[0]}"
