"""The training on own classes: which network to begin with, the button, and what to do with its runs."""

from pathlib import Path

import streamlit as st

from cifar_core.checkpoint import load_cards
from cifar_core.config import TrainConfig
from cifar_core.data.dataset import Source
from cifar_core.files import DEFAULT_CHECKPOINT, checkpoints_dir
from cifar_core.recipes import get_recipe
from cifar_core.runs.own_classes import with_own_classes
from cifar_core.runs.own_traces import runs_on
from cifar_core.runs.store import RunStore
from cifar_core.runs.summary import summarize_all
from demo.shared.format import percent
from demo.widgets.choice import choose
from demo.widgets.panels import plain, show_link
from demo.widgets.start_training import command_line, start
from demo.widgets.training_time import show_time_here

RECIPE = "own_classes"
SCRATCH = "scratch"


def bases() -> dict[str, str]:
    """Networks to begin with, by name, each with a word on it: those that mix, the default first."""
    cards = {name: card for name, card in load_cards(checkpoints_dir()).items() if "mixing" in card.model}
    names = sorted(
        cards, key=lambda name: (name != DEFAULT_CHECKPOINT, -cards[name].metrics["test"]["accuracy"])
    )
    words = {
        name: f"{name}, {percent(cards[name].metrics['test']['accuracy'])} of CIFAR-10" for name in names
    }
    return {**words, SCRATCH: "None: from scratch"}


def config_for(base: str) -> TrainConfig:
    """The recipe's settings, with the network of the one that it begins with."""
    config = get_recipe(RECIPE).config
    if base == SCRATCH:
        return config.replace(start_from="")
    card = load_cards(checkpoints_dir())[base]
    return config.replace(start_from=base, model=card.model, model_args=card.model_args)


def show_training(store: RunStore, folder: Path, found: Source) -> None:
    """Choose, press, and go on with what was trained here before."""
    options = bases()
    first = next(iter(options))
    base = choose("base", "Begin with the network", list(options), first, options, "select", 420)
    config = with_own_classes(config_for(base), folder)
    if st.button("Train", type="primary"):
        start(store, config, folder)
    show_time_here(config, store, summarize_all(store))
    st.caption("The same from a terminal:")
    st.code(command_line(get_recipe(RECIPE), config_for(base), folder), language="bash", wrap_lines=True)
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
