"""Two to six runs side by side: curves, settings that differ, or costs; the URL holds which."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from cifar_core.config import TrainConfig
from cifar_core.runs.store import RunStore, StoreError
from cifar_core.runs.summary import Summary, short_history
from cifar_core.settings import as_text
from demo.charts import OverlaidRun, line_style, overlay_chart
from demo.charts.costs import COSTS, CostRun, cost_chart
from demo.charts.settings import SettingsRun, parallel_chart
from demo.shared.format import MULTIPLY_ADDS, amount, duration, listed, percent
from demo.shared.setting_labels import label_setting
from demo.widgets.choice import choose_shown
from demo.widgets.panels import plain, show_chart, show_legend, show_table


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
        {"": label_setting(name), **{names[run_id]: as_text(own[name]) for run_id, own in settings.items()}}
        for name in next(iter(settings.values()), {})
    ]


def different_pictures(runs: Sequence[Summary]) -> str:
    """A warning where the runs are about different data, whose accuracies do not compare; else ""."""
    sets = dict.fromkeys(run.config.data for run in runs if run.config)
    if len(sets) < 2:
        return ""
    return (
        f"These runs learned from different data ({listed(list(sets))}): their accuracies cannot be compared."
    )


def cost_rows(runs: Sequence[Summary]) -> list[dict[str, str]]:
    """Time, size and what came of it: one row a measure, one column a run."""
    measures: dict[str, Callable[[Summary], str]] = {
        "best accuracy": lambda run: f"{percent(run.best)} ({run.monitored})" if run.best else "–",
        "training time": lambda run: duration(run.seconds) if run.epochs else "–",
        "time per epoch": lambda run: duration(run.seconds / run.epochs) if run.epochs else "–",
        "parameters": lambda run: amount(run.parameters) if run.parameters else "–",
        MULTIPLY_ADDS: lambda run: amount(run.macs) if run.macs else "–",
        "data": lambda run: run.config.data if run.config else "–",
        "device": lambda run: run.device or "–",
    }
    return [{"": name, **{run.name: measure(run) for run in runs}} for name, measure in measures.items()]


MOST = 6
VIEWS = {view: view for view in ("curves", "settings", "costs")}  # words of the address too
OWN_PICTURES = "each run on its own pictures"


def show_comparison(store: RunStore, chosen: list[Summary]) -> None:
    """The chosen view of the runs that can be read; nothing for fewer than two."""
    if len(chosen) > MOST:
        st.warning(f"{len(chosen)} runs are ticked; the charts show the first {MOST}.")
    shown = [item for item in chosen[:MOST] if not item.trouble]
    if len(shown) < 2:
        return
    st.header("Side by side")
    view = choose_shown("View", VIEWS, "view", labeled=False)
    if different := different_pictures(shown):
        st.warning(plain(different))
    if view != "costs":  # there each mark has its name beside it
        show_legend((item.name, line_style(item.rank)) for item in shown)
    if view == "settings":
        show_settings(shown)
    elif view == "costs":
        show_costs(shown)
    else:
        show_curves(store, shown)


def show_curves(store: RunStore, shown: list[Summary]) -> None:
    """Accuracy and loss over one another."""
    by = choose_shown("x axis", {"epoch": "epoch", "seconds": "seconds"}, "by")
    runs = []
    for item in shown:
        try:
            runs.append(OverlaidRun(item.name, item.rank, short_history(store.get(item.id))))
        except StoreError as error:  # gone or damaged since the list was read
            st.error(plain(str(error)))
    for column, what in zip(st.columns(2), ("accuracy", "loss"), strict=True):
        chart = overlay_chart(runs, what, by)
        if different_pictures(shown):
            chart = replace(chart, title=f"Validation {what}, {OWN_PICTURES}")
        with column:
            show_chart(chart, f"overlay-{what}", f"Line chart: validation {what} of the runs")


def show_settings(shown: list[Summary]) -> None:
    """The settings that differ, as lines across axes and as a table."""
    settings = differing_settings(shown)
    runs = [
        SettingsRun(
            item.name, item.rank, settings[item.id], item.best, item.seconds or None, item.parameters or None
        )
        for item in shown
        if item.id in settings
    ]
    if len(runs) > 1:
        alt = "Parallel coordinates: differing settings, time, parameters and accuracy of the runs"
        show_chart(parallel_chart(runs), "parallel", alt)
    rows = difference_rows(shown)
    if rows:
        show_table(rows)
    else:
        st.write("Their settings are all the same.")


def show_costs(shown: list[Summary]) -> None:
    """Accuracy against a cost, and all costs as a table."""
    cost = choose_shown("Cost", {cost: cost for cost in COSTS}, "cost")
    runs = cost_runs(shown, cost)
    if runs:
        alt = "Scatter chart: best validation accuracy against what the runs cost"
        chart = cost_chart(runs, cost)
        if different_pictures(shown):
            chart = replace(chart, title=f"Validation accuracy and cost, {OWN_PICTURES}")
        show_chart(chart, "costs", alt)
    else:
        st.write("Nothing to draw yet: none of these runs has completed an epoch.")
    show_table(cost_rows(shown))


def cost_runs(shown: list[Summary], cost: str) -> list[CostRun]:
    """The runs of which accuracy and cost are known."""
    fields = {"time": "seconds", "parameters": "parameters", "multiply-adds": "macs"}
    return [
        CostRun(item.name, item.rank, item.best, getattr(item, fields[cost]))
        for item in shown
        if item.best is not None and getattr(item, fields[cost])
    ]
