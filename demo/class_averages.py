"""How each block mixes for a class on average: from the events that lie beside a checkpoint's weights."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cifar_core.checkpoint import Card
from cifar_core.runs.events import Epoch, EventError, from_json

Shares = Mapping[str, Sequence[float]]  # block -> K coefficients, in the network's order
EVENTS = "events.jsonl"


def class_averages(folder: Path, card: Card) -> dict[str, Shares]:
    """Class -> mean coefficients of its validation pictures, in the epoch whose weights are kept.

    Empty where the run left no record, or one of other classes.
    """
    epoch = next((one for one in _epochs(folder / EVENTS) if one.epoch == card.epoch), None)
    if epoch is None or any(len(block.per_class) != len(card.class_names) for block in epoch.mixing):
        return {}
    return {
        name: {block.block: block.per_class[row] for block in epoch.mixing}
        for row, name in enumerate(card.class_names)
    }


def average_for(averages: Mapping[str, Shares], class_name: str, used: Shares) -> Shares:
    """The average of a class, empty where unknown or of other blocks or kernels than those `used`."""
    average = averages.get(class_name, {})
    sizes = [{block: len(shares) for block, shares in some.items()} for some in (average, used)]
    return average if sizes[0] == sizes[1] else {}


def _epochs(path: Path) -> Iterator[Epoch]:
    """The epochs of a record; a line that is none, or a file that is gone, is passed over."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        if '"epoch"' not in line[:40]:  # most lines are steps, and there are thousands
            continue
        try:
            event = from_json(json.loads(line))
        except (EventError, ValueError):
            continue
        if isinstance(event, Epoch):
            yield event
