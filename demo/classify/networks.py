"""The networks that the classify page answers with: loaded when first asked, the last few kept."""

import threading
import time
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image

from cifar_core.checkpoint import Card, list_checkpoints, load_card, resolve_checkpoint
from cifar_core.errors import LabError
from cifar_core.inference.classifier import Classifier
from cifar_core.runs.history import Shares, class_averages

LOADED = 4  # networks in memory at once, a few tens of MB each
PASSES = 3  # of which the quickest counts


@dataclass(frozen=True)
class Served:
    """A loaded network, its classes' average mixes, and the milliseconds of one pass on this machine."""

    classifier: Classifier
    averages: dict[str, Shares]
    milliseconds: float


class NetworkError(LabError):
    """A network that is not offered here."""


class ServedNetworks:
    """The networks in `names`, the first of them the default; `checkpoint` comes first where it is given.

    kind: of classifier that they become.
    """

    def __init__(self, checkpoint: str | None = None, kind: type[Classifier] = Classifier) -> None:
        first = [checkpoint] if checkpoint else []
        self.names = [*first, *(name for name in list_checkpoints() if name not in first)]
        self.speeds: dict[str, float] = {}  # milliseconds of those that were asked
        self._kind = kind
        self._loaded = lru_cache(maxsize=LOADED)(self._load)
        self._loading = threading.Lock()

    def get(self, name: str | None = None) -> Served:
        """The network of that name, or the default; where there is none at all, load says what to do.

        Raises:
            NetworkError: for a name that is not offered.
            CheckpointError: for a damaged one.
        """
        if name not in (None, *self.names):
            offered = ", ".join(self.names)
            raise NetworkError(f"There is no network {name!r:.200} here; choose one of: {offered}.")
        name = name or next(iter(self.names), None)
        with self._loading:  # two who ask for a new one at once would each load it
            served = self._loaded(name)
        self.speeds[str(name)] = served.milliseconds
        return served

    def cards(self) -> dict[str, Card]:
        """Name -> card; raises CheckpointError."""
        return {name: load_card(resolve_checkpoint(name)) for name in self.names}

    def _load(self, name: str | None) -> Served:
        classifier = self._kind.load(name)
        folder = resolve_checkpoint(name)
        averages = class_averages(folder, classifier.card.epoch, classifier.class_names)
        return Served(classifier, averages, _milliseconds(classifier))


def _milliseconds(classifier: Classifier) -> float:
    """Of one pass; answers to pictures that the network is unsure of may take several."""
    gray = [Image.new("RGB", (32, 32), (128, 128, 128))]
    taken = []
    for _ in range(PASSES):
        begun = time.perf_counter()
        classifier.logits(gray)
        taken.append(time.perf_counter() - begun)
    return 1000 * min(taken)
