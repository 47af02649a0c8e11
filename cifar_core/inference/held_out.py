"""The labeled images that a network never trained on: those that its run set aside, or the test images.

Importing this does without torch, so that a page may do it before a network is loaded.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cifar_core.config import ConfigError, TrainConfig
from cifar_core.data import DataError, held_out, split_train_val

if TYPE_CHECKING:
    from cifar_core.checkpoint import Card
    from cifar_core.data import ImageData


@dataclass(frozen=True)
class HeldOut:
    """Some images of a split: images (N, 3, 32, 32) uint8, targets (N,); `total` is the whole split's size.

    key names them in a cache: the same key, the same images. other_data: the data is not what the network
    was trained on, so that it may have seen images that are called validation here.
    """

    images: NDArray[np.uint8]
    targets: NDArray[np.int64]
    class_names: tuple[str, ...]
    split: str
    total: int
    key: str
    other_data: bool = False

    def __len__(self) -> int:
        return len(self.targets)


def config_of(card: "Card", split: str = "test") -> TrainConfig:
    """Return the settings of the run that a network comes from.

    Raises:
        ConfigError: when they are damaged, or the split is "val" and the run set no images aside.
    """
    try:
        config = TrainConfig.from_json(card.config)
    except (ConfigError, TypeError, OverflowError) as error:
        raise ConfigError(f"The settings in this network's card are damaged: {error}") from None
    if split not in splits_of(config):
        raise ConfigError("This run set no validation images aside; take the split test.")
    return config


def splits_of(config: TrainConfig) -> list[str]:
    """Return "val", where the run set images aside, and "test"."""
    return ["test"] if config.monitored == "test" else ["val", "test"]


def check_classes(card: "Card", data: "ImageData") -> None:
    """Raise DataError unless the network knows the classes of the data, in their order."""
    if list(data.class_names) != card.class_names:
        theirs, own = ", ".join(data.class_names), ", ".join(card.class_names)
        raise DataError(f"The data shows other classes ({theirs}) than the network knows ({own}).")


def training_images(card: "Card", data: "ImageData", count: int) -> NDArray[np.uint8]:
    """Return `count` training images (N, 3, 32, 32) that stand for all, drawn by a fixed seed, or all."""
    config = config_of(card)
    train, _ = split_train_val(data.train.targets, config.val_size, config.split_seed)
    train = train[: config.train_size or len(train)]
    chosen = np.random.default_rng(0).permutation(train)[:count]
    return np.asarray(data.train.images[np.sort(chosen)])


def select_images(card: "Card", data: "ImageData", split: str = "test", count: int = 0) -> HeldOut:
    """Return `count` images of the split "test" or "val", the same each time; 0 takes all.

    Raises:
        ConfigError: as `config_of`. DataError: when the data has other classes, or too few images.
    """
    config = config_of(card, split)
    check_classes(card, data)
    source, places = held_out(data, split, config.val_size, config.split_seed)
    total = len(places)
    if 0 < count < total:
        places = places[np.sort(np.random.default_rng(0).permutation(total)[:count])]
    return HeldOut(
        np.asarray(source.images[places]),
        np.asarray(source.targets[places]),
        data.class_names,
        split,
        total,
        f"{split}-{len(places)}-{data.fingerprint[:16]}",
        data.fingerprint != card.data_fingerprint,
    )
