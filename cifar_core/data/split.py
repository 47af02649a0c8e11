"""The validation split, cut from the training split by a seed, with the same share of every class."""

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.dataset import DataError, ImageData, Split


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
    """The pictures that training never saw: the split that they lie in, and their sorted places there.

    split: "test" is the whole test split; "val" is what `split_train_val` cuts from the training split.

    Raises:
        DataError: where so many cannot be cut.
    """
    if split == "test":
        return data.test, np.arange(len(data.test))
    return data.train, split_train_val(data.train.targets, val_size, seed)[1]


def _shares(targets: NDArray[np.int64], val_size: int) -> dict[int, int]:
    """How many images each label gives: proportional, rounded by largest remainder, val_size in all."""
    labels, counts = np.unique(targets, return_counts=True)
    shares, remainders = np.divmod(counts.astype(np.int64) * val_size, max(len(targets), 1))
    for index in np.argsort(-remainders, kind="stable")[: val_size - int(shares.sum())]:
        shares[index] += 1
    return {int(label): int(share) for label, share in zip(labels, shares, strict=True)}
