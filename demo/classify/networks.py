"""The networks that the classify page answers with: loaded when first asked, the last few kept.

They answer by torch at once, and soon through ONNX Runtime where that is quicker: another process writes the
graph that it takes, unless an earlier one has, in seconds in which the page answers already.
"""

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image

from cifar_core.checkpoint import Card, list_checkpoints, load_card, resolve_checkpoint
from cifar_core.errors import LabError
from cifar_core.files import PROJECT_ROOT
from cifar_core.inference.backends import has_graph, network_for
from cifar_core.inference.classifier import Classifier
from cifar_core.runs.history import Shares, class_averages

LOADED = 4  # networks in memory at once, a few tens of MB each
PASSES = 3  # of which the quickest counts
EXPORT = (  # a program: writes the graph of a checkpoint's folder, where the packages are there
    "import os, sys; os.nice(10) if hasattr(os, 'nice') else 0\n"
    "import torch; torch.set_num_threads(1)\n"
    "from cifar_core.inference.classifier import Classifier\n"
    "Classifier.load(sys.argv[1], 'cpu', 'onnxruntime')"
)


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

    kind: of classifier that they become. quick: let each go on through ONNX Runtime where that is quicker.
    """

    def __init__(
        self,
        checkpoint: str | None = None,
        kind: type[Classifier] = Classifier,
        *,
        quick: bool = False,
    ) -> None:
        first = [checkpoint] if checkpoint else []
        self.names = [*first, *(name for name in list_checkpoints() if name not in first)]
        self.speeds: dict[str, float] = {}  # milliseconds of those that were asked
        self._kind, self._quick = kind, quick
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
        served = Served(classifier, averages, _milliseconds(classifier))
        if self._quick and classifier.device.type == "cpu":
            threading.Thread(target=quicken, args=(classifier, folder), daemon=True).start()
        return served


def quicken(classifier: Classifier, folder: Path) -> None:
    """Let a classifier on the CPU answer by the quicker backend; folder: its checkpoint's."""
    model, blocks = classifier.model, classifier.blocks
    if not has_graph(model, blocks):
        environment = {**os.environ, "PYTHONPATH": str(PROJECT_ROOT)}
        subprocess.run([sys.executable, "-c", EXPORT, folder], env=environment, capture_output=True)
    if has_graph(model, blocks):
        classifier.network = network_for(model, classifier.device, "auto", blocks)


def _milliseconds(classifier: Classifier) -> float:
    """Of one pass; answers to pictures that the network is unsure of may take several."""
    gray = [Image.new("RGB", (32, 32), (128, 128, 128))]
    taken = []
    for _ in range(PASSES):
        begun = time.perf_counter()
        classifier.logits(gray)
        taken.append(time.perf_counter() - begun)
    return 1000 * min(taken)
