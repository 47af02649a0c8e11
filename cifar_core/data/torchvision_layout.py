"""torchvision's layout of CIFAR-10: the folder `cifar-10-batches-py`, or the archive that it is packed in.

The batches are pickles. They are opened only after their md5 has been found right, and even then by a reader
that knows nothing but NumPy arrays and plain Python values. Names and sums: torchvision.datasets.CIFAR10.
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

from cifar_core.data.dataset import CLASS_NAMES, IMAGE_SHAPE, Progress, Source, Split, data_error, place_key

FOLDER = "cifar-10-batches-py"
ARCHIVE = "cifar-10-python.tar.gz"
ARCHIVE_MD5 = "c58f30108f718f92721af3b95e74349a"
TRAIN_MD5 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
}
TEST_MD5 = {"test_batch": "40351d587109b95175f43aff81a1287e"}


def find_torchvision(place: Path) -> Source | None:
    """The layout at `place` (the folder, its parent, or the archive or its parent); None when there is none.

    Raises:
        DataError: when the folder lacks one of its files.
    """
    for folder in (place, place / FOLDER):
        if any((folder / name).is_file() for name in TRAIN_MD5 | TEST_MD5):
            return _folder_source(folder)
    archive = place / ARCHIVE if place.is_dir() else place
    if archive.is_file() and archive.name.endswith((".tar.gz", ".tgz")):
        return archive_source(archive)
    return None


def archive_source(archive: Path, key: str | None = None) -> Source:
    """The packed layout."""
    decode = functools.partial(_decode_archive, archive)
    return Source(
        key or place_key("archive", archive), "torchvision's archive", archive.parent, (archive,), decode
    )


def check_archive(archive: Path, progress: Progress) -> None:
    """Raises DataError unless the archive is the published one, by its md5."""
    digest, done, total = hashlib.md5(usedforsecurity=False), 0, archive.stat().st_size
    with archive.open("rb") as file:
        while chunk := file.read(1 << 24):
            digest.update(chunk)
            done += len(chunk)
            progress(f"checking {archive.name}", done, total)
    if digest.hexdigest() != ARCHIVE_MD5:
        trouble = f"its md5 is {digest.hexdigest()} instead of {ARCHIVE_MD5}, so it is cut short or altered"
        raise data_error(archive, trouble)


def _folder_source(folder: Path) -> Source:
    files = tuple(folder / name for name in TRAIN_MD5 | TEST_MD5)
    for path in files:
        if not path.is_file():
            raise data_error(path, "this file is missing")
    decode = functools.partial(_decode_folder, folder)
    return Source(place_key("torchvision", folder), "torchvision's files", folder, files, decode)


def _decode_folder(folder: Path, progress: Progress) -> tuple[Split, Split]:
    return _decode(((folder / name, (folder / name).read_bytes()) for name in TRAIN_MD5 | TEST_MD5), progress)


def _decode_archive(archive: Path, progress: Progress) -> tuple[Split, Split]:
    check_archive(archive, progress)
    return _decode(_unpacked(archive), progress)


def _unpacked(archive: Path) -> Iterator[tuple[Path, bytes]]:
    """The batches in their order in the archive; nothing is unpacked to disk."""
    wanted = {f"{FOLDER}/{name}" for name in TRAIN_MD5 | TEST_MD5}
    try:
        with tarfile.open(archive, "r:gz") as pack:
            for member in pack:
                if member.name in wanted and (file := pack.extractfile(member)) is not None:
                    yield archive / member.name, file.read()
    except (tarfile.TarError, OSError, EOFError) as error:
        raise data_error(archive, f"it cannot be unpacked ({error})") from error


def _decode(batches: Iterator[tuple[Path, bytes]], progress: Progress) -> tuple[Split, Split]:
    read: dict[str, Split] = {}
    for path, content in batches:
        progress(f"reading {path.name}", len(read), len(TRAIN_MD5 | TEST_MD5))
        _check_md5(path, content)
        read[path.name] = _read_batch(path, content)
    for name in TRAIN_MD5 | TEST_MD5:
        if name not in read:
            raise data_error(name, "this file is missing from the archive")
    progress("reading the batches", len(read), len(read))
    return _joined([read[name] for name in TRAIN_MD5]), _joined([read[name] for name in TEST_MD5])


def _joined(splits: list[Split]) -> Split:
    images = np.concatenate([split.images for split in splits])
    return Split(images, np.concatenate([split.targets for split in splits]))


def _check_md5(path: Path, content: bytes) -> None:
    expected = (TRAIN_MD5 | TEST_MD5)[path.name]
    found = hashlib.md5(content, usedforsecurity=False).hexdigest()
    if found != expected:
        raise data_error(path, f"its md5 is {found} instead of {expected}, so it is cut short or altered")


def _read_batch(path: Path, content: bytes) -> Split:
    """One batch: a dict with `data`, uint8 (n, 3072) in the order R, G, B, and `labels`, a list of n."""
    try:
        batch = PlainUnpickler(io.BytesIO(content), encoding="latin1").load()
        pixels: NDArray[np.uint8] = batch["data"]
        targets = np.array(batch["labels"], np.int64)
        images = pixels.reshape(len(targets), *IMAGE_SHAPE)  # (n, 3, 32, 32)
    except Exception as error:  # a pickle can fail in every way
        raise data_error(path, f"it is not a batch of CIFAR-10 ({error})") from error
    if images.dtype != np.uint8 or len(targets) == 0 or not np.isin(targets, range(len(CLASS_NAMES))).all():
        raise data_error(path, "it holds no images, or labels outside 0 to 9")
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
