"""One line a run: what the list of runs and the recipes' cards tell about it, read once and kept."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from cifar_core.config import TrainConfig
from cifar_core.format import run_name
from cifar_core.runs.history import History, HistoryReader
from cifar_core.runs.labels import Labels, read_labels
from cifar_core.runs.store import Run, RunStore, StoreError


@dataclass(frozen=True)
class Summary:
    """A run in short. Accuracies in 0..1, `loss` the lowest in nats; `seconds` is the time of its completed
    epochs; `rank` its place by start time among all runs, which gives its color; `trouble` says why nothing
    can be told."""

    id: str
    name: str
    state: str
    created: float
    shipped: bool
    rank: int = 0
    config: TrainConfig | None = None
    epochs: int = 0
    seconds: float = 0.0
    best: float | None = None
    loss: float | None = None
    curve: tuple[float, ...] = ()
    parameters: int = 0
    macs: int = 0
    device: str = ""
    mixes: bool = False
    trouble: str = ""
    labels: Labels = field(default_factory=Labels)

    @property
    def monitored(self) -> str:
        """The pictures of its accuracies, in a word: "validation" or "test"."""
        return "test" if self.config and self.config.monitored == "test" else "validation"


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
        return replace(summary, config=run.config(), **_figures(short_history(run)))
    except StoreError as error:
        return replace(summary, state="damaged", trouble=str(error))


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


def _figures(history: History) -> dict[str, Any]:
    start, best = history.start, history.best
    return {
        "epochs": len(history.epochs),
        "seconds": history.seconds,
        "best": best.val_accuracy if best else None,
        "loss": min((epoch.val_loss for epoch in history.epochs), default=None),
        "curve": tuple(epoch.val_accuracy for epoch in history.epochs),
        "parameters": start.parameters if start else 0,
        "macs": start.macs if start else 0,
        "device": start.device if start else "",
        "mixes": history.mixes,
    }


def best_of_recipe(summaries: Sequence[Summary], recipe: str) -> Summary | None:
    """The user's run of a recipe with the highest accuracy so far; without any, the shipped one."""
    known = [item for item in summaries if item.best and item.config and item.config.recipe == recipe]
    own = [item for item in known if not item.shipped]
    return max(own or known, key=lambda item: item.best or 0.0, default=None)


def same_network(summaries: Sequence[Summary], config: TrainConfig) -> Summary | None:
    """A run that has trained this very network, and so knows its size."""
    for item in summaries:
        other = item.config
        if other and item.parameters and (other.model, other.model_args) == (config.model, config.model_args):
            return item
    return None
