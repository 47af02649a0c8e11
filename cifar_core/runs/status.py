"""What a run is doing: the states, and the status that its process keeps writing to status.json."""

from dataclasses import dataclass
from typing import Any

from cifar_core.runs.load import Load
from cifar_core.typed_json import build

ACTIVE_STATES = ("waiting", "running", "paused")
STARTING, QUEUED = "starting", "in line"  # stages of a run that waits
STATES = (*ACTIVE_STATES, "stopped", "finished", "failed", "damaged")


@dataclass(frozen=True)
class Status:
    """What a run is doing.

    `heartbeat` is in seconds since 1970; `stage` and `message` are words for a reader; `done` of `total`
    belongs to the stage: steps while training, pictures while the data is read. `queued` is when the run was
    launched (seconds since 1970), `line` the device that it waits for (runs/queue.py).
    `load` is what its process takes of the machine, while it works.
    """

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
    load: Load | None = None

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
