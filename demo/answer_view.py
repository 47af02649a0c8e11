"""What the classify page says about one picture, as HTML: the answer, what the network saw, how blocks mixed.

Pure functions. Every text that comes from outside is escaped; app.css has the look.
"""

import html
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from demo.picture_cards import data_uri
from demo.style import CLASS_COLORS, KERNEL_COLORS, color_of, ink_on
from demo.words import whole_percent

# A probability says how far the network leans, not how often it is right; still, three words help a reader.
# Chosen on validation pictures, all of them of the ten classes, with networks that this project trained:
# nearly every "sure" was right, and "none" was rare.
SURE_FROM = 0.70  # the first class alone has at least this
TWO_FROM = 0.60  # the first two together have at least this; below, no class stands out
_LABELLED_FROM = 0.13  # share of a bar wide enough for its number

Top = Sequence[tuple[str, float]]  # (class, probability), the most probable first


def answer_html(top: Top, class_names: Sequence[str], notes: Sequence[str] = ()) -> str:
    """The class in words, a bar for each class of `top`, the verdict, and what the decoder remarked."""
    bars = "".join(_bar(label, probability, class_names) for label, probability in top)
    remarks = "".join(f'<p class="quiet">{html.escape(note)}</p>' for note in notes)
    return (
        f'<section class="answer" aria-live="polite"><h2>{html.escape(headline(top))}</h2><ol>{bars}</ol>'
        f'<p class="verdict">{html.escape(verdict(top))}</p>{remarks}</section>'
    )


def headline(top: Top) -> str:
    """ "Airplane", "Cat or dog" or "None of the ten"."""
    first, second = top[0], top[1]
    if first[1] >= SURE_FROM:
        return first[0].capitalize()
    return (
        f"{first[0]} or {second[0]}".capitalize() if first[1] + second[1] >= TWO_FROM else "None of the ten"
    )


def verdict(top: Top) -> str:
    """One sentence on how far to trust the answer; the limits stand at the top of this file."""
    first, second = top[0], top[1]
    if first[1] >= SURE_FROM:
        return f"Sure: {whole_percent(first[1])} for {first[0]}."
    if first[1] + second[1] >= TWO_FROM:
        return f"Unsure between {first[0]} and {second[0]}."
    return f"This looks like none of the ten; nearest is {first[0]}."


def problem_html(sentence: str) -> str:
    """One sentence in place of an answer."""
    return f'<p class="problem" role="alert">{html.escape(sentence)}</p>'


def inside_html(seen: np.ndarray, mixing: Mapping[str, Sequence[float]]) -> str:
    """What the network sees, `seen` (H, W, 3) uint8, and each block's mixing coefficients (K numbers)."""
    return f'<div class="inside">{_seen(seen)}{_mixing(mixing)}</div>'


def _bar(label: str, probability: float, class_names: Sequence[str]) -> str:
    color = color_of(list(class_names).index(label), CLASS_COLORS)
    style = f"width:{max(0.5, 100 * probability):.1f}%;background:{color}"
    return (
        f"<li><span>{html.escape(label)}</span>"
        f'<span class="track"><span class="bar" style="{style}"></span></span>'
        f'<span class="share">{html.escape(whole_percent(probability))}</span></li>'
    )


def _seen(seen: np.ndarray) -> str:
    height, width = seen.shape[:2]
    return (
        f'<section><h3>What the network sees</h3><img src="{data_uri(seen)}" '
        f'alt="The picture as {width} × {height} pixels">'
        f'<p class="quiet">The middle square, as {width} × {height} pixels.</p></section>'
    )


def mixing_title(mixing: Mapping[str, Sequence[float]]) -> str:
    """ "Kernel 2 counts most in 4 of 6 blocks"; of kernels that lead equally often, the lowest number."""
    leaders = Counter(max(range(len(shares)), key=shares.__getitem__) for shares in mixing.values())
    kernel, blocks = min(leaders.items(), key=lambda item: (-item[1], item[0]))
    return f"Kernel {kernel + 1} counts most in {blocks} of {len(mixing)} blocks"


def _mixing(mixing: Mapping[str, Sequence[float]]) -> str:
    if not mixing:
        return (
            '<section><h3>How each block mixed</h3><p class="quiet">This network does not mix.</p></section>'
        )
    rows = "".join(_block(name, coefficients) for name, coefficients in mixing.items())
    most = max(len(coefficients) for coefficients in mixing.values())
    key = "".join(
        f'<span><i style="background:{_kernel_color(k)}"></i>kernel {k + 1}</span>' for k in range(most)
    )
    return (
        f'<section class="mixing"><h3>{mixing_title(mixing)}</h3>'
        f'<div class="key" aria-hidden="true">{key}</div><dl>{rows}</dl>'
        '<p class="quiet">How each block mixed: a bar is a block, the first at the top; a color is a kernel, '
        "and its number the coefficient that it had for this picture, in %.</p></section>"
    )


def _block(name: str, coefficients: Sequence[float]) -> str:
    total = sum(coefficients) or 1.0  # sigmoid coefficients need not sum to 1
    parts = "".join(_segment(k, value, value / total) for k, value in enumerate(coefficients))
    spoken = ", ".join(f"kernel {k + 1} {whole_percent(value)}" for k, value in enumerate(coefficients))
    return (
        f'<dt>{html.escape(name)}</dt><dd title="{html.escape(spoken)}">{parts}'
        f'<span class="hidden-text">{html.escape(spoken)}</span></dd>'
    )


def _segment(kernel: int, coefficient: float, share: float) -> str:
    color = _kernel_color(kernel)
    number = f"{100 * coefficient:.0f}" if share >= _LABELLED_FROM else ""
    style = f"flex:{max(share, 0.004):.4f} 1 0;background:{color};color:{ink_on(color)}"
    return f'<span aria-hidden="true" style="{style}">{number}</span>'


def _kernel_color(kernel: int) -> str:
    return color_of(kernel, KERNEL_COLORS)
