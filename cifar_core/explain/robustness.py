"""Accuracy under damage: each corruption in five strengths, measured one cell at a time and kept as JSON.

Each image is looked at once: test-time augmentation would hide what the network itself withstands.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cifar_core.explain.corruptions import CORRUPTIONS, STRENGTHS, corrupt
from cifar_core.files import build, write_json

if TYPE_CHECKING:
    from cifar_core.inference.classifier import Classifier

FILE = "robustness.json"  # in a run's or a checkpoint's folder
Cell = tuple[str, int]  # kind, strength
_WRITING = Lock()  # not a file's lock, which would bring back the folder of a deleted run


@dataclass(frozen=True)
class Robustness:
    """Accuracy of one network on one set of images, under all damage that was measured.

    pictures: names them ("val" or "test", how many, drawn how); n: how many; weights: the version of
    the network's weights; clean: accuracy (0..1) on the images as they are, None before it was measured;
    accuracy: kind -> accuracies at the strengths 1, 2, … as far as they were measured.
    """

    pictures: str
    n: int
    weights: str
    clean: float | None = None
    accuracy: dict[str, list[float]] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """True when nothing is left to measure."""
        return self.clean is not None and not cells_left(self)

    @property
    def mean(self) -> list[float]:
        """Accuracy at the strengths 0 to 5, mean over the kinds; asked for when whole."""
        assert self.clean is not None
        rows = np.array([self.accuracy[kind] for kind in CORRUPTIONS])
        return [self.clean, *rows.mean(axis=0).tolist()]

    def with_cell(self, kind: str, accuracy: float) -> "Robustness":
        """A copy with the accuracy at the next strength of a kind."""
        row = [*self.accuracy.get(kind, []), accuracy]
        return dataclasses.replace(self, accuracy={**self.accuracy, kind: row})


def cells_left(measured: Robustness) -> list[Cell]:
    """The cells not measured yet, strength by strength, so that a part of it already spans all kinds."""
    done = {kind: len(measured.accuracy.get(kind, [])) for kind in CORRUPTIONS}
    return [(k, s) for s in range(1, STRENGTHS + 1) for k in CORRUPTIONS if s > done[k]]


def measure(
    classifier: "Classifier", images: NDArray[np.uint8], targets: NDArray[np.int64], start: Robustness
) -> Iterator[Robustness]:
    """Go on from `start`, one cell at a time, on images (N, 3, 32, 32) with targets (N,).

    Yields what is known after each cell, the whole last; nothing where nothing is left.
    """
    known = start
    if known.clean is None:
        known = dataclasses.replace(known, clean=_accuracy(classifier, images, targets))
        yield known
    for kind, strength in cells_left(known):
        known = known.with_cell(kind, _accuracy(classifier, corrupt(images, kind, strength), targets))
        yield known


def _accuracy(classifier: "Classifier", images: NDArray[np.uint8], targets: NDArray[np.int64]) -> float:
    return float((classifier.logits(images).argmax(axis=1) == targets).mean())


def keep(path: Path, measured: Robustness) -> None:
    """Put a measurement into a file beside those on other pictures; raises OSError where it cannot be.

    The folder is there already: that of a run which was deleted meanwhile must not come back.
    """
    with _WRITING:
        others = [one for one in load(path) if one.pictures != measured.pictures]
        write_json(path, {"robustness": [dataclasses.asdict(one) for one in [*others, measured]]})


def load(path: Path) -> list[Robustness]:
    """The measurements in a file; those that are damaged, or that nobody made, are left out."""
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))["robustness"]
        found = [_checked(document) for document in listed]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return []
    return [one for one in found if one is not None]


def _checked(document: Mapping[str, object]) -> Robustness | None:
    """The measurement in a JSON object, or None where it cannot be one."""
    try:
        one = build(Robustness, document)
    except TypeError:
        return None
    rows = one.accuracy.values()
    are_shares = all(type(x) in (int, float) and 0 <= x <= 1 for row in rows for x in [one.clean or 0, *row])
    are_cells = set(one.accuracy) <= set(CORRUPTIONS) and all(len(row) <= STRENGTHS for row in rows)
    return one if are_shares and are_cells and one.n > 0 else None
