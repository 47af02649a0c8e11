"""Kept measurements of robustness: a run's in its own folder, a shipped network's in the cache.

What was shipped with a network lies beside its weights.
"""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from cifar_core.data.cache import default_cache_dir
from cifar_core.errors import LabError
from cifar_core.explain.robustness import FILE, Robustness, load
from cifar_core.runs.store import RunStore, UnknownRun
from cifar_core.runs.summary import rank_of
from demo.charts.robustness import MeasuredRun
from demo.widgets.networks import Network


def robustness_file(store: RunStore, network: Network) -> Path:
    """The file of a network's measurements, which may not exist yet."""
    try:
        run = store.get(network.id)
    except UnknownRun:
        run = None
    if run is None or run.shipped:
        folder = default_cache_dir() / "robustness"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{network.id}.json"
    return run.path / FILE


@st.cache_data(max_entries=100, show_spinner=False)
def version_of(folder: Path, stamp: int) -> str:
    """The version of a network's weights; `stamp` changes with them. Raises CheckpointError."""
    from cifar_core.checkpoint import weights_version  # torch

    return weights_version(folder)


def known_of(store: RunStore, network: Network, pictures: str) -> Robustness | None:
    """The measurement of the network's weights on pictures with this key, perhaps in part.

    Earlier measurements name the weights by more digits of the same hash. Raises CheckpointError.
    """
    version = version_of(network.folder, network.stamp)
    kept = [*load(network.folder / FILE), *load(robustness_file(store, network))]
    fitting = [one for one in kept if one.pictures == pictures and one.weights.startswith(version)]
    return max(fitting, key=lambda one: one.is_whole, default=None)


def measured_runs(store: RunStore, networks: Sequence[Network], pictures: str) -> list[MeasuredRun]:
    """All networks that were measured wholly on pictures with this key; damaged ones are left out."""
    found = []
    for network in networks:
        try:
            known = known_of(store, network, pictures)
        except (LabError, OSError):
            continue
        if known is not None and known.is_whole:
            found.append(MeasuredRun(network.name, _rank(store, network), known))
    return found


def _rank(store: RunStore, network: Network) -> int:
    """The network's place among all runs, which gives its color."""
    try:
        return rank_of(store, store.get(network.id))
    except UnknownRun:
        return len(store.list())
