"""Two and more runs side by side as rows of words: the settings that differ, and what each run cost."""

from collections.abc import Callable, Sequence
from typing import Any

from cifar_core.config import TrainConfig
from demo.form import as_text
from demo.summaries import Summary
from demo.words import MULTIPLY_ADDS, amount, duration, listed, percent


def differing_settings(runs: Sequence[Summary]) -> dict[str, dict[str, Any]]:
    """Run id -> the settings in which the runs are not all alike, in the config's order, as JSON values."""
    configs = {run.id: run.config for run in runs if run.config is not None}
    first, *others = configs.values() or [TrainConfig()]
    names = {name for config in others for name in first.differences(config)}
    return {
        run_id: {name: value for name, value in config.to_json().items() if name in names}
        for run_id, config in configs.items()
    }


def difference_rows(runs: Sequence[Summary]) -> list[dict[str, str]]:
    """One row for each setting in which the runs are not all alike, one column a run."""
    settings = differing_settings(runs)
    names = {run.id: run.name for run in runs}
    return [
        {"": name, **{names[run_id]: as_text(own[name]) for run_id, own in settings.items()}}
        for name in next(iter(settings.values()), {})
    ]


def different_pictures(runs: Sequence[Summary]) -> str:
    """A warning where the runs are about different data, whose accuracies do not compare; else ""."""
    sets = dict.fromkeys(run.config.data for run in runs if run.config)
    if len(sets) < 2:
        return ""
    return f"These runs learned from different data ({listed(list(sets))}): their accuracies do not compare."


def cost_rows(runs: Sequence[Summary]) -> list[dict[str, str]]:
    """Time, size and what came of it: one row a measure, one column a run."""
    measures: dict[str, Callable[[Summary], str]] = {
        "best accuracy": lambda run: f"{percent(run.best)} ({run.watched})" if run.best else "–",
        "training time": lambda run: duration(run.seconds) if run.epochs else "–",
        "time an epoch": lambda run: duration(run.seconds / run.epochs) if run.epochs else "–",
        "parameters": lambda run: amount(run.parameters) if run.parameters else "–",
        MULTIPLY_ADDS: lambda run: amount(run.macs) if run.macs else "–",
        "data": lambda run: run.config.data if run.config else "–",
        "device": lambda run: run.device or "–",
    }
    return [{"": name, **{run.name: measure(run) for run in runs}} for name, measure in measures.items()]
