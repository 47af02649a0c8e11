"""Search settings: ranges beside the form's values, and a sweep as a process of its own."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import streamlit as st

from cifar_core.config import FieldSpec, TrainConfig
from cifar_core.errors import LabError, sentence_of
from cifar_core.recipes import Recipe
from cifar_core.runs.store import RunStore
from cifar_core.settings import as_text
from cifar_core.sweep.launch import launch_sweep
from cifar_core.sweep.ranges import (
    FORMS,
    MOST_TRIALS,
    TRIALS_BY_DEFAULT,
    parse_search,
    searchable_settings,
)
from cifar_core.sweep.storage import default_storage
from demo.dashboard_pages.train.form import limits
from demo.shared.setting_labels import label_setting
from demo.widgets.panels import FROM_BELOW, plain
from demo.widgets.start_training import command_line

EXPLANATION = (
    "Many trainings with the settings above, each with other values of those chosen here: Optuna picks them, "
    "and ends a run that is worse than the median after an epoch. Values are chosen by the validation "
    "pictures, never by the test pictures."
)
MISSING = "Needs Optuna, the extra “sweep”: pip install optuna"
FORM_HELP = f"A range as low:high or low:high:log, or choices with commas: {FORMS}."
FIRST = ("lr",)
NOT_OFFERED = ("start_from", "teachers")  # names of checkpoints, which no list to begin with could guess
FIRST_CHOICES = {"tta": ("1", "2", "6"), "model": ("mixing_lite", "resnet_light")}
WIDER = 4  # times larger or smaller than the value, at first


def show_sweep(
    store: RunStore, recipe: Recipe, config: TrainConfig, folder: Path | None, unusable: bool
) -> None:
    """A fold-out: what is searched in which range, how many trials, and the button."""
    with st.expander("Search settings", key="sweep"):
        if find_spec("optuna") is None:
            st.caption(MISSING)
            return
        st.caption(EXPLANATION)
        words = choose_ranges(recipe, config)
        left, right = st.columns(2, vertical_alignment="bottom")
        trials = left.number_input(
            "Trials", 1, MOST_TRIALS, TRIALS_BY_DEFAULT, key="sweep:trials", persist_state="session"
        )
        key = f"sweep-name:{recipe.name}"
        st.session_state.setdefault(key, recipe.name)
        name = right.text_input("Name of the study", key=key, persist_state="session", help=NAME_HELP)
        prune = st.checkbox("End weak trials early", True, key="sweep:prune", persist_state="session")
        try:
            parse_search(words, config)
            trouble = ""
        except LabError as error:
            trouble = str(error)
            st.error(plain(trouble))
        if st.button("Start the sweep", disabled=unusable or bool(trouble)):
            start_sweep(store, config, words, str(name).strip(), trials, prune, folder)
        more = ["--search", *words, "--trials", str(trials), "--study", str(name)]
        more += [] if prune else ["--no-prune"]
        st.code(command_line(recipe, config, folder, "sweep", more), language="bash", wrap_lines=True)


NAME_HELP = (
    "A study that is there already is gone on with, if it searches the same; its runs carry it as a tag."
)


def choose_ranges(recipe: Recipe, config: TrainConfig) -> list[str]:
    """The searched settings with their ranges, as the command line takes them."""
    specs = offered_settings()
    chosen = st.multiselect(
        "Settings to search",
        list(specs),
        FIRST,
        format_func=label_setting,
        key=f"sweep:{recipe.name}",
        persist_state="session",
    )
    words = []
    for index in range(0, len(chosen), 2):
        for column, name in zip(st.columns(2), chosen[index : index + 2], strict=False):
            spec, key = specs[name], f"sweep:{recipe.name}:{name}"
            value = getattr(config, name)
            st.session_state.setdefault(key, first_range(spec, value))
            label = plain(f"{label_setting(name)} · now {as_text(value)}")
            allowed = limits(spec) or ", ".join(spec.choices)
            help = plain(f"{FORM_HELP} {f'Allowed: {allowed}.' if allowed else ''}")
            text = column.text_input(label, key=key, help=help, persist_state="session")
            words.append(f"{name}={str(text).strip()}")
    return words


def offered_settings() -> dict[str, FieldSpec]:
    """The settings that the page offers to search, by name."""
    return {name: spec for name, spec in searchable_settings().items() if name not in NOT_OFFERED}


def first_range(spec: FieldSpec, value: Any) -> str:
    """A range around a value to begin with, or choices."""
    if spec.name in FIRST_CHOICES:
        return ",".join(dict.fromkeys([*FIRST_CHOICES[spec.name], as_text(value)]))
    if spec.choices:
        return ",".join(spec.choices)
    if spec.type is bool:
        return "false,true"
    if spec.name == "seed":  # chance has no slope
        return f"{value},{value + 1},{value + 2}"
    lowest, highest = spec.minimum or 0, spec.maximum
    low = max(lowest, spec.type(value / WIDER))
    high = spec.type(value * WIDER) or 2
    high = high if highest is None else min(highest, high)
    log = ":log" if spec.type is float and low > 0 and high / low > 2 * WIDER else ""
    return f"{low:g}:{high:g}{log}"


def start_sweep(
    store: RunStore,
    config: TrainConfig,
    words: list[str],
    name: str,
    trials: int,
    prune: bool,
    folder: Path | None,
) -> None:
    """Begin the study, start its process, and follow it on Runs."""
    from cifar_core.sweep.study import Plan, open_sweep

    storage = default_storage(store.root)
    try:
        with open_sweep(storage, name, Plan(config, parse_search(words, config), prune), trials):
            pass
        launch_sweep(store, storage, name, folder)
    except (LabError, OSError) as error:
        st.error(plain(sentence_of(error)))
    else:
        st.session_state[FROM_BELOW] = True
        st.switch_page("dashboard_pages/runs/page.py", query_params={"study": name})
