"""The networks that mix, with their weights, their recorded epochs, or both."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from cifar_core.errors import LabError
from cifar_core.inference.held_out import HeldOut, config_of, splits_of
from cifar_core.runs.events import Epoch
from cifar_core.runs.history import History
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore
from cifar_core.runs.summary import summarize_all
from demo.widgets.evaluation_pictures import select_pictures
from demo.widgets.networks import Network, list_networks, network_of
from demo.widgets.panels import plain
from demo.widgets.picture_choice import Picked, choose_picture

if TYPE_CHECKING:
    from cifar_core.checkpoint import Card
    from cifar_core.explain.mixing import WhatIf


MEASURED = 500  # pictures of an accuracy
LOADING = "Loading the network; the first time takes a few seconds"


@dataclass(frozen=True)
class MixingNetwork:
    """A network that mixes. weights: where they lie, if saved; run: what tells its epochs, if any."""

    id: str
    name: str
    weights: Network | None
    run: Run | None


@dataclass(frozen=True)
class Record:
    """A run's record of its mix: the epochs in which it was measured, and which one's weights are kept.

    start_temperature: of the softmax at the start; `softmax` is False where coefficients are sigmoids.
    """

    epochs: tuple[Epoch, ...]
    kept: int
    class_names: tuple[str, ...]
    start_temperature: float
    softmax: bool

    def at(self, number: int) -> Epoch:
        """The epoch with this number, or else the last one."""
        return next((epoch for epoch in self.epochs if epoch.epoch == number), self.epochs[-1])


def list_mixing(store: RunStore) -> list[MixingNetwork]:
    """Runs and checkpoints that mix: the user's, newest first, then the shipped ones."""
    weights = {network.id: network for network in list_networks(store)}
    found = []
    for summary in summarize_all(store):
        own = weights.pop(summary.id, None)
        if summary.mixes:
            found.append(MixingNetwork(summary.id, summary.name, own, store.get(summary.id)))
            continue
        told = not summary.trouble and summary.parameters > 0  # its events have said what its network is
        if own is not None and not told and _weights_mix(own.folder, own.stamp):
            damaged = store.get(summary.id) if summary.trouble else None  # read, it says what is wrong
            found.append(MixingNetwork(summary.id, summary.name, own, damaged))
    others = [own for own in weights.values() if _weights_mix(own.folder, own.stamp)]
    return found + [MixingNetwork(own.id, own.name, own, None) for own in others]


def record_of(run: Run) -> Record | None:
    """A run's record of its mix, None before its first epoch; raises StoreError when it is damaged."""
    return _read_record(run.path, run.events_size())


@lru_cache(maxsize=64)
def _weights_mix(folder: Path, stamp: int) -> bool:
    """Return whether the network that a card names mixes; read again when `stamp` changes."""
    import torch

    from cifar_core.checkpoint import CheckpointError, load_card
    from cifar_core.models import ModelError, create_model

    try:
        card = load_card(folder)
        with torch.device("meta"):
            return bool(create_model(card.model, **card.model_args).mixing_blocks())
    except (CheckpointError, ModelError, RuntimeError):
        return False


@lru_cache(maxsize=8)
def _read_record(path: Path, events_size: int) -> Record | None:
    run = Run(path)
    history, config = History.of(run), run.config()
    epochs = tuple(epoch for epoch in history.epochs if epoch.mixing)
    if not epochs:
        return None
    kept = history.kept
    number = kept.epoch if kept else epochs[-1].epoch
    names = config.data_set.class_names
    softmax = config.model_args.get("activation", "softmax") == "softmax"
    return Record(epochs, number, names, config.mixing_temperature, softmax)


@st.cache_resource(max_entries=3, show_spinner=False)
def _what_if_of(folder: Path, stamp: int) -> "WhatIf":
    """The loaded network, for everyone; better weights, which have another stamp, load anew."""
    from cifar_core.explain.mixing import WhatIf

    try:
        return WhatIf(network_of(folder, stamp))
    except ValueError as error:
        raise LabError(str(error)) from None


def opened(network: MixingNetwork) -> "WhatIf | None":
    """The loaded network; None, after a sentence on the page, where no weights can be loaded."""
    if network.weights is None:
        st.write(
            "This run has no saved weights yet, so there is no network to load; its epochs can still be seen."
        )
        return None
    try:
        with st.spinner(LOADING):
            return _what_if_of(network.weights.folder, network.weights.stamp)
    except LabError as error:
        st.error(plain(str(error)))
        return None


def opened_on_picture(network: MixingNetwork) -> "tuple[WhatIf, Network, Picked] | None":
    """The loaded network, where its weights lie, and the picture that the reader picks for it.

    None, after a sentence on the page, as long as one of them is missing.
    """
    what_if = opened(network)
    if what_if is None or network.weights is None:
        return None
    picked = choose_picture(network.weights, what_if.card.class_names)
    return None if picked is None else (what_if, network.weights, picked)


def measured_pictures(network: Network, card: "Card") -> HeldOut:
    """The pictures of an accuracy: validation pictures, or test pictures where the run set none aside.

    Raises:
        LabError: when there are none on this machine, or none that fit the network.
    """
    with st.spinner("Opening the pictures"):
        return select_pictures(network, card, splits_of(config_of(card))[0], MEASURED)
