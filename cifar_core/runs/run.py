"""A run: one folder, written by the training process, read by everyone else.

    <runs-dir>/<id>/
        run.json       when it was created, where its data lies
        config.json    its TrainConfig
        events.jsonl   one event a line (runs/events.py)
        status.json    state, pid, heartbeat, progress
        request.json   what a reader asks of the process (runs/requests.py)
        log.txt        what the process printed
        pictures.json  the few validation pictures whose answers each epoch notes (runs/sample.py)
        labels.json    its user's name, tags and note (runs/labels.py)
        trackers.json  other trackers that are told of it (trackers.py)
        checkpoints/   last/ and best/ (checkpoint.py)

A checkpoint shipped with the project holds config.json and events.jsonl too and reads as a finished run.
"""

import json
import math
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from filelock import FileLock, Timeout

from cifar_core.config import ConfigError, TrainConfig
from cifar_core.files import StoreError, build, object_in, read_json, read_text, write_json
from cifar_core.runs.events import Event, from_json, to_json
from cifar_core.runs.requests import ControlRequest, read_request, take_request, write_request
from cifar_core.runs.resources import Resources

ACTIVE_STATES = ("waiting", "running", "paused")
STARTING, QUEUED = "starting", "in line"  # stages of a run that waits
STATES = (*ACTIVE_STATES, "stopped", "finished", "failed", "damaged")


@dataclass(frozen=True)
class Status:
    """What a run is doing.

    `heartbeat` is in seconds since 1970; `stage` and `message` are words for a reader; `done` of `total`
    belongs to the stage: steps while training, pictures while the data is read. `queued` is when the run was
    launched (seconds since 1970), `line` the device that it waits for (runs/queue.py).
    `resources` is what its process takes of the machine, while it works.
    """

    RENAMED: ClassVar = {"load": "resources"}

    state: str
    pid: int = 0
    heartbeat: float = 0.0
    stage: str = ""
    message: str = ""
    done: int = 0
    total: int = 0
    epoch: int = 0
    eta_seconds: float | None = None
    queued: float = 0.0
    line: str = ""
    resources: Resources | None = None

    @property
    def active(self) -> bool:
        """True while a process works on the run, or soon will."""
        return self.state in ACTIVE_STATES

    @classmethod
    def from_json(cls, document: Any) -> "Status":
        """The stored status; raises TypeError when a value is missing, unknown or of another type."""
        status = build(cls, document)
        if status.state not in STATES:
            raise TypeError(f"state is {status.state!r:.60}")
        return status


START_PATIENCE_SECONDS = 60.0  # a process that has not shown itself by then did not start
BEAT_PATIENCE_SECONDS = 5.0  # a process that has been silent for so long may be gone
LOCK_PATIENCE_SECONDS = 0.2  # readers hold the lock for an instant when they look whether a process does


class UnknownRun(StoreError):
    """A run that is not there."""

    exit_code = 2


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
    def data_dir(self) -> Path | None:
        """The data folder that the run was started with, if one was named."""
        folder = self._info().get("data_dir")
        return Path(folder) if folder and isinstance(folder, str) else None

    @property
    def best_checkpoint(self) -> Path:
        """Folder of the weights with the best validation accuracy (may not exist yet)."""
        return self.path if self.shipped else self.path / "checkpoints" / "best"

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
        """Add one event as one line."""
        line = json.dumps(to_json(event), allow_nan=False) + "\n"
        with open(self.path / "events.jsonl", "a", encoding="utf-8") as file:
            file.write(line)

    def read_events(self, offset: int = 0) -> tuple[list[Event], int]:
        """Events from byte `offset` on, and the offset to go on from; a last line without its end is left."""
        lines, end = self.event_lines(offset)
        return self.parse_events(lines), end

    def event_lines(self, offset: int = 0) -> tuple[list[bytes], int]:
        """The lines of events.jsonl as they stand there, from byte `offset` on; as `read_events`."""
        try:
            with open(self.path / "events.jsonl", "rb") as file:
                file.seek(offset)
                content = file.read()
        except FileNotFoundError:
            return [], 0
        except OSError as error:
            raise StoreError(f"The events of run '{self.id}' cannot be read: {error}.") from None
        whole = content[: content.rfind(b"\n") + 1]
        return whole.splitlines(), offset + len(whole)

    def events(self) -> list[Event]:
        """All events so far; raises StoreError when a line is damaged."""
        return self.read_events()[0]

    def parse_events(self, lines: list[bytes]) -> list[Event]:
        """The events in some lines, parsed in one go; raises StoreError when one is damaged."""
        try:
            documents = json.loads(b"[" + b",".join(lines) + b"]")
            if len(documents) == len(lines):
                return [from_json(document) for document in documents]
        except (StoreError, ValueError, RecursionError):
            pass
        return [self.parse_event(line) for line in lines]  # one by one, to tell which it is

    def parse_event(self, line: bytes) -> Event:
        """The event in a line of events.jsonl; raises StoreError when there is none."""
        try:
            return from_json(json.loads(line))
        except (StoreError, ValueError, RecursionError) as error:
            raise StoreError(f"The events of run '{self.id}' are damaged: {error}") from None

    def events_size(self) -> int:
        """Bytes of events.jsonl now."""
        path = self.path / "events.jsonl"
        return path.stat().st_size if path.exists() else 0

    def sync_events(self) -> int:
        """Make the events so far last, also through a power failure; returns their bytes."""
        with open(self.path / "events.jsonl", "ab") as file:
            os.fsync(file.fileno())
            return file.tell()

    def truncate_events(self, size: int) -> None:
        """Forget what was written after the first `size` bytes, and a line without its end.

        A resumed run writes it anew.
        """
        if not (path := self.path / "events.jsonl").exists():
            return
        with open(path, "rb+") as file:
            file.truncate(file.read(size).rfind(b"\n") + 1)

    # Status

    def write_status(self, status: Status) -> None:
        """Replace status.json, with the time now as heartbeat."""
        write_json(self.path / "status.json", asdict(replace(status, heartbeat=time.time())))

    def status(self) -> Status:
        """The state as it is now: a process that died without a word shows as failed, never as running."""
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
        gone = f"The process ended without a word: killed from outside, or out of memory. {self.resuming}"
        return replace(status, state="failed", message=gone, eta_seconds=None)

    @property
    def resuming(self) -> str:
        """What Resume would do, in a sentence."""
        if self.last_checkpoint.exists():
            return "Resume goes on from the last saved state."
        return "Resume starts again, from the first step."

    def _alive(self, status: Status) -> bool:
        silent = time.time() - status.heartbeat
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
        text = path.read_text(errors="replace") if path.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


@lru_cache(maxsize=4096)
def _config_in(path: Path, text: str) -> TrainConfig:
    """Settings are checked once for each text: a list of 200 runs would spend most of its time on that."""
    return TrainConfig.from_json(object_in(path, text))
