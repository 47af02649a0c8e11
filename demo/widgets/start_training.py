"""The start of a training from a page, and the command that does the same."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from cifar_core.config import TrainConfig
from cifar_core.errors import LabError, sentence_of
from cifar_core.recipes import Recipe
from cifar_core.runs import launch
from cifar_core.runs.store import RunStore
from cifar_core.settings import as_text
from demo.widgets.panels import FROM_BELOW, plain

HANDED = "handed settings"  # in the session, on their way to the form


def start(store: RunStore, config: TrainConfig, folder: Path | None) -> None:
    """Make the run, start its process and show it."""
    try:
        run = store.create(config, folder)
        launch.launch(run)
    except (LabError, OSError) as error:
        st.error(plain(sentence_of(error)))
    else:
        st.session_state[FROM_BELOW] = True
        st.switch_page("dashboard_pages/live/page.py", query_params={"run": run.id})


def command_line(
    recipe: Recipe,
    config: TrainConfig,
    data_dir: Path | None,
    command: str = "train",
    more: Sequence[str] = (),
) -> str:
    """The shell command that starts the same run, or with `command` and `more` the same sweep."""
    words = ["python", "-m", "cifar_core", command, "--recipe", recipe.name, *more]
    for name, (value, _) in config.differences(recipe.config).items():
        words += ["--set", f"{name}={as_text(value)}"]
    if data_dir is not None:
        words += ["--data-dir", str(data_dir)]
    return shlex.join(words)


def hand_over(config: TrainConfig) -> None:
    """Show settings as the form of the Train page, whose recipe they name."""
    st.session_state[HANDED] = config
    st.switch_page("dashboard_pages/train/page.py", query_params={"recipe": config.recipe})


def handed_over(recipe: Recipe) -> TrainConfig | None:
    """The settings that `hand_over` left for this recipe's form, once."""
    config = st.session_state.get(HANDED)
    if config is None or config.recipe != recipe.name:
        return None
    del st.session_state[HANDED]
    return config
