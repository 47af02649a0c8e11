"""A data set in memory: two splits of uint8 images with targets; a source not yet read; what goes wrong."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cifar_core.datasets import DataSet
from cifar_core.errors import LabError

Progress = Callable[[str, int, int], None]  # (what, done, total); images, or bytes while downloading


class DataError(LabError):
    """Data that cannot be had or cannot be trusted: one message with what is wrong and what to do."""


def data_error(subject: object, trouble: str) -> DataError:
    """The error to raise about `subject` (a file, or words): what is wrong with it."""
    return DataError(f"{subject}: {trouble.rstrip('.')}.")


@dataclass(frozen=True)
class Split:
    """One split in memory.

    Attributes:
        images: (N, channels, size, size) uint8; may be a read-only memory map.
        targets: (N,) int64, each from 0 to num_classes - 1; may be a read-only memory map.
    """

    images: NDArray[np.uint8]
    targets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True)
class Remarks:
    """What a reader of own pictures should know: files that were skipped, each with why, and pairs of files
    with the same pixels, one to train on and one to test with."""

    skipped: tuple[str, ...] = ()
    duplicates: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImageData:
    """A whole data set.

    Attributes:
        train, test: the two splits, in the order of the source.
        class_names: the name of each label.
        source: where it came from, in words.
        kind: the same without the place on this machine: what may travel with a checkpoint.
        fingerprint: sha256 (hex) of the pixels and the targets, see `fingerprint_of`.
        remarks: what was found while reading.
    """

    train: Split
    test: Split
    class_names: tuple[str, ...]
    source: str
    fingerprint: str
    kind: str
    remarks: Remarks = Remarks()


@dataclass(frozen=True)
class Source:
    """A data set that was found and not yet decoded.

    Attributes:
        data_set: which one it is.
        key: names it in the cache; the same place gives the same key.
        kind: what it is, for a reader.
        place: where it is on this machine.
        files: every file that decides the pixels or the labels.
        decode: reads and checks them all; returns train, test and remarks, or raises DataError.
    """

    data_set: DataSet
    key: str
    kind: str
    place: Path
    files: tuple[Path | str, ...]
    decode: Callable[[Progress], tuple[Split, Split, Remarks]]

    @property
    def words(self) -> str:
        """Its kind and its place."""
        return f"{self.kind} in {self.place}"


def place_key(kind: str, place: Path) -> str:
    """A cache key for a source of some kind at a place: `parquet-1f3a…`."""
    return f"{kind}-{hashlib.sha256(str(place.resolve()).encode()).hexdigest()[:16]}"


def fingerprint_of(train: Split, test: Split) -> str:
    """sha256 (hex) of train's and test's pixels, then train's and test's targets (little-endian int64)."""
    digest = hashlib.sha256()
    for array in (train.images, test.images, train.targets.astype("<i8"), test.targets.astype("<i8")):
        digest.update(np.ascontiguousarray(array).data.cast("B"))
    return digest.hexdigest()


def silent(what: str, done: int, total: int) -> None:
    """The progress callback that says nothing."""
