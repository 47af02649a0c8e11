"""The labeled pictures that a network is looked at on: those its run set aside, or the test pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cifar_core.config import ConfigError, TrainConfig
from demo.shared.format import counted
from demo.shared.host import is_public
from demo.widgets.choice import choose
from demo.widgets.networks import Network, TrainedNetworkError, draw, pictures_of

if TYPE_CHECKING:
    from cifar_core.checkpoint import Card
    from cifar_core.data import ImageData


SPLIT_TEXT = {"val": "validation", "test": "test"}


@dataclass(frozen=True)
class Pictures:
    """Some pictures of a split: images (N, 3, 32, 32) uint8, targets (N,); `total` is the whole split's size.

    key names them in a cache: the same key, the same pictures. strange: the data is not what the network
    was trained on, so that it may have seen pictures that are called validation here.
    """

    images: NDArray[np.uint8]
    targets: NDArray[np.int64]
    class_names: tuple[str, ...]
    split: str
    total: int
    key: str
    strange: bool = False

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def words(self) -> str:
        """How many and which: "200 of the 500 test pictures"."""
        kind = f"{SPLIT_TEXT[self.split]} picture"
        if len(self) < self.total:
            return f"{len(self):,} of the {self.total:,} {kind}s"
        return f"all {counted(self.total, kind)}"


def config_of(card: "Card") -> TrainConfig:
    """The settings of the run that made a checkpoint; raises TrainedNetworkError when they are damaged."""
    try:
        return TrainConfig.from_json({**TrainConfig().to_json(), **card.config})
    except (ConfigError, TypeError, OverflowError) as error:
        raise TrainedNetworkError(f"The settings in this network's card are damaged: {error}") from None


def splits_of(config: TrainConfig) -> list[str]:
    """ "val" where the run set pictures aside, and "test"."""
    return ["test"] if config.monitored == "test" else ["val", "test"]


def data_of(network: Network, card: "Card") -> "ImageData":
    """The data set that a network belongs to.

    Raises:
        TrainedNetworkError: when it is not on this machine, or has other classes than the network.
    """
    data = pictures_of(config_of(card).data, network.data_dir)
    if list(data.class_names) != card.class_names:
        theirs, ours = ", ".join(data.class_names), ", ".join(card.class_names)
        raise TrainedNetworkError(
            f"The pictures show {theirs}, and the network knows {ours}: name its own data."
        )
    return data


def select_pictures(network: Network, card: "Card", split: str, count: int) -> Pictures:
    """`count` pictures of a split, 0 all, the same each time. Raises TrainedNetworkError."""
    from cifar_core.data import DataError, held_out

    config, data = config_of(card), data_of(network, card)
    try:
        source, places = held_out(data, split, config.val_size, config.split_seed)
    except DataError as error:
        raise TrainedNetworkError(f"The validation pictures cannot be cut from this data: {error}") from None
    chosen = places if count in (0, len(places)) else places[np.sort(draw(len(places), 0, count))]
    return Pictures(
        np.asarray(source.images[chosen]),
        np.asarray(source.targets[chosen]),
        data.class_names,
        split,
        len(places),
        f"{split}-{len(chosen)}-{data.fingerprint[:16]}",
        data.fingerprint != card.data_fingerprint,
    )


def describe_pictures(pictures: Pictures) -> str:
    """Which pictures these are, and what follows from that."""
    drawn = ", drawn by a fixed seed" if len(pictures) < pictures.total else ""
    which = f"{pictures.words[:1].upper()}{pictures.words[1:]}{drawn}"
    if pictures.split == "test":
        return f"{which}: to look at, not to choose by."
    if pictures.strange:
        return f"{which}; this is not the data that it was trained on, so it may have learned some of them."
    return f"{which}: its run set them aside and never trained on them."


COUNTS = (200, 500, 1000, 0)  # how many pictures can be asked for; 0 is all
FEW_COUNTS = (100, 200, 500, 1000)  # where each picture is looked at dozens of times


def choose_pictures(
    config: TrainConfig, name: str, counts: Sequence[int] = COUNTS, usual: int = 1000
) -> tuple[str, int]:
    """The split and the number of pictures that the reader wants; the URL holds the number as `name`."""
    splits = splits_of(config)
    if is_public():  # visitors share the processor
        counts = [count for count in counts if 0 < count <= usual]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        split = choose("split", "Pictures", splits, splits[0], SPLIT_TEXT, labeled=True)
        if len(counts) == 1:
            return split, counts[0]
        words = {str(count): f"{count:,}" if count else "all" for count in counts}
        return split, int(choose(name, "How many, at most", list(words), str(usual), words, labeled=True))
