"""The decoded data set on disk: one memory-mapped file, and a JSON beside it with its fingerprint.

The file holds train's pixels, test's pixels (uint8), train's targets, test's targets (little-endian int64).
At each start its sha256 is compared with the JSON, and the source's files with their names, sizes and times;
whatever does not agree is decoded again. Both are written under a temporary name and moved into place when
complete.
"""

import contextlib
import hashlib
import json
import logging
import math
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.dataset import ImageData, Progress, Remarks, Source, Split, fingerprint_of
from cifar_core.datasets import DataSet
from cifar_core.files import sync_folder, write_json

FORMAT = 2

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FileState:
    """A source's files, and a sha256 of their paths, sizes and times: it tells whether one was changed."""

    paths: list[str]
    sha256: str

    @classmethod
    def of(cls, files: Iterable[Path | str]) -> "FileState":
        """The state of files as they are now; raises OSError when one is not there."""
        paths = sorted(os.path.abspath(path) for path in files)
        digest = hashlib.sha256()
        for path in paths:
            status = os.stat(path)
            digest.update(
                f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode(errors="surrogateescape")
            )
        return cls(paths, digest.hexdigest())


def default_cache_dir() -> Path:
    """$CIFAR_LAB_CACHE, or `~/.cache/cifar10-lab`."""
    return Path(os.environ.get("CIFAR_LAB_CACHE") or Path.home() / ".cache" / "cifar10-lab")


def load_cached(source: Source, cache_dir: Path, progress: Progress) -> ImageData:
    """The decoded `source`: out of the cache if that is whole and of these very files, else decoded anew.

    Of several processes one decodes, and the others wait for it. Where the cache folder cannot be written the
    data stays in memory, and a log message says so.

    Raises:
        DataError: when the source's files are damaged; nothing is written then.
    """
    files = FileState.of(source.files)
    kept = recall(source.key, source.data_set, cache_dir, progress, files)
    if kept is not None:
        return kept
    with _turn(source.key, cache_dir, progress) as can_write:
        kept = recall(source.key, source.data_set, cache_dir, progress, files) if can_write else None
        if kept is not None:
            return kept
        train, test, remarks = source.decode(progress)
        names, fingerprint = source.data_set.class_names, fingerprint_of(train, test)
        data = ImageData(train, test, names, source.words, fingerprint, source.kind, remarks)
        if can_write and _keep(data, source.key, files, cache_dir):
            return recall(source.key, source.data_set, cache_dir, progress, files) or data
        return data


def recall(
    key: str, data_set: DataSet, cache_dir: Path, progress: Progress, files: FileState | None = None
) -> ImageData | None:
    """The data set, cached under `key`, if it is unaltered, else None.

    It must be of `files` as they are; left out, of those that it was made from, still unaltered.
    """
    try:
        document = json.loads((cache_dir / f"{key}.json").read_text("utf-8"))
        files = files or FileState.of(document["files"])
        if document["format"] != FORMAT or document["files_sha256"] != files.sha256:
            return None
        data = _map(cache_dir / f"{key}.images", data_set, document)
    except (KeyError, IndexError, TypeError, ValueError, OSError):
        return None
    total = len(data.train) + len(data.test)
    progress("checking the decoded images", 0, total)
    whole = fingerprint_of(data.train, data.test) == data.fingerprint
    progress("checking the decoded images", total, total)
    return data if whole else None


def forget(key: str, cache_dir: Path | None = None) -> None:
    """Delete what is kept of the source with this key."""
    for suffix in ("images", "json", "lock"):
        ((cache_dir or default_cache_dir()) / f"{key}.{suffix}").unlink(missing_ok=True)


@contextlib.contextmanager
def _turn(key: str, cache_dir: Path, progress: Progress) -> Iterator[bool]:
    """Waits while another process decodes the same source; yields whether the cache folder can be written."""
    import filelock

    lock = filelock.FileLock(cache_dir / f"{key}.lock")
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            progress("waiting for another process that decodes", 0, 1)
            lock.acquire()
    except (OSError, NotImplementedError) as error:
        _warn_unkept(cache_dir, error)
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


def _map(path: Path, data_set: DataSet, document: dict[str, Any]) -> ImageData:
    if tuple(document["class_names"]) != data_set.class_names:
        raise ValueError("the cached file holds another data set")
    pixels = math.prod(data_set.shape)
    counts = [int(document["counts"][split]) for split in ("train", "test")]
    total = sum(counts)
    if min(counts) < 0 or path.stat().st_size != total * (pixels + 8):
        raise ValueError("the cached file has not the size that its JSON states")
    whole = np.memmap(path, np.uint8, mode="r")
    images: NDArray[np.uint8] = whole[: total * pixels].reshape(total, *data_set.shape)
    targets: NDArray[np.int64] = whole[total * pixels :].view("<i8")
    return ImageData(
        Split(images[: counts[0]], targets[: counts[0]]),
        Split(images[counts[0] :], targets[counts[0] :]),
        data_set.class_names,
        document["source"],
        document["fingerprint"],
        document["kind"],
        Remarks(*(tuple(document.get(name, ())) for name in ("skipped", "duplicates"))),
    )


def _keep(data: ImageData, key: str, files: FileState, cache_dir: Path) -> bool:
    """Writes the cache; False (and a log message) when it cannot be written, as on a full disk."""
    try:
        for left_behind in cache_dir.glob(f"{key}.*.tmp"):  # by a process that was killed: ours is the turn
            left_behind.unlink()
        _write(data, key, files, cache_dir)
    except OSError as error:
        _warn_unkept(cache_dir, error)
        return False
    return True


def _warn_unkept(cache_dir: Path, error: BaseException) -> None:
    _log.warning(
        "The decoded data cannot be kept in %s (%s); the next start decodes again.", cache_dir, error
    )


def _write(data: ImageData, key: str, files: FileState, cache_dir: Path) -> None:
    splits = (data.train, data.test)
    arrays = [split.images for split in splits] + [split.targets.astype("<i8") for split in splits]
    _write_parts(cache_dir / f"{key}.images", arrays)
    document = {
        "format": FORMAT,
        "source": data.source,
        "kind": data.kind,
        "fingerprint": data.fingerprint,
        "counts": {"train": len(data.train), "test": len(data.test)},
        "class_names": list(data.class_names),
        "files": files.paths,
        "files_sha256": files.sha256,
        "skipped": data.remarks.skipped,
        "duplicates": data.remarks.duplicates,
    }
    write_json(cache_dir / f"{key}.json", document)


def _write_parts(path: Path, arrays: Iterable[NDArray[Any]]) -> None:
    """Writes the arrays one after the other into `path`, completely or not at all."""
    handle, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            for array in arrays:
                file.write(np.ascontiguousarray(array).data.cast("B"))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:  # also Ctrl-C: nothing half-written stays
        Path(name).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
