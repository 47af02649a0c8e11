"""HTML of the networks themselves: the head of the page, the table of those on offer, the facts of a card.

Pure functions; all that comes from a card is escaped.
"""

import html
from collections.abc import Mapping

from cifar_core.checkpoint import Card
from cifar_core.datasets import CIFAR10
from demo.shared.format import amount, counted, duration, in_words, isolated, listed, percent

MOST_NAMED, FEW = 20, 12  # classes that are all named at the head of the page; of more, so many
VIEWS = {
    1: "from one pass",
    2: "the mean over the picture and its mirror image",
    6: "the mean over the picture, its mirror image, and both moved by a pixel to two sides",
}


def head_html(card: Card) -> str:
    """The page's title, what the network can say, and how often it was right."""
    names = card.class_names
    more = [f"{len(names) - FEW} others"] if len(names) > MOST_NAMED else []
    classes = f"{len(names)} things apart: {listed([*(names[:FEW] if more else names), *more])}"
    claim = " ".join(
        [f"A network trained on small photos tells {classes}.", record(card), *describe_photographs(card)]
    )
    return (
        f'<header class="head"><h1>What is in the picture?</h1><p>{isolated(html.escape(claim))}</p></header>'
    )


def record(card: Card) -> str:
    """ "It recognized 91.23 % of 10,000 test pictures."; val where the test set has not been asked."""
    for split, words in (("test", "test pictures that it had never seen"), ("val", "validation pictures")):
        if split in card.metrics:
            measured = card.metrics[split]
            return f"It recognized {percent(measured['accuracy'])} of {measured['n']:,} {words}."
    return "How often it is right has not been measured."


def describe_photographs(card: Card) -> list[str]:
    """A sentence on how often it is right on ordinary photographs; none where that was not measured."""
    right = (card.photographs or {}).get("accuracy")
    if not right:
        return []
    wrong = (card.photographs or {}).get("called_none")
    called = f", and took {_measured(wrong)} for none of the {_kinds(card)}" if wrong else ""
    return [
        f"Of {right['n']:,} ordinary photographs of such things it recognized {_measured(right)}{called}."
    ]


def describe_alarm(card: Card) -> list[str]:
    """A sentence on how often "none of the classes" is wrong; none where that was not measured."""
    if not card.ood:
        return []
    wrong, images = card.ood.false_alarms, card.ood.images
    kind = {"val": "validation"}.get(card.ood.split, card.ood.split)
    words = (
        f"It says so wrongly for {percent(wrong)} of {images:,} {kind} pictures that do show one of the "
        f"{_kinds(card)}"
    )
    if card.ood.changed_alarms is not None:
        words += (
            f", and for {percent(card.ood.changed_alarms)} of them changed as photographs differ from them"
        )
    return [*_wrongly_on_photographs(card), f"{words}."]


def _wrongly_on_photographs(card: Card) -> list[str]:
    wrong = (card.photographs or {}).get("called_none")
    if not wrong:
        return []
    return [f"It says so wrongly for {_measured(wrong)} of {wrong['n']:,} photographs of the {_kinds(card)}."]


def _kinds(card: Card) -> str:
    return in_words(len(card.class_names))


def _measured(measure: Mapping[str, float]) -> str:
    """ "75.2 ± 3.9 %", in one piece at a line's end."""
    return f"{100 * measure['value']:.1f} ± {100 * measure['error']:.1f} %".replace(" ", "\u00a0")


def networks_html(cards: Mapping[str, Card], speeds: Mapping[str, float], chosen: str) -> str:
    """A table of the networks on offer; speeds: milliseconds of one pass here, of those that were asked."""
    heads = ("Network", "Accuracy", "Parameters", "MACs a pass", "A pass here")
    head = "".join(f'<th scope="col">{one}</th>' for one in heads)
    rows = "".join(_network_row(name, card, speeds.get(name), name == chosen) for name, card in cards.items())
    return (
        '<div class="wide" tabindex="0" role="region" aria-label="Networks on offer">'
        f'<table class="networks"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        '<p class="quiet">Accuracy: on test pictures of its classes. A pass here: the time that one takes on '
        "this machine, for networks that have been asked.</p>"
    )


def _network_row(name: str, card: Card, milliseconds: float | None, chosen: bool) -> str:
    measured = card.metrics.get("test") or card.metrics.get("val") or {}
    kinds = len(card.class_names)
    cells = (
        percent(measured.get("accuracy"))
        + ("" if card.class_names == list(CIFAR10.class_names) else f" of {kinds} classes"),
        amount(card.parameters),
        amount(card.macs),
        "–" if milliseconds is None else f"{milliseconds:.0f} ms",
    )
    mark = ' aria-current="true"' if chosen else ""
    values = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
    return f'<tr{mark}><th scope="row">{html.escape(name)}</th>{values}</tr>'


def facts_html(card: Card) -> str:
    """The card's facts as a list of terms."""
    facts = {
        "Network": f"{card.model}, {amount(card.parameters)} parameters, {amount(card.macs)} MACs a pass",
        "Accuracy": record(card),
        "Answers": f"{_views(card)}, both for the accuracy and on this page; of a large one also the mean "
        "over its middle square and the inner part of that",
        "Classes": listed(card.class_names),
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
    return f"{VIEWS[card.tta]}, unless the first pass is at least {percent(card.tta_below)} sure"


def _calibrated(card: Card) -> dict[str, str]:
    """Facts on what makes probabilities and OOD scores mean something; none where nothing was measured."""
    facts = {}
    if card.calibration:
        off, temperature = card.calibration.ece_after, card.calibration.temperature
        facts["Probabilities"] = (
            f"calibrated with a temperature of {temperature:.2f}; off by {percent(off)} on average"
        )
    if card.sure:
        facts["Sure"] = (
            f"from a probability of {percent(card.sure.probability)} on: right for "
            f"{percent(card.sure.right)} of such answers to {card.sure.images:,} validation pictures, "
            "changed as photographs differ from them"
        )
    if card.ood:
        limit = f"{card.ood.threshold:.3g}"
        facts[f"None of the {_kinds(card)}"] = (
            f"where the OOD score is above {limit}. {' '.join(describe_alarm(card))}"
        )
    return facts
