"""The data sets that a config can name: CIFAR-10, its first two classes, the drawn set."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cifar_core.data.dataset import CLASS_NAMES, DataError, ImageData, Progress, Split, fingerprint_of
from cifar_core.data.sources import load_data
from cifar_core.data.synthetic import SHAPE_NAMES


@dataclass(frozen=True)
class NamedData:
    """What is known of a data set before it is read; `train_images` count those set aside for validation."""

    class_names: tuple[str, ...]
    train_images: int
    test_images: int


DATA_SETS = {
    "cifar10": NamedData(CLASS_NAMES, 50_000, 10_000),
    "airplane_automobile": NamedData(CLASS_NAMES[:2], 10_000, 2_000),
    "synthetic": NamedData(SHAPE_NAMES, 2_000, 500),
}


def load_named(
    name: str, data_dir: Path | str | None = None, progress: Progress | None = None, download: bool = True
) -> ImageData:
    """The data set called `name`; see `load_data` for where it comes from, and for the arguments.

    Raises:
        DataError: when it cannot be had, or there is none of this name.
    """
    if name not in DATA_SETS:
        raise DataError(f"There is no data set '{name}'; the data sets are: {', '.join(DATA_SETS)}.")
    if name == "synthetic":
        return load_data(source="synthetic")
    data = load_data(data_dir, progress=progress, download=download)
    return data if name == "cifar10" else only_classes(data, DATA_SETS[name].class_names)


def only_classes(data: ImageData, names: Sequence[str]) -> ImageData:
    """The images of the classes `names`, labeled from 0 in that order, in the order of the source.

    Raises:
        DataError: when the data set lacks one of them.
    """
    missing = [name for name in names if name not in data.class_names]
    if missing:
        raise DataError(f"{data.source} has no class '{missing[0]}'; it has {', '.join(data.class_names)}.")
    labels = [data.class_names.index(name) for name in names]
    train, test = (_only(split, labels) for split in (data.train, data.test))
    words = f", only {' and '.join(names)}"
    return dataclasses.replace(
        data,
        train=train,
        test=test,
        class_names=tuple(names),
        source=data.source + words,
        kind=data.kind + words,
        fingerprint=fingerprint_of(train, test),
    )


def _only(split: Split, labels: list[int]) -> Split:
    chosen = np.isin(split.targets, labels)
    new_label = np.zeros(max(labels) + 1, np.int64)
    new_label[labels] = np.arange(len(labels))
    return Split(split.images[chosen], new_label[split.targets[chosen]])


def class_names_of(data: str) -> tuple[str, ...]:
    """The class names, in order, of the data set that a config's `data` names."""
    from cifar_core.data.named import DATA_SETS

    return DATA_SETS[data].class_names
