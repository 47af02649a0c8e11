"""torchvision's layout of a data set: a folder of batches, or the archive that it is packed in.

The batches are pickles. They are opened only after their md5 has been found right, and even then by a reader
that knows nothing but NumPy arrays and plain Python values.
"""

import functools
import hashlib
import io
import pickle
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.dataset import Progress, Remarks, Source, Split, data_error, place_key
from cifar_core.datasets import Archive, DataSet


def find_torchvision(place: Path, data_set: DataSet) -> Source | None:
    """The layout at `place` (the folder, its parent, or the archive or its parent); None when there is none.

    Raises:
        DataError: when the folder lacks one of its files.
    """
    for folder in (place, place / data_set.archive.folder):
        if any((folder / name).is_file() for name in data_set.archive.files):
            return _folder_source(folder, data_set)
    archive = place / data_set.archive.name if place.is_dir() else place
    if archive.is_file() and archive.name.endswith((".tar.gz", ".tgz")):
        return archive_source(archive, data_set)
    return None


def archive_source(path: Path, data_set: DataSet, key: str | None = None) -> Source:
    """The packed layout."""
    decode = functools.partial(_decode_archive, path, data_set)
    key = key or place_key("archive", path)
    return Source(data_set, key, "torchvision's archive", path.parent, (path,), decode)


def check_archive(path: Path, archive: Archive, progress: Progress) -> None:
    """Raises DataError unless the file is the published archive, by its md5."""
    digest, done, total = hashlib.md5(usedforsecurity=False), 0, path.stat().st_size
    with path.open("rb") as file:
        while chunk := file.read(1 << 24):
            digest.update(chunk)
            done += len(chunk)
            progress(f"checking {path.name}", done, total)
    _check_md5(path, digest.hexdigest(), archive.md5)


def _check_md5(path: Path, found: str, expected: str) -> None:
    if found != expected:
        raise data_error(path, f"its md5 is {found} instead of {expected}, so it is cut short or altered")


def _folder_source(folder: Path, data_set: DataSet) -> Source:
    files = tuple(folder / name for name in data_set.archive.files)
    for path in files:
        if not path.is_file():
            raise data_error(path, "this file is missing")

    def decode(progress: Progress) -> tuple[Split, Split, Remarks]:
        return _decode(((path, path.read_bytes()) for path in files), data_set, progress)

    return Source(data_set, place_key("torchvision", folder), "torchvision's files", folder, files, decode)


def _decode_archive(path: Path, data_set: DataSet, progress: Progress) -> tuple[Split, Split, Remarks]:
    check_archive(path, data_set.archive, progress)
    return _decode(_unpacked(path, data_set.archive), data_set, progress)


def _unpacked(path: Path, archive: Archive) -> Iterator[tuple[Path, bytes]]:
    """The batches in their order in the archive; nothing is unpacked to disk."""
    wanted = {f"{archive.folder}/{name}" for name in archive.files}
    try:
        with tarfile.open(path, "r:gz") as pack:
            for member in pack:
                if member.name in wanted and (file := pack.extractfile(member)) is not None:
                    yield path / member.name, file.read()
    except (tarfile.TarError, OSError, EOFError) as error:
        raise data_error(path, f"it cannot be unpacked ({error})") from error


def _decode(
    batches: Iterator[tuple[Path, bytes]], data_set: DataSet, progress: Progress
) -> tuple[Split, Split, Remarks]:
    archive = data_set.archive
    read: dict[str, Split] = {}
    for path, content in batches:
        progress(f"reading {path.name}", len(read), len(archive.files))
        _check_md5(path, hashlib.md5(content, usedforsecurity=False).hexdigest(), archive.files[path.name])
        read[path.name] = _read_batch(path, content, data_set)
    for name in archive.files:
        if name not in read:
            raise data_error(name, "this file is missing from the archive")
    progress("reading the batches", len(read), len(read))
    train, test = (_joined([read[name] for name in names]) for names in (archive.train, archive.test))
    return train, test, Remarks()


def _joined(splits: list[Split]) -> Split:
    images = np.concatenate([split.images for split in splits])
    return Split(images, np.concatenate([split.targets for split in splits]))


def _read_batch(path: Path, content: bytes, data_set: DataSet) -> Split:
    """One batch: a dict with `data`, uint8 (n, 3 · H · W) in the order R, G, B, and a list of n labels."""
    try:
        batch = PlainUnpickler(io.BytesIO(content), encoding="latin1").load()
        pixels: NDArray[np.uint8] = batch["data"]
        targets = np.array(batch[data_set.archive.labels], np.int64)
        images = pixels.reshape(len(targets), *data_set.shape)  # (n, 3, H, W)
    except Exception as error:  # a pickle can fail in every way
        raise data_error(path, f"it is not a batch of {data_set.title} ({error})") from error
    classes = len(data_set.class_names)
    if images.dtype != np.uint8 or len(targets) == 0 or not np.isin(targets, range(classes)).all():
        raise data_error(path, f"it holds no images, or labels outside 0 to {classes - 1}")
    return Split(images, targets)


class PlainUnpickler(pickle.Unpickler):
    """Reads NumPy arrays and plain values, and refuses all else that a pickle could call."""

    def find_class(self, module: str, name: str) -> Any:
        """The three names that a pickled array needs; raises UnpicklingError for any other."""
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            return np.empty(0).__reduce__()[0]  # wherever this version of NumPy keeps it
        if module == "numpy" and name in ("ndarray", "dtype"):
            return getattr(np, name)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is refused")
