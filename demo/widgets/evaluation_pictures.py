"""The labeled pictures that a network is looked at on: those its run set aside, or the test pictures."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from cifar_core.config import TrainConfig
from cifar_core.inference.held_out import HeldOut, check_classes, config_of, select_images, splits_of
from demo.shared.format import begun, counted
from demo.shared.host import is_public
from demo.widgets.choice import choose
from demo.widgets.networks import Network, pictures_of

if TYPE_CHECKING:
    from cifar_core.checkpoint import Card
    from cifar_core.data import ImageData


SPLIT_TEXT = {"val": "validation", "test": "test"}


def data_of(network: Network, card: "Card") -> "ImageData":
    """Return the data set that a network belongs to.

    Raises:
        ConfigError: when the card's settings are damaged. DataError: when the data is not on this machine,
            or has other classes than the network.
    """
    data = pictures_of(config_of(card).data_set, network.data_dir)
    check_classes(card, data)
    return data


def select_pictures(network: Network, card: "Card", split: str, count: int) -> HeldOut:
    """Return `count` pictures of a split, 0 all, the same each time; raises as `data_of`."""
    return select_images(card, data_of(network, card), split, count)


def count_pictures(pictures: HeldOut) -> str:
    """Return how many and which: "200 of the 500 test pictures"."""
    kind = f"{SPLIT_TEXT[pictures.split]} picture"
    if len(pictures) < pictures.total:
        return f"{len(pictures):,} of the {pictures.total:,} {kind}s"
    return f"all {counted(pictures.total, kind)}"


def describe_pictures(pictures: HeldOut) -> str:
    """Say which pictures these are, and what follows from that."""
    drawn = ", drawn by a fixed seed" if len(pictures) < pictures.total else ""
    words = count_pictures(pictures)
    which = f"{begun(words)}{drawn}"
    if pictures.split == "test":
        return f"{which}: to look at, not to choose by."
    if pictures.other_data:
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
