"""One training at a time on a device: the others wait in a line, in the order of their launch. No torch.

The process that trains holds a lock in the store's root, which falls with it, however it ends; those that
wait look twice a second whether it is free and nobody stands before them.
"""

import os
import platform
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from cifar_core.errors import LabError, reason_of
from cifar_core.files import read_json, write_json
from cifar_core.format import run_name
from cifar_core.runs.labels import read_labels
from cifar_core.runs.requests import on_signals
from cifar_core.runs.run import Run
from cifar_core.runs.status import ACTIVE_STATES, QUEUED, STARTING, Status
from cifar_core.runs.store import RunStore, StoreError

FOLDER = ".queue"
LOOK_SECONDS = 0.5
STATUS_SECONDS = 5.0
LOCK_SECONDS = 5.0  # readers hold a run's lock for an instant when they look whether its process lives
START_SECONDS = 10.0  # so long does a launched process keep its place before it has shown itself
WITHDRAWN = "Withdrawn before its turn."


class Withdrawn(LabError):
    """The run was asked to stop while it waited."""


def line_name() -> str:
    """The device's line: this machine, and the accelerators that this process may see."""
    seen = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return re.sub("[^A-Za-z0-9_-]+", "-", f"{platform.node()}-{seen}")[:80].strip("-") or "device"


@dataclass(frozen=True)
class Place:
    """The right to train on a device, one at a time: a lock, and beside it who holds it."""

    lock: FileLock
    sign: Path

    @classmethod
    def of(cls, root: Path, line: str) -> "Place":
        """The place of a line; raises StoreError where the store cannot hold it."""
        folder = root / FOLDER
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"No line can be kept in {root}: {reason_of(error)}.") from None
        return cls(FileLock(folder / f"{line}.lock", timeout=0), folder / f"{line}.json")

    def take(self, who: str) -> bool:
        """Take it for `who` if it is free."""
        try:
            self.lock.acquire()
        except Timeout:
            return False
        with suppress(OSError):  # words for a reader; the lock is what counts
            write_json(self.sign, {"holder": who})
        return True

    def leave(self) -> None:
        """Release it."""
        self.lock.release()

    @property
    def holder(self) -> str:
        """The id of whoever has it, or had it last."""
        try:
            return str(read_json(self.sign).get("holder", ""))
        except StoreError:
            return ""


def active_runs(store: RunStore) -> list[tuple[Run, Status]]:
    """The user's runs that a process works on or soon will, in the order of their launch.

    Quick also for many runs: those whose file says that they have ended are not looked at more closely.
    """
    found = []
    for path in store.root.glob("*/status.json"):
        with suppress(StoreError):
            if read_json(path).get("state") in ACTIVE_STATES:
                run = Run(path.parent)
                found.append((run, run.status()))
    return sorted(((r, s) for r, s in found if s.active), key=lambda pair: (pair[1].queued, pair[0].id))


def line_of(store: RunStore, line: str) -> list[tuple[Run, Status]]:
    """Those that wait in a line, the first one first."""
    return [(run, status) for run, status in active_runs(store) if status.line == line and _waits(status)]


def _waits(status: Status) -> bool:
    if status.state != "waiting" or not status.queued:
        return False
    return status.stage == QUEUED or abs(time.time() - status.queued) < START_SECONDS


@contextmanager
def turn(run: Run, now: bool = False, told: Callable[[str], None] = lambda words: None) -> Iterator[None]:
    """Wait for the device, and keep it while open; `told` hears what is waited for.

    now: do not wait; others still wait for this run if the device was free.

    Raises:
        Withdrawn: when the run was asked to stop before its turn.
        StoreError: when another process works on the run.
    """
    place = Place.of(run.path.parent, line_name())
    taken = place.take(run.id) if now else _wait(run, place, told)
    try:
        yield
    finally:
        if taken:
            place.leave()


@contextmanager
def wait_for_place(store: RunStore, line: str, who: str, ended: Callable[[], bool]) -> Iterator[None]:
    """For work that is no run: wait until the device is free and no run waits for it, and keep it while open.

    Raises:
        Withdrawn: when `ended` says so before its turn.
    """
    place = Place.of(store.root, line)
    while line_of(store, line) or not place.take(who):
        if ended():
            raise Withdrawn(WITHDRAWN)
        time.sleep(LOOK_SECONDS)
    try:
        yield
    finally:
        place.leave()


def _wait(run: Run, place: Place, told: Callable[[str], None]) -> bool:
    """Wait in line, holding the run's own lock, so that everyone sees that its process lives."""
    store, before = RunStore(run.path.parent), _stored(run)
    status = Status("waiting", os.getpid(), queued=before.queued or time.time(), line=line_name())
    try:
        with run.lock(LOCK_SECONDS), on_signals(_interrupt):
            _stand(run, store, place, replace(status, stage=QUEUED), told)
            _tell(run, replace(status, stage=STARTING))
    except Timeout:
        raise StoreError(f"Another process trains '{run.id}' already; stop that one first.") from None
    except (Withdrawn, KeyboardInterrupt):
        _tell(run, Status("stopped", message=WITHDRAWN))
        raise
    return True


def _stand(run: Run, store: RunStore, place: Place, status: Status, told: Callable[[str], None]) -> None:
    words, written = "", 0.0
    while True:
        _leave_if_asked(run)
        before = [other for other, _ in _ahead(store, run, status)]
        if not before and place.take(run.id):
            return
        message = describe_waiting(called(store, place.holder), len(before))
        if message != words:
            told(message)
        if message != words or time.monotonic() - written > STATUS_SECONDS:
            _tell(run, replace(status, message=message))
            words, written = message, time.monotonic()
        time.sleep(LOOK_SECONDS)


def _tell(run: Run, status: Status) -> None:
    """Write the status, or leave it to the next time: no run loses its place by a full disk."""
    with suppress(OSError):
        run.write_status(status)


def _ahead(store: RunStore, run: Run, status: Status) -> list[tuple[Run, Status]]:
    mine = (status.queued, run.id)
    return [pair for pair in line_of(store, status.line) if (pair[1].queued, pair[0].id) < mine]


def _leave_if_asked(run: Run) -> None:
    """Any other request stays for the first step."""
    request = run.waiting_request()
    if request is not None and request.request == "stop":
        run.take_request()
        raise Withdrawn(WITHDRAWN)


def called(store: RunStore, holder: str) -> str:
    """The run's name for a reader: the one that was given to it, or else its recipe and time."""
    try:
        return read_labels(store.get(holder)).name or run_name(holder)
    except StoreError:  # no run, or one that cannot be read
        return run_name(holder)


def describe_waiting(holder: str, before: int) -> str:
    """A sentence about what a run waits for."""
    words = f"Waits for {holder or 'another training'} to finish"
    return f"{words}; {before} in line before it." if before else f"{words}."


def _stored(run: Run) -> Status:
    status = run.status()
    return status if status.state == "waiting" else Status("waiting")


def _interrupt() -> None:
    raise KeyboardInterrupt
