"""The disk that runs take, and the states of ended runs that can be freed. No torch.

The best network, the curves and all else that a page shows stay. A run without its states cannot go on, which
freed.json in its folder says before they go, so that a process killed in between leaves none that seems to.
"""

import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import Timeout

from cifar_core.errors import reason_of
from cifar_core.files import RUNS_BEST, read_json, replace_path, write_json
from cifar_core.format import file_size
from cifar_core.runs.run import BEGINS, CANNOT_GO_ON, FREED, GOES_ON, LOCK_PATIENCE_SECONDS, Run
from cifar_core.runs.status import Status
from cifar_core.runs.store import RunStore, StoreError
from cifar_core.runs.trash import folder_bytes, list_deleted

ENDED = ("finished", "stopped", "pruned", "failed")


@dataclass(frozen=True)
class Usage:
    """Bytes of a run: its best network, the states to go on from, its events, and all of it."""

    id: str
    state: str
    best: int
    states: int
    events: int
    total: int


@dataclass(frozen=True)
class Disk:
    """The user's own runs, bytes of the deleted ones, and bytes that are free on their disk."""

    runs: list[Usage]
    trash: int
    room: int

    def to_free(self, unfinished: bool = False) -> list[Usage]:
        """The runs that `free_states` would make smaller."""
        states = ENDED if unfinished else ENDED[:1]
        return [run for run in self.runs if run.state in states and run.states]


def freed_bytes(runs: Iterable[Usage]) -> int:
    """Bytes of the states of runs."""
    return sum(run.states for run in runs)


def disk_of(store: RunStore) -> Disk:
    """What the runs of a store take now."""
    runs = [usage_of(run) for run in store.list() if not run.shipped]
    place = next(folder for folder in (store.root, *store.root.parents) if folder.exists())
    return Disk(runs, sum(one.size for one in list_deleted(store)), shutil.disk_usage(place).free)


def usage_of(run: Run) -> Usage:
    """The bytes of one run."""
    states = sum(map(folder_bytes, _folders_of_states(run)))
    sizes = (folder_bytes(_best_folder(run)), states, run.events_size(), folder_bytes(run.path))
    return Usage(run.id, run.status().state, *sizes)


def _best_folder(run: Run) -> Path:
    """Where the best network lies: beside its place where a process was killed as it replaced it."""
    best = run.path / RUNS_BEST
    return best if (best / "card.json").exists() else best.with_name("best.previous")


def _folders_of_states(run: Run) -> list[Path]:
    """The folders that only going on needs, and what was left beside the best network."""
    best = _best_folder(run)
    found = (path for name in ("last", "last.*", "best.*") for path in best.parent.glob(name))
    return [path for path in found if path != best and path.is_dir()]


def free_states(store: RunStore, run: Run, unfinished: bool = False) -> int:
    """Remove the states that an ended run could go on from; returns the bytes that are free again.

    unfinished: also those of a run that has not finished, and could still be resumed.

    Raises:
        StoreError: when it is shipped, under way or damaged, has not finished, or cannot be changed.
    """
    if run.shipped or run.path.parent != store.root:
        raise StoreError(f"'{run.id}' is none of your runs in {store.root}; only those have states to free.")
    written, status = _written(run), run.status()
    if status.state not in ENDED:
        raise StoreError(f"Run '{run.id}' is {status.state}; only the states of an ended run can be freed.")
    if status.state != ENDED[0] and not unfinished:
        why = "it could no longer be resumed; --unfinished frees it all the same"
        raise StoreError(f"Run '{run.id}' is {status.state}: {why}.")
    try:
        with run.lock(LOCK_PATIENCE_SECONDS):  # no process can begin to go on with it in between
            if _written(run) != written:
                raise StoreError(f"Run '{run.id}' has just been started or ended; look again, then free it.")
            doomed = _folders_of_states(run)
            size = sum(map(folder_bytes, doomed))
            if doomed:
                _remove(run, status, doomed)
            return size
    except Timeout:
        raise StoreError(f"A process still works on '{run.id}'; stop it first, then free it.") from None
    except OSError as error:
        why = f"{error.filename or run.path}: {reason_of(error)}"
        raise StoreError(f"Run '{run.id}' could not be freed whole ({why}); try again.") from None


def _written(run: Run) -> object:
    return read_json(run.path / "status.json")


def _remove(run: Run, status: Status, doomed: list[Path]) -> None:
    mark_freed(run, status)
    try:
        for folder in doomed:  # each goes whole or stays, as on Windows where a file in it is open
            gone = folder.with_name(f"{folder.name}.freed")
            replace_path(folder, gone)
            shutil.rmtree(gone)
    except OSError:
        if all(folder.exists() for folder in doomed):
            (run.path / FREED).unlink()
            run.write_status(status)
        raise


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
    total = file_size(sum(run.total for run in disk.runs))
    room = file_size(disk.room)
    return f"Your runs ({len(disk.runs):,}) take {total}{freed}.{deleted} Free on this disk: {room}."
