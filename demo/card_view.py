"""What the classify page says about a network, from its checkpoint's card alone. Pure functions, HTML."""

import html
from collections.abc import Mapping

from cifar_core.checkpoint import Card
from demo.words import amount, counted, duration, listed, percent

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


def alarm_sentence(card: Card) -> list[str]:
    """How often "none of the ten" is said of a picture of the ten; nothing where that was not measured."""
    if not card.unknown:
        return []
    wrong, images = card.unknown.false_alarms, card.unknown.images
    kind = {"val": "validation"}.get(card.unknown.split, card.unknown.split)
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
    if card.views == 1 or card.views_below == 1:
        return VIEWS[card.views]
    return f"{VIEWS[card.views]}, unless the first pass is {percent(card.views_below)} sure"


def _calibrated(card: Card) -> dict[str, str]:
    """What was done for probabilities and strangeness to mean something; nothing where nothing was."""
    facts = {}
    if card.calibration:
        off, temperature = card.calibration.ece_after, card.calibration.temperature
        facts["Probabilities"] = f"calibrated by temperature {temperature:.2f}; {percent(off)} off on average"
    if card.unknown:
        facts["None of the ten"] = (
            f"from strangeness {card.unknown.threshold:.3g} on. {alarm_sentence(card)[0]}"
        )
    return facts
