"""A trained network on pictures it has never seen: which networks there are, which pictures, what it says.

PyTorch is imported only when a network is loaded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cifar_core.config import TrainConfig
from cifar_core.datasets import CIFAR10, DataSet
from cifar_core.files import checkpoints_dir
from cifar_core.runs.store import RunStore, StoreError
from cifar_core.runs.summary import name_of
from demo.widgets.choice import choose
from demo.widgets.panels import plain

if TYPE_CHECKING:
    from cifar_core.data import ImageData
    from cifar_core.inference.classifier import Classifier
    from cifar_core.inference.prediction import Prediction


SHOWN = 12
TOP = 3


@st.cache_resource(max_entries=3, show_spinner=False)
def network_of(folder: Path, stamp: int) -> "Classifier":
    """Return a checkpoint's network on the processor; `stamp` makes better weights load anew.

    Raises:
        CheckpointError: when it is missing or damaged.
    """
    import torch

    from cifar_core.inference.classifier import Classifier

    torch.set_num_threads(1)  # a run may be training beside this page
    return Classifier.load(folder, device="cpu")


@st.cache_resource(max_entries=2, show_spinner=False)
def pictures_of(data: DataSet, data_dir: Path | None) -> "ImageData":
    """Return a whole data set that is on this machine; nothing is downloaded. Raises DataError."""
    from cifar_core.data import load_data

    return load_data(data_dir, source=data, download=False)


@dataclass(frozen=True)
class Network:
    """A checkpoint that can be tried; `data` and `data_dir` say which pictures it belongs to."""

    id: str
    name: str
    folder: Path
    data: DataSet = CIFAR10
    data_dir: Path | None = None

    @property
    def stamp(self) -> int:
        """Changes when better weights take the place of these."""
        return (self.folder / "card.json").stat().st_mtime_ns


def list_networks(store: RunStore) -> list[Network]:
    """The best weights of each run that has any, newest first, then the shipped checkpoints."""
    networks = []
    for run in store.list():
        if (run.best_checkpoint / "card.json").exists():
            data = _data_of(run.config)
            networks.append(Network(run.id, name_of(run), run.best_checkpoint, data, run.data_dir))
    known = {network.folder for network in networks}
    shipped = [card.parent for card in sorted(checkpoints_dir().glob("*/card.json"))]
    return networks + [Network(path.name, path.name, path) for path in shipped if path not in known]


def _data_of(read_config: Any) -> DataSet:
    try:
        config: TrainConfig = read_config()
    except StoreError:
        return CIFAR10
    return config.data_set


def draw(total: int, seed: int, count: int = SHOWN) -> NDArray[np.int64]:
    """`count` different picture numbers out of `total`, the same for the same seed."""
    return np.random.default_rng(seed).permutation(total)[:count].astype(np.int64)


def right(prediction: "Prediction", truth: str) -> bool:
    """Return whether the most probable class is the true one."""
    return bool(prediction.top[0][0] == truth)


def describe_score(predictions: Sequence["Prediction"], truths: Sequence[str]) -> str:
    """The number of pictures on the page that are right."""
    hits = sum(right(prediction, truth) for prediction, truth in zip(predictions, truths, strict=True))
    return f"{hits} of these {len(truths)} pictures are right"


class Named(Protocol):
    """A thing that can be chosen: an id for the address, a name for the reader."""

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...


Choice = TypeVar("Choice", bound=Named)


def choose_network(networks: Sequence[Choice], first: str, lack: str, forgets: Sequence[str] = ()) -> Choice:
    """The network that the address (?run=…) or the reader names; else the one called `first`, or the first.

    lack: what a network must lack that is not among `networks`, for the sentence that tells of it. forgets:
    choices that begin anew with another network.
    """
    names = {network.id: network.name for network in networks}
    default = first if first in names else networks[0].id
    wanted = st.query_params.get("run", default)
    if wanted not in names:
        st.write(plain(f"{wanted} {lack}; here is another network."))
    chosen = choose("run", "Network", list(names), default, names, "select", forgets=forgets)
    return next(network for network in networks if network.id == chosen)
