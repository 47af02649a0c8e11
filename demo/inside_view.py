"""What happened inside a network with one picture, as HTML: what it saw, where it looked, how blocks mixed.

Pure functions. Every text that comes from outside is escaped; app.css has the look.
"""

import html
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from demo.class_averages import Shares
from demo.mixing_bars import bar_key, bar_parts, spoken
from demo.picture_cards import data_uri

NOT_ASKED = "Tick the box above to see which places spoke for the answer."


def inside_html(
    seen: NDArray[np.uint8],
    mixing: Shares,
    looked: str = "",
    average: Shares | None = None,
    class_name: str = "",
    title: str = "",
) -> str:
    """What the network saw, (H, W, 3) uint8; where it looked, an image's address; each block's coefficients.

    average: the coefficients of `class_name`, block by block; title: whose they are, where there are two.
    """
    above = f'<p class="above">{html.escape(title)}</p>' if title else ""
    parts = f"{_seen(seen)}{_looked(looked, class_name)}{_mixing(mixing, average or {}, class_name)}"
    return f'{above}<div class="inside">{parts}</div>'


def mixing_title(mixing: Mapping[str, Sequence[float]]) -> str:
    """ "Kernel 2 counts most in 4 of 6 blocks"; of kernels that lead equally often, the lowest number."""
    leaders = Counter(max(range(len(shares)), key=shares.__getitem__) for shares in mixing.values())
    kernel, blocks = min(leaders.items(), key=lambda item: (-item[1], item[0]))
    return f"Kernel {kernel + 1} counts most in {blocks} of {len(mixing)} blocks"


def _seen(seen: NDArray[np.uint8]) -> str:
    height, width = seen.shape[:2]
    return (
        f'<section><h3>What the network sees</h3><img class="seen" src="{data_uri(seen)}" '
        f'alt="The picture as {width} × {height} pixels">'
        f'<p class="quiet">A square, as {width} × {height} pixels.</p></section>'
    )


def _looked(looked: str, class_name: str) -> str:
    if not looked:
        return f'<section><h3>Where it looked</h3><p class="quiet">{NOT_ASKED}</p></section>'
    name = html.escape(class_name)
    return (
        f'<section><h3>Where it looked</h3><img class="looked" src="{looked}" '
        f'alt="The picture in gray; bright where it spoke for {name}">'
        f'<p class="quiet">Brighter places spoke more for {name} (Grad-CAM).</p></section>'
    )


def _mixing(mixing: Shares, average: Shares, class_name: str) -> str:
    if not mixing:
        return (
            '<section><h3>How each block mixed</h3><p class="quiet">This network does not mix.</p></section>'
        )
    rows = "".join(_block(name, shares, average.get(name), class_name) for name, shares in mixing.items())
    most = max(len(coefficients) for coefficients in mixing.values())
    below = f" The thin bar below it: the average {html.escape(class_name)}." if average else ""
    return (
        f'<section class="mixing"><h3>{mixing_title(mixing)}</h3>'
        f'<div class="key" aria-hidden="true">{bar_key(most)}</div><dl>{rows}</dl>'
        '<p class="quiet">How each block mixed: a bar is a block, the first at the top; a color is a kernel, '
        f"and its number the coefficient that it had for this picture, in %.{below}</p></section>"
    )


def _block(name: str, shares: Sequence[float], average: Sequence[float] | None, class_name: str) -> str:
    words = spoken(shares)
    usual = ""
    if average is not None:
        words += f"; the average {class_name}: {spoken(average)}"
        usual = f'<span class="usual" aria-hidden="true">{bar_parts(average, numbered=False)}</span>'
    return (
        f'<dt>{html.escape(name)}</dt><dd title="{html.escape(words)}">'
        f'<span class="own" aria-hidden="true">{bar_parts(shares, numbered=True)}</span>{usual}'
        f'<span class="hidden-text">{html.escape(words)}</span></dd>'
    )
