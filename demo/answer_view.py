"""What the classify page says about one picture, as HTML: the class in words, bars, how sure it is.

Pure functions. Every text that comes from outside is escaped; app.css has the look.
"""

import html
from collections.abc import Sequence

from demo.style import CLASS_COLORS, color_of
from demo.words import whole_percent

# A probability says how far the network leans, not how often it is right; still, three words help a reader.
# Chosen on validation pictures, all of them of the ten classes, with networks that this project trained:
# nearly every "sure" was right, and "none" was rare.
SURE_FROM = 0.70  # the first class alone has at least this
TWO_FROM = 0.60  # the first two together have at least this; below, no class stands out

Top = Sequence[tuple[str, float]]  # (class, probability), the most probable first


def answer_html(
    top: Top,
    class_names: Sequence[str],
    notes: Sequence[str] = (),
    known: bool | None = None,
    title: str = "",
) -> str:
    """The class in words, a bar for each class of `top`, the verdict, and remarks such as the decoder's.

    known: whether the network has a measured opinion on the picture being any of its classes, and which.
    title: what stands above, where there are two answers.
    """
    bars = "".join(_bar(label, probability, class_names) for label, probability in top)
    had_to = '<p class="quiet">If it had to be one of them:</p>' if is_none(top, known) else ""
    remarks = "".join(f'<p class="quiet">{html.escape(note)}</p>' for note in notes)
    above = f'<p class="above">{html.escape(title)}</p>' if title else ""
    return (
        f'<section class="answer" aria-live="polite">{above}<h2>{html.escape(headline(top, known))}</h2>'
        f'{had_to}<ol>{bars}</ol><p class="verdict">{html.escape(verdict(top, known))}</p>{remarks}</section>'
    )


def pair_html(answers: Sequence[str], labels: Sequence[str], names: Sequence[str]) -> str:
    """Two answers side by side, under one sentence on whether they agree."""
    first, second = labels
    agree = f"Both say {first}" if first == second else f"{names[0]} says {first}, {names[1]} says {second}"
    return f'<p class="agree">{html.escape(agree)}</p><div class="pair">{"".join(answers)}</div>'


def is_none(top: Top, known: bool | None) -> bool:
    """Whether the picture looks like none of the classes: as measured, or where nothing stands out."""
    return top[0][1] + top[1][1] < TWO_FROM and top[0][1] < SURE_FROM if known is None else not known


def headline(top: Top, known: bool | None = None) -> str:
    """ "Airplane", "Cat or dog" or "None of the ten"."""
    first, second = top[0], top[1]
    if is_none(top, known):
        return "None of the ten"
    if first[1] >= SURE_FROM:
        return first[0].capitalize()
    return f"{first[0]} or {second[0]}".capitalize()


def verdict(top: Top, known: bool | None = None) -> str:
    """One sentence on how far to trust the answer; the limits stand at the top of this file."""
    first, second = top[0], top[1]
    if is_none(top, known):
        return f"This looks like none of the ten; nearest is {first[0]}."
    if first[1] >= SURE_FROM:
        return f"Sure: {whole_percent(first[1])} for {first[0]}."
    return f"Unsure between {first[0]} and {second[0]}."


def problem_html(sentence: str) -> str:
    """One sentence in place of an answer."""
    return f'<p class="problem" role="alert">{html.escape(sentence)}</p>'


def _bar(label: str, probability: float, class_names: Sequence[str]) -> str:
    color = color_of(list(class_names).index(label), CLASS_COLORS)
    style = f"width:{max(0.5, 100 * probability):.1f}%;background:{color}"
    return (
        f"<li><span>{html.escape(label)}</span>"
        f'<span class="track"><span class="bar" style="{style}"></span></span>'
        f'<span class="share">{html.escape(whole_percent(probability))}</span></li>'
    )
