"""Fold-outs under a run: its settings, the machine it ran on, and the end of its log."""

import streamlit as st

from cifar_core.config import ConfigError, TrainConfig
from cifar_core.format import describe_schedule
from cifar_core.recipes import get_recipe
from cifar_core.runs.history import History
from cifar_core.runs.run import Run
from cifar_core.settings import as_text
from demo.shared.format import MULTIPLY_ADDS, amount, when
from demo.shared.setting_labels import label_setting
from demo.widgets.panels import show_facts, show_table

EMPTY_LOG = "The log is empty: the run was started from a terminal, or has printed nothing yet."


def show_details(run: Run, history: History) -> None:
    """Three fold-outs."""
    with st.expander("Settings"):
        show_table(settings_rows(run.config()))
    with st.expander("Machine, data and network"):
        show_facts(machine_facts(run, history))
    if not run.shipped:
        with st.expander("Log"):
            show_log(run.log_tail())


def show_log(text: str) -> None:
    """The end of a log; long lines wrap, as a phone has no room to scroll in."""
    if text:
        st.code(text, language=None, wrap_lines=True)
    else:
        st.caption(EMPTY_LOG)


def settings_rows(config: TrainConfig) -> list[dict[str, str]]:
    """Each setting with its value and, where it was changed, the recipe's."""
    try:
        changes = config.differences(get_recipe(config.recipe).config)
    except ConfigError:  # a recipe of another version
        changes = {}
    return [
        {
            "setting": label_setting(name),
            "value": as_text(value),
            "recipe": as_text(changes[name][1]) if name in changes else "",
        }
        for name, value in config.to_json().items()
    ]


def machine_facts(run: Run, history: History) -> list[tuple[str, str]]:
    """As (label, value): what the run's first event says about where and on what it was trained."""
    start = history.start
    if start is None:
        return [("Started", when(run.created))]
    size = f"{amount(start.parameters)} parameters, {amount(start.macs)} {MULTIPLY_ADDS}"
    changes = [
        f"{describe_schedule(event.factor)} after step {event.step:,} ({when(event.time)})"
        for event in history.lr_changes
    ]
    rows = {
        "Started": when(run.created or start.time),
        "Network": f"{start.model}, {size}",
        "Pictures": f"{start.train_images:,} for training, {start.val_images:,} for {history.monitored}",
        "Data": start.data_source,
        "Data fingerprint": start.data_fingerprint,
        "Device": f"{start.device}, {start.precision}, {start.threads} threads",
        "Versions": ", ".join(f"{name} {version}" for name, version in start.versions.items()),
        "Learning rate": "; ".join(changes) or "as scheduled",
        "Resumed": ", ".join(f"after step {event.step:,}" for event in history.resumes) or "never",
    }
    return list(rows.items())
