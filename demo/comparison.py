"""Two and more runs side by side as rows of words: the settings that differ, and what each run cost."""

from collections.abc import Callable, Sequence

from demo.form import as_text
from demo.summaries import Summary
from demo.words import amount, duration, percent


def difference_rows(runs: Sequence[Summary]) -> list[dict[str, str]]:
    """One row for each setting in which the runs are not all alike, one column a run."""
    configs = [run.config for run in runs if run.config is not None]
    names = {name for config in configs[1:] for name in configs[0].differences(config)}
    return [
        {"setting": name, **{run.name: as_text(run.config.to_json()[name]) for run in runs if run.config}}
        for name in (configs[0].to_json() if configs else ())
        if name in names
    ]


def cost_rows(runs: Sequence[Summary]) -> list[dict[str, str]]:
    """Time, size and what came of it: one row a measure, one column a run."""
    measures: dict[str, Callable[[Summary], str]] = {
        "best accuracy": lambda run: f"{percent(run.best)} ({run.watched})" if run.best else "–",
        "training time": lambda run: duration(run.seconds) if run.epochs else "–",
        "time an epoch": lambda run: duration(run.seconds / run.epochs) if run.epochs else "–",
        "parameters": lambda run: amount(run.parameters) if run.parameters else "–",
        "MAC a picture": lambda run: amount(run.macs) if run.macs else "–",
        "device": lambda run: run.device or "–",
    }
    return [{"": name, **{run.name: measure(run) for run in runs}} for name, measure in measures.items()]
