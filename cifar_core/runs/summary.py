"""One line a run: what the list of runs and the recipes' cards tell about it, read once and kept."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from cifar_core.config import TrainConfig
from cifar_core.datasets import DataSet
from cifar_core.files import read_json
from cifar_core.format import run_name
from cifar_core.metrics.uncertainty import Accuracy
from cifar_core.runs.history import History, HistoryReader
from cifar_core.runs.labels import Labels, read_labels
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore, StoreError


@dataclass(frozen=True)
class Summary:
    """A run in short; `trouble` says why nothing can be told.

    rank: its place by start time among all runs, which gives its color. seconds: the time of its completed
    epochs. validation: of the weights that it keeps, as measured after their epoch, one view of each image
    (where a run monitors the test images, on these). test: what these weights' card says, with all views of
    an answer. loss: the lowest of validation, in nats. curve: the accuracy (0..1) after each epoch.
    steered: somebody changed the learning rate while it trained.
    """

    id: str
    name: str
    state: str
    created: float
    shipped: bool
    rank: int = 0
    config: TrainConfig | None = None
    epochs: int = 0
    seconds: float = 0.0
    validation: Accuracy | None = None
    test: Accuracy | None = None
    loss: float | None = None
    curve: tuple[float, ...] = ()
    steered: bool = False
    parameters: int = 0
    macs: int = 0
    device: str = ""
    mixes: bool = False
    trouble: str = ""
    labels: Labels = field(default_factory=Labels)

    @property
    def accuracy(self) -> Accuracy | None:
        """The one to judge it by: on the test images where that was measured."""
        return self.test or self.validation

    @property
    def data(self) -> DataSet | None:
        """The data set that it learned from; None where its settings cannot be read."""
        return self.config.data_set if self.config else None


def summarize_all(store: RunStore) -> list[Summary]:
    """Every run of the store in its order: own runs, newest first, then the shipped ones."""
    summaries = [summarize(run) for run in store.list()]
    by_time = sorted(summaries, key=lambda summary: (summary.created, summary.id))
    ranks = {summary.id: rank for rank, summary in enumerate(by_time)}
    names = Counter(summary.name for summary in summaries)
    unique = {one.id: f"{one.name} ({one.id})" if one.labels.name else one.id for one in summaries}
    return [
        replace(item, rank=ranks[item.id], name=item.name if names[item.name] == 1 else unique[item.id])
        for item in summaries
    ]


def labels_of(run: Run) -> Labels:
    """A run's own words; none where they cannot be read, so that the run can still be shown."""
    try:
        return read_labels(run)
    except StoreError:
        return Labels()


def name_of(run: Run) -> str:
    """The run's name: as its user says, or else by recipe and time."""
    return labels_of(run).name or run_name(run.id)


def rank_of(store: RunStore, run: Run) -> int:
    """The place of a run by start time among all runs."""
    times = sorted((other.created, other.id) for other in store.list())
    return times.index((run.created, run.id)) if (run.created, run.id) in times else len(times)


def summarize(run: Run) -> Summary:
    """One run in short; a damaged one gives its trouble in place of figures."""
    state = run.status().state
    labels = labels_of(run)
    name = labels.name or run_name(run.id)
    summary = Summary(run.id, name, state, run.created, run.shipped, labels=labels)
    try:
        config, history = run.config(), short_history(run)
    except StoreError as error:
        return replace(summary, state="damaged", trouble=str(error))
    return replace(summary, config=config, test=tested(run), **_figures(history, config))


def tested(run: Run) -> Accuracy | None:
    """What the card of the run's weights says of the test images; None where it says nothing."""
    path = run.best_checkpoint / "card.json"
    try:
        return _tested(path, path.stat().st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=4096)
def _tested(path: Path, stamp: int) -> Accuracy | None:
    """`stamp` changes with the card. A damaged one says nothing here: whoever opens the network is told."""
    try:
        test = read_json(path)["metrics"]["test"]
        share, n = float(test["accuracy"]), int(test["n"])
    except (StoreError, KeyError, TypeError, ValueError, OverflowError):
        return None
    return Accuracy(share, n) if 0 <= share <= 1 and n > 0 else None


@lru_cache(maxsize=4096)
def _short_reader(path: Path) -> HistoryReader:
    return HistoryReader(Run(path), short=True)


def short_history(run: Run) -> History:
    """The run's history without steps, mixing and answers; it is kept, and only what is new is read.

    Raises:
        StoreError: when an event is damaged.
    """
    reader = _short_reader(run.path)
    reader.refresh()
    return reader.history


def _figures(history: History, config: TrainConfig) -> dict[str, Any]:
    start = history.start
    return {
        "epochs": len(history.epochs),
        "seconds": history.seconds,
        "validation": _validation(history, config),
        "loss": min((epoch.val_loss for epoch in history.epochs), default=None),
        "curve": tuple(epoch.val_accuracy for epoch in history.epochs),
        "steered": bool(history.lr_changes),
        "parameters": start.parameters if start else 0,
        "macs": start.macs if start else 0,
        "device": start.device if start else "",
        "mixes": history.mixes,
    }


def _validation(history: History, config: TrainConfig) -> Accuracy | None:
    under_way = history.end is None and config.keeps_last and history.epochs
    kept = history.epochs[-1] if under_way else history.kept
    if kept is None or history.start is None or history.start.val_images < 1:
        return None
    split = "test" if config.monitored == "test" else "validation"
    return Accuracy(kept.val_accuracy, history.start.val_images, split)


def comparable(runs: Sequence[Summary]) -> dict[str, Accuracy]:
    """Run id -> accuracy, of all that have one, in one way: on the test images where each was measured so,
    else as after each epoch."""
    known = [run for run in runs if run.accuracy]
    if all(run.test for run in known):
        return {run.id: run.test for run in known if run.test}
    return {run.id: run.validation for run in known if run.validation}


FREE = {"seed", "precision"}  # settings in which a repeat may differ: chance and the machine


def repeats(summaries: Sequence[Summary], recipe: TrainConfig) -> list[Summary]:
    """The finished runs with a recipe's own settings, of any seed, that nobody steered."""
    return [
        one
        for one in summaries
        if one.config is not None
        and (one.state, one.steered) == ("finished", False)
        and one.accuracy
        and one.config.differences(recipe).keys() <= FREE
    ]


def same_network(summaries: Sequence[Summary], config: TrainConfig) -> Summary | None:
    """A run that has trained this very network, and so knows its size."""
    for item in summaries:
        other = item.config
        if other and item.parameters and (other.model, other.model_args) == (config.model, config.model_args):
            return item
    return None
