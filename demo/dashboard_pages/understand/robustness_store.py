"""Where measurements of robustness are kept: a run's in its own folder, a shipped network's in the cache."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from cifar_core.data.cache import default_cache_dir
from cifar_core.explain.robustness import Robustness, load
from cifar_core.runs.store import RunStore, UnknownRun
from cifar_core.runs.summary import rank_of
from demo.charts.robustness import MeasuredRun
from demo.widgets.networks import Network, TrainedNetworkError


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
    return run.path / "robustness.json"


@st.cache_data(max_entries=100, show_spinner=False)
def weights_mark(folder: Path, stamp: int) -> str:
    """A key for a network's weights; `stamp` changes with them. Raises TrainedNetworkError."""
    try:
        content = (folder / "weights.safetensors").read_bytes()
    except OSError as error:
        raise TrainedNetworkError(f"The weights in {folder} cannot be read: {error.strerror}.") from None
    return hashlib.sha256(content).hexdigest()[:16]


def known_of(store: RunStore, network: Network, pictures: str) -> Robustness | None:
    """What was measured of the network's weights on pictures with this key, perhaps in part."""
    mark = weights_mark(network.folder, network.stamp)
    kept = load(robustness_file(store, network))
    return next((one for one in kept if (one.pictures, one.weights) == (pictures, mark)), None)


def measured_runs(store: RunStore, networks: Sequence[Network], pictures: str) -> list[MeasuredRun]:
    """All networks that were measured wholly on pictures with this key; damaged ones are left out."""
    found = []
    for network in networks:
        try:
            known = known_of(store, network, pictures)
        except (TrainedNetworkError, OSError):
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
