"""The training on own classes: which network to begin with, the button, and what to do with its runs."""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from cifar_core.config import TrainConfig
from cifar_core.data.dataset import Source
from cifar_core.files import DEFAULT_CHECKPOINT
from cifar_core.recipes import get_recipe
from cifar_core.runs.own_classes import with_own_classes
from cifar_core.runs.own_traces import runs_on
from cifar_core.runs.store import RunStore
from cifar_core.runs.summary import Summary, summarize_all
from demo.shared.format import percent
from demo.widgets.choice import choose
from demo.widgets.panels import plain, show_link
from demo.widgets.start_training import command_line, start
from demo.widgets.training_time import show_time_here

RECIPE = "own_classes"
SCRATCH = "scratch"


def bases(summaries: Sequence[Summary]) -> dict[str, Summary]:
    """Shipped networks to begin with, by name: those that mix, the default first, then the best."""
    mixing = [one for one in summaries if one.shipped and one.mixes and one.test and one.config]
    mixing.sort(key=lambda one: (one.id != DEFAULT_CHECKPOINT, -one.test.share if one.test else 0.0))
    return {one.id: one for one in mixing}


def config_for(base: Summary | None) -> TrainConfig:
    """The recipe's settings, with the network of the one that it begins with; from scratch without one."""
    config = get_recipe(RECIPE).config
    if base is None or base.config is None:
        return config.replace(start_from="")
    return config.replace(start_from=base.id, model=base.config.model, model_args=base.config.model_args)


def show_training(store: RunStore, folder: Path, found: Source) -> None:
    """Choose, press, and go on with what was trained here before."""
    summaries = summarize_all(store)
    known = bases(summaries)
    words = {
        name: f"{name}, {percent(one.test.share)} of CIFAR-10" for name, one in known.items() if one.test
    }
    options = {**words, SCRATCH: "None: from scratch"}
    base = choose(
        "base", "Begin with the network", list(options), next(iter(options)), options, "select", 420
    )
    chosen = config_for(known.get(base))
    config = with_own_classes(chosen, folder)
    if st.button("Train", type="primary"):
        start(store, config, folder)
    show_time_here(config, store, summaries)
    st.caption("The same from a terminal:")
    st.code(command_line(get_recipe(RECIPE), chosen, folder), language="bash", wrap_lines=True)
    runs = [run for run in runs_on(store, folder) if (run.best_checkpoint / "card.json").exists()]
    if runs:
        show_uses(runs[0].id)


def show_uses(run: str) -> None:
    """Where the newest network of these pictures can be used."""
    st.header("3. Use it")
    show_link("try_network", "Try it on pictures", run=run)
    show_link("mixing", "See how it mixes for each class", run=run)
    show_link("understand", "What it confuses, and whether it can be believed", run=run)
    st.caption("The classify page with this network, for a phone in the same room too:")
    st.code(f".venv/bin/python demo/app.py --checkpoint {plain(run)}", language="bash", wrap_lines=True)
