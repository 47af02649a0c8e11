"""Deleted runs: moved aside whole, put back when asked, removed for good after some days.

<runs-dir>/.trash/<id>/    the run's folder, with deleted.json: when that was
"""

import math
import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import Timeout

from cifar_core.errors import reason_of
from cifar_core.files import read_json, replace_path, write_json
from cifar_core.runs.run import LOCK_PATIENCE_SECONDS, Run
from cifar_core.runs.store import RunStore, StoreError

FOLDER, MARK = ".trash", "deleted.json"
KEEP_DAYS = 7
DAY_SECONDS = 86_400.0


@dataclass(frozen=True)
class Deleted:
    """A run in the trash: its folder, when it was deleted (seconds since 1970), and its size in bytes."""

    path: Path
    time: float
    size: int

    @property
    def id(self) -> str:
        """The run's id, by which it can be put back."""
        return self.path.name

    @property
    def days_left(self) -> int:
        """Whole days until it is removed for good, at least 0."""
        return max(0, math.ceil(KEEP_DAYS - (time.time() - self.time) / DAY_SECONDS))


def delete_run(store: RunStore, run: Run) -> Deleted:
    """Move a run's folder to the trash.

    Raises:
        StoreError: when it is shipped, a process works on it, or it cannot be moved; it then stays.
    """
    place = _free_place(store, run)
    lock = run.lock(LOCK_PATIENCE_SECONDS)
    try:
        with lock:  # no process can begin to train it in between
            write_json(run.path / MARK, {"deleted": time.time()})
            place.parent.mkdir(exist_ok=True)
            with suppress(PermissionError):  # Windows moves no folder with an open file, as our lock is
                os.replace(run.path, place)
        if run.path.exists():
            replace_path(run.path, place)
    except Timeout:
        raise StoreError(f"A process still works on '{run.id}'; stop it first, then delete it.") from None
    except OSError as error:
        (run.path / MARK).unlink(missing_ok=True)
        raise StoreError(f"Run '{run.id}' cannot be deleted: {reason_of(error)}.") from None
    return _find(store, run.id)


def _free_place(store: RunStore, run: Run) -> Path:
    """The run's place in the trash; raises StoreError when it may not be deleted."""
    if run.shipped or run.path.parent != store.root:
        raise StoreError(f"'{run.id}' came with the project and cannot be deleted.")
    if (state := run.status().state) in ("waiting", "running", "paused"):
        raise StoreError(f"Run '{run.id}' is {state}; stop it first, then delete it.")
    place = store.root / FOLDER / run.id
    if place.exists():
        raise StoreError(
            f"A deleted run is called '{run.id}' as well; remove that one for good first, under Deleted runs."
        )
    return place


def restore_run(store: RunStore, run_id: str) -> Run:
    """Put a deleted run back in its place.

    Raises:
        StoreError: when it is not in the trash, or another run has its place.
    """
    deleted = _find(store, run_id)
    place = store.root / run_id
    if place.exists():
        raise StoreError(f"There is another run '{run_id}' by now; delete or rename its folder first.")
    try:
        replace_path(deleted.path, place)
        (place / MARK).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"Run '{run_id}' cannot be put back: {reason_of(error)}.") from None
    return Run(place)


def list_deleted(store: RunStore) -> list[Deleted]:
    """The deleted runs, the newest first."""
    folders = [path for path in (store.root / FOLDER).glob("*") if path.is_dir() and not path.is_symlink()]
    return sorted(filter(None, map(_deleted, folders)), key=lambda one: one.time, reverse=True)


def remove_for_good(store: RunStore, run_id: str) -> int:
    """Remove a deleted run; returns the bytes that are free again. Raises StoreError when it is not there."""
    deleted = _find(store, run_id)
    shutil.rmtree(deleted.path, ignore_errors=True)
    return deleted.size


def empty_trash(store: RunStore, older_than_days: float = KEEP_DAYS) -> int:
    """Remove for good what was deleted longer ago; returns the bytes that are free again."""
    latest = time.time() - older_than_days * DAY_SECONDS
    return sum(remove_for_good(store, one.id) for one in list_deleted(store) if one.time <= latest)


def _find(store: RunStore, run_id: str) -> Deleted:
    for one in list_deleted(store):
        if one.id == run_id:
            return one
    raise StoreError(f"There is no deleted run '{run_id:.100}'; it may have been removed for good.")


def _deleted(path: Path) -> Deleted | None:
    """The deleted run in a folder; without a readable mark it counts as deleted when its folder changed last.

    None where it was removed for good meanwhile.
    """
    try:
        when = read_json(path / MARK).get("deleted")
    except StoreError:
        when = None
    if not isinstance(when, float) or not math.isfinite(when):
        try:
            when = path.stat().st_mtime
        except FileNotFoundError:
            return None
    return Deleted(path, when, folder_bytes(path))


def folder_bytes(folder: Path | str) -> int:
    """Bytes of all files under a folder; no link is followed, what is removed meanwhile counts nothing."""
    total = 0
    with suppress(OSError):
        for entry in list(os.scandir(folder)):
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    total += folder_bytes(entry.path)
                elif entry.is_file(follow_symlinks=False):
                    total += entry.stat(follow_symlinks=False).st_size
    return total
