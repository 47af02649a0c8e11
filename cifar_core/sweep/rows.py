"""The trials of a sweep as rows: their states and accuracies, a table of them, groups that are alike."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from cifar_core.settings import as_text
from cifar_core.sweep.slots import ERROR, HOST, RUN


@dataclass(frozen=True)
class Row:
    """One trial: its slot from 1 on, its state, its parameters, and its val accuracy so far in 0..1."""

    slot: int
    number: int
    state: str
    params: Mapping[str, Any]
    accuracy: float | None
    host: str
    run: str
    error: str


# Optuna's word -> the word of a run's state.
STATES = {
    TrialState.WAITING: "waiting",
    TrialState.RUNNING: "running",
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


def row_of(slot: str, trial: FrozenTrial) -> Row:
    """The row of the trial that does a slot, or did."""
    reported = trial.intermediate_values.values()
    accuracy = trial.value if trial.state == TrialState.COMPLETE else max(reported, default=None)
    told = trial.user_attrs
    words = (str(told.get(name, "")) for name in (HOST, RUN, ERROR))
    return Row(int(slot), trial.number, STATES[trial.state], trial.params, accuracy, *words)


def describe_params(params: Mapping[str, Any]) -> str:
    """A trial's parameters as `--set` takes them."""
    return " ".join(f"{name}={short_text(value)}" for name, value in params.items())


def short_text(value: Any) -> str:
    """A value with at most four digits."""
    return f"{value:.4g}" if isinstance(value, float) else as_text(value)


def table_rows(rows: Sequence[Row]) -> list[list[str]]:
    """Head and cells of a table of trials."""
    names = list(dict.fromkeys(name for row in rows for name in row.params))
    head = ["trial", "state", *names, "val accuracy", "host", "run"]
    return [
        head,
        *(
            [
                str(row.number),
                f"{row.state}: {row.error}" if row.error else row.state,
                *(short_text(row.params[name]) if name in row.params else "–" for name in names),
                "–" if row.accuracy is None else f"{100 * row.accuracy:.2f} %",
                row.host or "–",
                row.run or "–",
            ]
            for row in rows
        ),
    ]


@dataclass(frozen=True)
class Group:
    """Finished trials that are alike in some parameters: their number, mean and deviation (n - 1) in 0..1."""

    params: Mapping[str, Any]
    n: int
    mean: float
    deviation: float | None


def grouped(rows: Sequence[Row], names: Sequence[str]) -> list[Group]:
    """The finished trials by their values of these parameters, the best group first."""
    groups: dict[tuple[Any, ...], list[float]] = {}
    for row in rows:
        if row.state == "finished" and row.accuracy is not None:
            groups.setdefault(tuple(row.params.get(name) for name in names), []).append(row.accuracy)
    found = [
        Group(
            dict(zip(names, values, strict=True)),
            len(reached),
            statistics.fmean(reached),
            statistics.stdev(reached) if len(reached) > 1 else None,
        )
        for values, reached in groups.items()
    ]
    return sorted(found, key=lambda group: -group.mean)
