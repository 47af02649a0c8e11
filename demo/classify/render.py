"""What the classify page says about one picture, as HTML: the class in words, bars, how sure it is.

Pure functions. Every text that comes from outside is escaped; page.css has the look.
"""

import html
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cifar_core.checkpoint import Card
from cifar_core.runs.history import Shares
from demo.shared.format import amount, counted, duration, listed, percent, whole_percent
from demo.shared.palette import CLASS_COLORS, color_of
from demo.shared.pictures import bar_key, bar_parts, data_uri, image_tag, spoken

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


VIEWS = {
    1: "from one pass",
    2: "the mean over a picture and its mirror image",
    6: "the mean over a picture, its mirror image, and both moved by a pixel to two sides",
}


def head_html(card: Card) -> str:
    """The page's title, what the network can say, and how often it was right."""
    classes = f"{len(card.class_names)} things apart: {listed(card.class_names)}"
    claim = f"A network that learned from small photos tells {classes}. {record(card)}"
    return f'<header class="head"><h1>What is in the picture?</h1><p>{html.escape(claim)}</p></header>'


def record(card: Card) -> str:
    """ "It was right on 91.23 % of 10,000 test pictures."; val where the test set has not been asked."""
    for split, words in (("test", "test pictures that it had never seen"), ("val", "validation pictures")):
        if split in card.metrics:
            measured = card.metrics[split]
            return f"It was right on {percent(measured['accuracy'])} of {measured['n']:,} {words}."
    return "How often it is right has not been measured."


def describe_alarm(card: Card) -> list[str]:
    """How often "none of the ten" is said of a picture of the ten; nothing where that was not measured."""
    if not card.ood:
        return []
    wrong, images = card.ood.false_alarms, card.ood.images
    kind = {"val": "validation"}.get(card.ood.split, card.ood.split)
    return [f"It says so wrongly of {percent(wrong)} of {images:,} {kind} pictures of the ten."]


def networks_html(cards: Mapping[str, Card], speeds: Mapping[str, float], chosen: str) -> str:
    """A table of the networks on offer; speeds: milliseconds of one pass here, of those that were asked."""
    heads = ("Network", "Right", "Parameters", "MACs a pass", "A pass here")
    head = "".join(f'<th scope="col">{one}</th>' for one in heads)
    rows = "".join(_network_row(name, card, speeds.get(name), name == chosen) for name, card in cards.items())
    return (
        '<div class="wide" tabindex="0" role="region" aria-label="Networks on offer">'
        f'<table class="networks"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        '<p class="quiet">Right: of the test pictures of its classes. A pass here: on this machine, of '
        "networks that have been asked.</p>"
    )


def _network_row(name: str, card: Card, milliseconds: float | None, chosen: bool) -> str:
    measured = card.metrics.get("test") or card.metrics.get("val") or {}
    kinds = len(card.class_names)
    cells = (
        percent(measured.get("accuracy")) + ("" if kinds == 10 else f" of {kinds} classes"),
        amount(card.parameters),
        amount(card.macs),
        "–" if milliseconds is None else f"{milliseconds:.0f} ms",
    )
    mark = ' aria-current="true"' if chosen else ""
    values = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
    return f'<tr{mark}><th scope="row">{html.escape(name)}</th>{values}</tr>'


def about_html(card: Card) -> str:
    """The card's facts as a list of terms."""
    facts = {
        "Network": f"{card.model}, {amount(card.parameters)} parameters, {amount(card.macs)} MACs a pass",
        "Accuracy": record(card),
        "Answers": f"{_views(card)}, in the accuracy as on this page",
        **_calibrated(card),
        "Training": f"recipe {card.recipe}, {counted(card.epoch, 'epoch')}, seed {card.seed}, in "
        f"{duration(card.wall_time_seconds)} on {card.device}",
        "Data": f"{card.data_source}, fingerprint {card.data_fingerprint[:12]}",
        "Made with": listed([f"{name} {version}" for name, version in card.versions.items()]),
    }
    facts |= {"Note" if i == 0 else f"Note {i + 1}": note for i, note in enumerate(card.notes)}
    rows = "".join(
        f"<dt>{html.escape(term)}</dt><dd>{html.escape(fact)}</dd>" for term, fact in facts.items()
    )
    return f'<dl class="facts">{rows}</dl>'


def _views(card: Card) -> str:
    if card.tta == 1 or card.tta_below == 1:
        return VIEWS[card.tta]
    return f"{VIEWS[card.tta]}, unless the first pass is {percent(card.tta_below)} sure"


def _calibrated(card: Card) -> dict[str, str]:
    """What was done for probabilities and OOD scores to mean something; nothing where nothing was."""
    facts = {}
    if card.calibration:
        off, temperature = card.calibration.ece_after, card.calibration.temperature
        facts["Probabilities"] = f"calibrated by temperature {temperature:.2f}; {percent(off)} off on average"
    if card.ood:
        facts["None of the ten"] = (
            f"from an OOD score of {card.ood.threshold:.3g} on. {describe_alarm(card)[0]}"
        )
    return facts


NOT_ASKED = "Tick the box above to see which places spoke for the answer."


def inside_html(
    seen: NDArray[np.uint8],
    mixing: Shares,
    heatmap: str = "",
    average: Shares | None = None,
    class_name: str = "",
    title: str = "",
) -> str:
    """What the network saw, (H, W, 3) uint8; where it looked, an image's address; each block's coefficients.

    average: the coefficients of `class_name`, block by block; title: whose they are, where there are two.
    """
    above = f'<p class="above">{html.escape(title)}</p>' if title else ""
    parts = f"{_seen(seen)}{_heatmap(heatmap, class_name)}{_mixing(mixing, average or {}, class_name)}"
    return f'{above}<div class="inside">{parts}</div>'


def mixing_title(mixing: Mapping[str, Sequence[float]]) -> str:
    """ "Kernel 2 counts most in 4 of 6 blocks"; of kernels that lead equally often, the lowest number."""
    leaders = Counter(max(range(len(shares)), key=shares.__getitem__) for shares in mixing.values())
    kernel, blocks = min(leaders.items(), key=lambda item: (-item[1], item[0]))
    return f"Kernel {kernel + 1} counts most in {blocks} of {len(mixing)} blocks"


def _seen(seen: NDArray[np.uint8]) -> str:
    height, width = seen.shape[:2]
    image = image_tag(data_uri(seen), f"The picture as {width} × {height} pixels", css_class="seen")
    return (
        f"<section><h3>What the network sees</h3>{image}"
        f'<p class="quiet">A square, as {width} × {height} pixels.</p></section>'
    )


def _heatmap(heatmap: str, class_name: str) -> str:
    if not heatmap:
        return f'<section><h3>Where it looked</h3><p class="quiet">{NOT_ASKED}</p></section>'
    image = image_tag(
        heatmap, f"The picture in gray; bright where it spoke for {class_name}", css_class="heatmap"
    )
    return (
        f"<section><h3>Where it looked</h3>{image}"
        f'<p class="quiet">Brighter places spoke more for {html.escape(class_name)} (Grad-CAM).</p></section>'
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
