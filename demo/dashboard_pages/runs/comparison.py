"""Two to six runs side by side: curves, settings that differ, or costs; the URL holds which."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from cifar_core.config import TrainConfig
from cifar_core.metrics.uncertainty import Accuracy
from cifar_core.runs.store import RunStore, StoreError
from cifar_core.runs.summary import Summary, comparable, short_history
from cifar_core.settings import as_text
from demo.charts import OverlaidRun, line_style, overlay_chart, run_color
from demo.charts.costs import COSTS, CostRun, cost_chart
from demo.charts.overlay import distinct_ranks
from demo.charts.settings import AXIS_PIXELS, SettingsRun, columns_of, parallel_chart
from demo.shared.format import MULTIPLY_ADDS, amount, duration, listed
from demo.shared.setting_labels import label_setting
from demo.widgets.chart import show_chart
from demo.widgets.choice import choose_shown
from demo.widgets.panels import plain, show_legend, show_table


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
    sets = {(run.data.name, run.data.class_names): run.data for run in runs if run.data}
    if len(sets) < 2:
        return ""
    words = listed([f"{data.name} with {len(data.class_names)} classes" for data in sets.values()])
    return f"These runs learned from different data ({words}): their accuracies cannot be compared."


def cost_rows(runs: Sequence[Summary]) -> list[dict[str, str]]:
    """Time, size and what came of it: one row a measure, one column a run."""
    measures: dict[str, Callable[[Summary], str]] = {
        "test accuracy": lambda run: _accuracy(run.test),
        "accuracy while training": lambda run: _accuracy(run.validation),
        "training time": lambda run: duration(run.seconds) if run.epochs else "–",
        "time per epoch": lambda run: duration(run.seconds / run.epochs) if run.epochs else "–",
        "parameters": lambda run: amount(run.parameters) if run.parameters else "–",
        MULTIPLY_ADDS: lambda run: amount(run.macs) if run.macs else "–",
        "data": lambda run: run.config.data_set.title if run.config else "–",
        "device": lambda run: run.device or "–",
    }
    return [{"": name, **{run.name: measure(run) for run in runs}} for name, measure in measures.items()]


def _accuracy(one: Accuracy | None) -> str:
    """The accuracy with its standard error and its pictures."""
    if one is None:
        return "–"
    return f"{100 * one.share:.2f} ± {100 * one.error:.2f} % ({one.n:,} {one.split})"


MOST = 6
VIEWS = {view: view for view in ("curves", "settings", "costs")}  # words of the address too
WIDE_AXES = (  # a phone scrolls in it
    "<style>.st-key-axes {{ overflow-x: auto }} .st-key-axes .lab-plot {{ min-width: {}px }}</style>"
)


def with_colors(runs: Sequence[Summary]) -> list[Summary]:
    """The runs to be compared, no two of them in one color."""
    ranks = distinct_ranks(run.rank for run in runs)
    return [replace(run, rank=rank) for run, rank in zip(runs, ranks, strict=True)]


def colors_of(runs: Sequence[Summary]) -> dict[str, str]:
    """Run id -> its color in the comparison of these."""
    return {run.id: run_color(run.rank) for run in with_colors(runs)}


def show_comparison(store: RunStore, chosen: list[Summary]) -> None:
    """The chosen view of the runs that can be read; nothing for fewer than two."""
    if len(chosen) > MOST:
        st.warning(f"{len(chosen)} runs are ticked; the charts show the first {MOST}.")
    shown = [item for item in with_colors(chosen[:MOST]) if not item.trouble]
    if len(shown) < 2:
        return
    st.header("Side by side")
    view = choose_shown("View", VIEWS, "view", labeled=False)
    if different := different_pictures(shown):
        st.warning(plain(different))
    if view != "settings":  # there each line begins at its name
        show_legend((item.name, line_style(item.rank)) for item in shown)
    if view == "settings":
        show_settings(shown, ranked=not different)
    elif view == "costs":
        show_costs(shown, ranked=not different)
    else:
        show_curves(store, shown, ranked=not different)


def show_curves(store: RunStore, shown: list[Summary], ranked: bool) -> None:
    """Accuracy and loss over one another."""
    by = choose_shown("x axis", {"epoch": "epoch", "seconds": "seconds"}, "by")
    accuracies, runs = comparable(shown), []
    for item in shown:
        try:
            history = short_history(store.get(item.id))
        except StoreError as error:  # gone or damaged since the list was read
            st.error(plain(str(error)))
            continue
        smoothing = item.config.label_smoothing if item.config else 0.0
        runs.append(OverlaidRun(item.name, item.rank, history, accuracies.get(item.id), smoothing))
    for column, what in zip(st.columns(2), ("accuracy", "loss"), strict=True):
        chart = overlay_chart(runs, what, by, ranked)
        with column:
            show_chart(chart, f"overlay-{what}", f"Line chart: validation {what} of the runs")


def show_settings(shown: list[Summary], ranked: bool) -> None:
    """The settings that differ, as lines across axes and as a table."""
    settings, accuracies = differing_settings(shown), comparable(shown)
    runs = [
        SettingsRun(
            item.name,
            item.rank,
            settings[item.id],
            accuracies.get(item.id),
            item.seconds or None,
            item.parameters or None,
        )
        for item in shown
        if item.id in settings
    ]
    if len(runs) > 1:
        alt = "Parallel coordinates: differing settings, time, parameters and accuracy of the runs"
        with st.container(key="axes"):
            st.html(WIDE_AXES.format(AXIS_PIXELS * (2 + len(columns_of(runs)))))
            show_chart(parallel_chart(runs, ranked), "parallel", alt)
    rows = difference_rows(shown)
    if rows:
        show_table(rows)
    else:
        st.write("Their settings are all the same.")


def show_costs(shown: list[Summary], ranked: bool) -> None:
    """Accuracy against a cost, and all costs as a table."""
    cost = choose_shown("Cost", {cost: cost for cost in COSTS}, "cost")
    runs = cost_runs(shown, cost)
    if runs:
        alt = "Scatter chart: accuracy against what the runs cost"
        show_chart(cost_chart(runs, cost, ranked), "costs", alt)
    else:
        st.write("Nothing to draw yet: none of these runs has completed an epoch.")
    show_table(cost_rows(shown))


def cost_runs(shown: list[Summary], cost: str) -> list[CostRun]:
    """The runs of which accuracy and cost are known."""
    fields = {"time": "seconds", "parameters": "parameters", "multiply-adds": "macs"}
    accuracies = comparable(shown)
    return [
        CostRun(item.name, item.rank, accuracies[item.id], getattr(item, fields[cost]))
        for item in shown
        if item.id in accuracies and getattr(item, fields[cost])
    ]
