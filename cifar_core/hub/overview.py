"""The generated parts of checkpoints/README.md: what each network is and reached, read from its own files.

A part lies between `<!-- generated: NAME -->` and `<!-- end -->`; what stands around it is written by hand.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from cifar_core.checkpoint import CARD, Card, load_card
from cifar_core.files import read_text
from cifar_core.format import duration, table

HEADINGS = (
    *("checkpoint", "parameters", "MACs an image", "epochs", "training images", "TTA views"),
    *("test accuracy", "test images", "device", "torch", "time"),
)
DELETION = "deletion.json"  # beside the weights: `evaluate --heat-map --write-card`
_PART = re.compile(r"(<!-- generated: (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def fill_in(text: str, parts: Mapping[str, str]) -> str:
    """Return a page with each generated part replaced by the one of its name.

    Raises:
        KeyError: when the page names a part that is not among `parts`.
    """
    return _PART.sub(lambda match: f"{match[1]}{parts[match['name']]}\n{match[3]}", text)


def load_cards(folder: Path) -> dict[str, Card]:
    """Return name -> card of the checkpoints in a folder: most classes first, then the most accurate.

    Raises:
        CheckpointError: when a card is damaged.
    """
    cards = {path.parent.name: load_card(path.parent) for path in folder.glob(f"*/{CARD}")}
    return dict(sorted(cards.items(), key=lambda item: (-len(item[1].class_names), -_test(item[1]), item[0])))


def _test(card: Card, figure: str = "accuracy") -> float:
    return card.metrics.get("test", {}).get(figure, 0.0)


def networks_table(cards: Mapping[str, Card], train_images: Mapping[str, int]) -> str:
    """Return a Markdown table with a row for each checkpoint; train_images: by its name, where known."""
    return table([HEADINGS, *(_cells(name, card, train_images.get(name)) for name, card in cards.items())])


def _cells(name: str, card: Card, train_images: int | None) -> tuple[str, ...]:
    epochs = card.config.get("epochs", card.epoch)
    return (
        f"`{name}`",
        f"{card.parameters / 1e6:.2f} M",
        f"{card.macs / 1e6:.1f} M",
        f"{epochs}" if card.epoch == epochs else f"{card.epoch} of {epochs}",
        "–" if train_images is None else f"{train_images:,}",
        f"{card.tta}",
        f"{100 * _test(card):.2f} %",
        f"{_test(card, 'n'):,.0f}",
        f"{card.device}, {card.precision}",
        card.versions.get("torch", "–"),
        duration(card.wall_time_seconds),
    )


def notes_list(cards: Mapping[str, Card]) -> str:
    """Return a Markdown list of what the cards note: what departed from the recipe, and what to know."""
    return "\n".join(f"- `{name}`: {' '.join(card.notes)}" for name, card in cards.items() if card.notes)


def heat_maps_table(folder: Path, names: Iterable[str]) -> str:
    """Return a Markdown table of what the deletion test gave, with a row for each checkpoint that has one."""
    rows = [["checkpoint", "images", "probability"]]
    for name in names:
        path = folder / name / DELETION
        if path.exists():
            found = json.loads(read_text(path))
            falls = found["falls"]
            rows[0] = ["checkpoint", "images", "probability", *falls]
            points = [f"−{100 * fall['value']:.1f} ± {100 * fall['error']:.1f}" for fall in falls.values()]
            images = f"{found['n']:,} {found['images'].partition('-')[0]}"
            rows.append([f"`{name}`", images, f"{100 * found['probability']:.1f} %", *points])
    return table(rows)
