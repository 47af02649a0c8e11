"""One run's folder: settings, events, state and requests, each read and written in its own way."""

import errno
import json
import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from cifar_core.config import ConfigError, TrainConfig
from cifar_core.files import RUNS_BEST, StoreError, object_in, read_json, read_text, write_json
from cifar_core.runs.events import Epoch, Event, Step, from_json, to_json
from cifar_core.runs.requests import ControlRequest, read_request, take_request, write_request
from cifar_core.runs.status import ACTIVE_STATES, QUEUED, Status

EVENTS, FREED = "events.jsonl", "freed.json"
GOES_ON, BEGINS = "Resume goes on from the last saved state.", "Resume starts again from the first step."
CANNOT_GO_ON = "This run cannot be resumed: its saved states were freed, or not in its zip; start a new one."
START_PATIENCE_SECONDS = 60.0  # a process that has not shown itself by then did not start
BEAT_PATIENCE_SECONDS = 5.0  # a process that has been silent for so long may be gone
LOCK_PATIENCE_SECONDS = 0.2  # readers hold the lock for an instant when they look whether a process does


class Run:
    """One run's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name

    @property
    def shipped(self) -> bool:
        """True for a run that came with the project (read-only)."""
        return (self.path / "card.json").exists()

    @property
    def created(self) -> float:
        """Seconds since 1970 when the run was made; 0 when unknown."""
        created = self._info().get("created")
        return float(created) if isinstance(created, float) and math.isfinite(created) else 0.0

    @property
    def imported(self) -> bool:
        """True for a run that came as a file: its times may be those of another machine."""
        return "imported" in self._info()

    @property
    def data_dir(self) -> Path | None:
        """The data folder that the run was started with, if one was named."""
        folder = self._info().get("data_dir")
        return Path(folder) if folder and isinstance(folder, str) else None

    @property
    def best_checkpoint(self) -> Path:
        """Folder of the weights with the best validation accuracy (may not exist yet)."""
        return self.path if self.shipped else self.path / RUNS_BEST

    @property
    def last_checkpoint(self) -> Path:
        """Folder of the newest saved state (may not exist yet)."""
        return self.path / "checkpoints" / "last"

    def _info(self) -> Mapping[str, Any]:
        try:
            return read_json(self.path / "run.json")
        except StoreError:
            return {}

    def config(self) -> TrainConfig:
        """The run's settings; raises StoreError when they cannot be read."""
        try:
            path = self.path / "config.json"
            return _config_in(path, read_text(path))
        except (ConfigError, TypeError, OverflowError) as error:
            raise StoreError(f"The settings of run '{self.id}' are damaged: {error}") from None

    # Events

    def append(self, event: Event) -> None:
        """Add one event as one line: whole, or not at all (OSError)."""
        line = (json.dumps(to_json(event), allow_nan=False) + "\n").encode()
        with open(self.path / EVENTS, "ab", buffering=0) as file:
            size = file.tell()
            if file.write(line) != len(line):
                file.truncate(size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path / EVENTS))

    def read_events(self, offset: int = 0, short: bool = False) -> tuple[list[Event], int]:
        """The events from byte `offset` on, and where to go on from; a last line without its end is left.

        short: no steps, and each epoch as if nothing mixed and no image was answered; much quicker.

        Raises:
            StoreError: when a line is damaged.
        """
        try:
            with open(self.path / EVENTS, "rb") as file:
                file.seek(offset)
                content = file.read()
        except FileNotFoundError:
            return [], 0
        except OSError as error:
            raise StoreError(f"The events of run '{self.id}' cannot be read: {error}.") from None
        whole = content[: content.rfind(b"\n") + 1]
        try:
            documents = _json_lines(whole)
            events = [from_json(document) for document in (_in_short(documents) if short else documents)]
        except (StoreError, ValueError, RecursionError) as error:
            raise StoreError(f"The events of run '{self.id}' are damaged: {error}") from None
        return events, offset + len(whole)

    def events(self) -> list[Event]:
        """All events so far, in the order of time; raises StoreError when a line is damaged."""
        return self.read_events()[0]

    def events_stamp(self) -> tuple[int, int]:
        """Bytes of events.jsonl, and when it was written last in nanoseconds; zeros where there is none."""
        try:
            found = (self.path / EVENTS).stat()
        except OSError:
            return 0, 0
        return found.st_size, found.st_mtime_ns

    def events_size(self) -> int:
        """Bytes of events.jsonl now."""
        return self.events_stamp()[0]

    def sync_events(self) -> int:
        """Make the events so far last, also through a power failure; returns their bytes."""
        with open(self.path / EVENTS, "ab") as file:
            os.fsync(file.fileno())
            return file.tell()

    def truncate_events(self, size: int) -> None:
        """Forget what was written after the first `size` bytes, and a line without its end.

        A resumed run writes it anew.
        """
        if not (path := self.path / EVENTS).exists():
            return
        with open(path, "rb+") as file:
            file.truncate(file.read(size).rfind(b"\n") + 1)

    # Status

    def write_status(self, status: Status) -> None:
        """Replace status.json, with the time now as heartbeat."""
        write_json(self.path / "status.json", asdict(replace(status, heartbeat=time.time())))

    def status(self) -> Status:
        """The state as it is now: a process that died shows as failed, never as running."""
        if self.shipped:
            return Status("finished")
        try:
            status = Status.from_json(read_json(self.path / "status.json"))
            self.config()
        except StoreError as error:
            return Status("damaged", message=str(error))
        except TypeError as error:
            return Status("damaged", message=f"The status of run '{self.id}' is damaged: {error}.")
        if not status.active or self._alive(status):
            return status
        gone = f"The process ended unexpectedly: it was killed, or ran out of memory. {self.resuming}"
        return replace(status, state="failed", message=gone, eta_seconds=None)

    @property
    def resuming(self) -> str:
        """A sentence about what Resume would do, or why it cannot be done."""
        if self.freed:
            return CANNOT_GO_ON
        return GOES_ON if self.last_checkpoint.exists() else BEGINS

    @property
    def freed(self) -> bool:
        """True for a run without the states that it could go on from; started again, it would lose all."""
        return (self.path / FREED).exists()

    def require_states(self) -> None:
        """Raise StoreError for a run that was freed."""
        if self.freed:
            raise StoreError(f"Run '{self.id}' has no saved states. {CANNOT_GO_ON}")

    def _alive(self, status: Status) -> bool:
        silent = abs(time.time() - status.heartbeat)  # a clock may have been ahead
        starting = status.state == "waiting" and status.stage != QUEUED  # in line it holds the lock
        if starting and silent < START_PATIENCE_SECONDS:
            return True
        try:
            with self.lock(LOCK_PATIENCE_SECONDS if silent > BEAT_PATIENCE_SECONDS else 0.0):
                return False
        except Timeout:
            return True
        except OSError:  # the folder is gone, or cannot hold a lock
            return False

    def lock(self, timeout: float = 0.0) -> FileLock:
        """The lock that the training process holds while it works on the run; it falls with the process."""
        return FileLock(self.path / "lock", timeout=timeout)

    # Requests

    def request(
        self, what: str | None = None, *, factor: float | None = None, rate: float | None = None
    ) -> None:
        """Ask the process to stop, pause or continue, or to change the learning rate (see ControlRequest).

        Raises:
            StoreError: when it is no request, or there is no process to ask.
        """
        try:
            request = ControlRequest(what, factor, rate)
        except ConfigError as error:
            raise StoreError(str(error)) from None
        state = self.status().state
        if state not in ACTIVE_STATES:
            can = f"only a waiting, running or paused run can {request.words}"
            raise StoreError(f"Run '{self.id}' is {state}; {can}.")
        write_request(self.path, request)

    def waiting_request(self) -> ControlRequest | None:
        """The request that the process has not taken yet."""
        return read_request(self.path)

    def take_request(self) -> ControlRequest | None:
        """The request that waits, once; None when there is none."""
        return take_request(self.path)

    def log_tail(self, lines: int = 40) -> str:
        """The last lines of what the process printed."""
        path = self.path / "log.txt"
        text = path.read_text("utf-8", errors="replace") if path.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


LINES_AT_ONCE = 1000  # parsed values take ten times the memory of their lines


def _json_lines(content: bytes) -> Iterator[Any]:
    """The JSON value of each line, many parsed in one go, which is twice as quick as one by one."""
    every = content.splitlines()
    for start in range(0, len(every), LINES_AT_ONCE):
        lines = every[start : start + LINES_AT_ONCE]
        try:
            values = json.loads(b"[" + b",".join(lines) + b"]")
        except (ValueError, RecursionError):
            values = []
        if len(values) == len(lines):
            yield from values
        else:
            yield from map(json.loads, lines)  # one by one, to tell which it is


LONG = ("mixing", "answers")  # values of an epoch that make up nearly all of its line


def _in_short(documents: Iterable[Any]) -> Iterator[Any]:
    for document in documents:
        kind = document.get("type") if isinstance(document, dict) else None
        if kind == Epoch.type:
            yield {name: value for name, value in document.items() if name not in LONG}
        elif kind != Step.type:
            yield document


@lru_cache(maxsize=4096)
def _config_in(path: Path, text: str) -> TrainConfig:
    """Settings are checked once for each text: a list of 200 runs would spend most of its time on that."""
    return TrainConfig.from_json(object_in(path, text))
