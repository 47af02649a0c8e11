"""The labeled pictures that a network is looked at on: those its run set aside, or the test pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cifar_core.config import ConfigError, TrainConfig
from demo.host import is_public
from demo.kept import pictures_of
from demo.trial import Network, TrialError, draw
from demo.words import counted

if TYPE_CHECKING:
    from cifar_core.checkpoint import Card
    from cifar_core.data import ImageData, Split

SPLIT_WORDS = {"val": "validation", "test": "test"}
COUNTS = (200, 500, 1000, 0)  # how many pictures can be asked for; 0 is all
FEW_COUNTS = (100, 200, 500, 1000)  # where each picture is looked at dozens of times


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


def config_of(card: "Card") -> TrainConfig:
    """The settings of the run that made a checkpoint; raises TrialError when they are damaged."""
    try:
        return TrainConfig.from_json({**TrainConfig().to_json(), **card.config})
    except (ConfigError, TypeError, OverflowError) as error:
        raise TrialError(f"The settings in this network's card are damaged: {error}") from None


def splits_of(config: TrainConfig) -> list[str]:
    """ "val" where the run set pictures aside, and "test"."""
    return ["test"] if config.watched == "test" else ["val", "test"]


def select_pictures(network: Network, card: "Card", split: str, count: int) -> Pictures:
    """`count` pictures of a split, 0 all, the same ones each time.

    Raises:
        TrialError: when the data is not on this machine, or has other classes than the network.
    """
    config = config_of(card)
    data = pictures_of(config.data, network.data_dir)
    if list(data.class_names) != card.class_names:
        theirs, ours = ", ".join(data.class_names), ", ".join(card.class_names)
        raise TrialError(f"The pictures show {theirs}, and the network knows {ours}: name its own data.")
    source, places = _places(data, config, split)
    chosen = places if count in (0, len(places)) else places[np.sort(draw(len(places), 0, count))]
    key = f"{split}-{len(chosen)}-{data.fingerprint[:16]}"
    strange = data.fingerprint != card.data_fingerprint
    return Pictures(
        np.asarray(source.images[chosen]),
        np.asarray(source.targets[chosen]),
        data.class_names,
        split,
        len(places),
        key,
        strange,
    )


def _places(data: "ImageData", config: TrainConfig, split: str) -> "tuple[Split, NDArray[np.int64]]":
    """The split of the source, and which of its pictures belong to `split`."""
    from cifar_core.data import DataError, split_train_val

    if split == "test":
        return data.test, np.arange(len(data.test))
    try:
        return data.train, split_train_val(data.train.targets, config.val_size, config.split_seed)[1]
    except DataError as error:
        raise TrialError(f"The validation pictures cannot be cut from this data: {error}") from None


def choose_pictures(
    config: TrainConfig, name: str, counts: Sequence[int] = COUNTS, usual: int = 1000
) -> tuple[str, int]:
    """The split and the number of pictures that the reader wants; the URL holds the number as `name`."""
    splits = splits_of(config)
    if is_public():  # visitors share the processor
        counts = [count for count in counts if 0 < count <= usual]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        split = choice("Pictures", "split", splits, splits[0], SPLIT_WORDS)
        if len(counts) == 1:
            return split, counts[0]
        words = {str(count): f"{count:,}" if count else "all" for count in counts}
        return split, int(choice("How many, at most", name, list(words), str(usual), words))


def choice(label: str, name: str, options: Sequence[str], usual: str, words: dict[str, str]) -> str:
    """One of a few options side by side; the URL holds it under `name`."""
    remember(name, options, usual)
    chosen = str(
        st.segmented_control(
            label,
            options,
            format_func=lambda option: words.get(option, option),
            required=True,
            key=name,
            label_visibility="collapsed" if name == "part" else "visible",
        )
    )
    st.query_params[name] = chosen
    return chosen


def selection(
    label: str, name: str, options: Sequence[str], usual: str, words: dict[str, str], width: int = 320
) -> str:
    """One of many options, in a list of `width` pixels; the URL holds it under `name`."""
    remember(name, options, usual)
    chosen: str = st.selectbox(
        label, options, format_func=lambda option: words.get(option, option), key=name, width=width
    )
    st.query_params[name] = chosen
    return chosen


def remember(name: str, options: Sequence[str], usual: str) -> None:
    """Give the widget `name` the URL's value when it is first drawn, and a possible one at any time."""
    value = st.session_state.get(name, st.query_params.get(name))
    st.session_state[name] = value if value in options else usual


def pictures_sentence(pictures: Pictures) -> str:
    """Which pictures these are, and what follows from that."""
    kind = SPLIT_WORDS[pictures.split]
    part = f"{len(pictures):,} of the {pictures.total:,}" if len(pictures) < pictures.total else "All"
    whole = counted(pictures.total, f"{kind} picture") if part == "All" else f"{kind} pictures"
    drawn = ", drawn by a fixed seed" if part != "All" else ""
    if pictures.split == "test":
        return f"{part} {whole}{drawn}: to look at, not to choose by."
    if pictures.strange:
        warning = "this is not the data that it was trained on, so it may have learned some of them."
        return f"{part} {whole}{drawn}; {warning}"
    return f"{part} {whole}{drawn}: its run set them aside and never trained on them."
