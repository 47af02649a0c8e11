"""The disk that runs take, and the states of ended runs that can be freed. No torch.

The best network, the curves and all else that a page shows stay. A run without its states cannot go on, which
freed.json in its folder says before they go, so that a process killed in between leaves none that seems to.
"""

import os
import shutil
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from filelock import Timeout

from cifar_core.errors import reason_of
from cifar_core.files import RUNS_BEST, write_json
from cifar_core.format import file_size
from cifar_core.runs.status import Status
from cifar_core.runs.store import (
    BEGINS,
    CANNOT_GO_ON,
    EVENTS,
    FREED,
    GOES_ON,
    LOCK_PATIENCE_SECONDS,
    Run,
    RunStore,
    StoreError,
)
from cifar_core.runs.trash import list_deleted

ENDED = ("finished", "stopped", "pruned", "failed")


@dataclass(frozen=True)
class Usage:
    """Bytes of a run: its best network, the states to go on from, its events, and the rest."""

    id: str
    state: str
    best: int = 0
    states: int = 0
    events: int = 0
    rest: int = 0

    @property
    def total(self) -> int:
        """Bytes of all its files."""
        return self.best + self.states + self.events + self.rest


@dataclass(frozen=True)
class Disk:
    """The user's own runs, bytes of the deleted ones, and bytes that are free on their disk."""

    runs: list[Usage]
    trash: int
    room: int

    @property
    def total(self) -> int:
        """Bytes of all runs, the deleted ones left out."""
        return sum(run.total for run in self.runs)

    def to_free(self, unfinished: bool = False) -> list[Usage]:
        """The runs that `free_states` would make smaller."""
        states = ENDED if unfinished else ENDED[:1]
        return [run for run in self.runs if run.state in states and run.states]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "total": self.total, "to_free": freed_bytes(self.to_free())}


def freed_bytes(runs: Iterable[Usage]) -> int:
    """Bytes of the states of runs."""
    return sum(run.states for run in runs)


def disk_of(store: RunStore) -> Disk:
    """What the runs of a store take now; what is removed meanwhile counts nothing."""
    runs = [usage_of(run) for run in store.list() if not run.shipped]
    place = next(folder for folder in (store.root, *store.root.parents) if folder.exists())
    return Disk(runs, sum(one.size for one in list_deleted(store)), shutil.disk_usage(place).free)


def usage_of(run: Run) -> Usage:
    """The bytes of one run."""
    parts = dict.fromkeys(("best", "states", "events", "rest"), 0)
    doomed = {f"{folder}" for folder in _folders_of_states(run)}
    best = f"{run.best_checkpoint}"
    for folder, name, size in _files(f"{run.path}"):
        if folder in doomed:
            part = "states"
        elif folder.startswith(best):  # or the one beside it, where that alone is whole
            part = "best"
        else:
            part = "events" if name == EVENTS else "rest"
        parts[part] += size
    return Usage(run.id, run.status().state, **parts)


def _files(folder: str) -> Iterator[tuple[str, str, int]]:
    """(folder, name, bytes) of all files under a folder; no link is followed."""
    try:
        entries = list(os.scandir(folder))
    except OSError:  # removed meanwhile
        return
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path)
            elif entry.is_file(follow_symlinks=False):
                yield folder, entry.name, entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue


def _folders_of_states(run: Run) -> list[Path]:
    """The folders that only going on needs, and what was left beside a whole best network when it was new."""
    last, best = run.last_checkpoint, run.path / RUNS_BEST
    beside = [
        folder.with_name(f"{folder.name}.{kind}") for folder in (last, best) for kind in ("new", "previous")
    ]
    if not (best / "card.json").exists():
        beside.pop()  # a process was killed as it replaced the best one: this is the best now
    return [folder for folder in (last, *beside) if folder.is_dir()]


def free_states(store: RunStore, run: Run, unfinished: bool = False) -> int:
    """Remove the states that an ended run could go on from; returns the bytes that are free again.

    unfinished: also those of a run that has not finished, and could still be resumed.

    Raises:
        StoreError: when it is shipped, under way or damaged, has not finished, or cannot be changed.
    """
    status = run.status()
    _require_ended(store, run, status, unfinished)
    try:
        with run.lock(LOCK_PATIENCE_SECONDS):  # no process can begin to go on with it in between
            if not (doomed := _folders_of_states(run)):
                return 0
            size = sum(entry[2] for folder in doomed for entry in _files(f"{folder}"))
            mark_freed(run, status)
            for folder in doomed:
                shutil.rmtree(folder)
            return size
    except Timeout:
        raise StoreError(f"A process still works on '{run.id}'; stop it first, then free it.") from None
    except OSError as error:
        why = f"{error.filename or run.path}: {reason_of(error)}"
        raise StoreError(f"Run '{run.id}' could not be freed whole ({why}); try again.") from None


def _require_ended(store: RunStore, run: Run, status: Status, unfinished: bool) -> None:
    if run.shipped or run.path.parent != store.root:
        raise StoreError(f"'{run.id}' came with the project and has no states to free.")
    if status.state not in ENDED:
        raise StoreError(f"Run '{run.id}' is {status.state}; only the states of an ended run can be freed.")
    if status.state != "finished" and not unfinished:
        raise StoreError(
            f"Run '{run.id}' is {status.state}: without its states it could no longer be resumed. "
            "Say --unfinished to free them all the same."
        )


def mark_freed(run: Run, status: Status) -> None:
    """Say in a run's folder that it cannot go on, and no longer that it could; `status` is that of now."""
    write_json(run.path / FREED, {"freed": time.time()})
    if status.state != "finished":
        message = status.message.replace(GOES_ON, CANNOT_GO_ON).replace(BEGINS, CANNOT_GO_ON)
        run.write_status(replace(status, message=message))


def describe_disk(disk: Disk) -> str:
    """A sentence about what the runs take, what of it can be freed, and the room on their disk."""
    states = freed_bytes(disk.to_free())
    freed = f", {file_size(states)} of it for states that finished runs no longer need" if states else ""
    deleted = f" Deleted runs take another {file_size(disk.trash)}." if disk.trash else ""
    words = f"Your runs ({len(disk.runs):,}) take {file_size(disk.total)}{freed}.{deleted}"
    return f"{words} Free on this disk: {file_size(disk.room)}."
