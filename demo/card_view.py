"""What the classify page says about a network, from its checkpoint's card alone. Pure functions, HTML."""

import html

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


def about_html(card: Card) -> str:
    """The card's facts as a list of terms."""
    facts = {
        "Network": f"{card.model}, {amount(card.parameters)} parameters, {amount(card.macs)} MACs a pass",
        "Accuracy": record(card),
        "Answers": f"{_views(card)}, in the accuracy as on this page",
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
