"""Parts of a data set: what a seed cuts for validation, with the same share of every class; some classes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.dataset import DataError, ImageData, Split, fingerprint_of


def split_train_val(
    targets: NDArray[np.int64], val_size: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cuts `val_size` of targets (N,) for validation: (train_indices, val_indices), both sorted int64.

    Every class gives its share (largest remainders first); the images are drawn by `seed` alone, so the same
    targets, size and seed give the same split on every machine.

    Raises:
        DataError: unless 0 <= val_size < N.
    """
    targets = np.asarray(targets)
    if not 0 <= val_size < len(targets):
        raise DataError(f"val_size is {val_size}; it must be from 0 to {len(targets) - 1} images.")
    order = np.argsort(np.random.Generator(np.random.PCG64(seed)).random(len(targets)), kind="stable")
    chosen = np.zeros(len(targets), bool)
    for label, share in _shares(targets, val_size).items():
        chosen[order[targets[order] == label][:share]] = True
    return np.flatnonzero(~chosen).astype(np.int64), np.flatnonzero(chosen).astype(np.int64)


def held_out(data: ImageData, split: str, val_size: int, seed: int) -> tuple[Split, NDArray[np.int64]]:
    """The images that training never saw: the split that they lie in, and their sorted places there.

    split: "test" is the whole test split; "val" is what `split_train_val` cuts from the training split.

    Raises:
        DataError: where so many cannot be cut.
    """
    if split == "test":
        return data.test, np.arange(len(data.test))
    return data.train, split_train_val(data.train.targets, val_size, seed)[1]


def _shares(targets: NDArray[np.int64], val_size: int) -> dict[int, int]:
    """Number of images that each label gives: proportional, rounded by largest remainder, val_size in all."""
    labels, counts = np.unique(targets, return_counts=True)
    shares, remainders = np.divmod(counts.astype(np.int64) * val_size, max(len(targets), 1))
    for index in np.argsort(-remainders, kind="stable")[: val_size - int(shares.sum())]:
        shares[index] += 1
    return {int(label): int(share) for label, share in zip(labels, shares, strict=True)}


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
    words = f", only {', '.join(names)}"
    fingerprint = fingerprint_of(train, test)
    return ImageData(train, test, tuple(names), data.source + words, fingerprint, data.kind + words)


def _only(split: Split, labels: list[int]) -> Split:
    chosen = np.isin(split.targets, labels)
    new_label = np.zeros(max(labels) + 1, np.int64)
    new_label[labels] = np.arange(len(labels))
    return Split(split.images[chosen], new_label[split.targets[chosen]])
