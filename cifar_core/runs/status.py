"""The status of a run: its state and progress, and what its process takes of the machine. No torch."""

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from cifar_core.cores import machine_cores
from cifar_core.files import build

ACTIVE_STATES = ("waiting", "running", "paused")
STARTING, QUEUED = "starting", "in line"  # stages of a run that waits
STATES = (*ACTIVE_STATES, "stopped", "pruned", "finished", "failed", "damaged")
MEGABYTE = 1e6


@dataclass(frozen=True)
class Resources:
    """Figures since the last reading; None where the system does not tell.

    memory_mb: of the process; cores: processors that it kept at work, `all_cores` those of the machine, or
    what a container's quota leaves; machine: share (0..1) of all processors that anything kept at work.
    gpu_memory_mb: of the GPU in use by anything, of `gpu_total_mb`; gpu: share of the time it was at work.
    """

    memory_mb: float | None = None
    cores: float | None = None
    all_cores: int = 0
    machine: float | None = None
    gpu_memory_mb: float | None = None
    gpu_total_mb: float | None = None
    gpu: float | None = None


@dataclass(frozen=True)
class Status:
    """The state and progress of a run.

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


class ResourceMeter:
    """Reads what this process takes of the machine."""

    def __init__(self) -> None:
        self.wall, self.process = time.monotonic(), time.process_time()
        self.busy, self.total = _machine_times()
        self.all_cores = machine_cores()

    def read(self, gpu: Mapping[str, float]) -> Resources:
        """Figures since the last reading; `gpu` has those of the GPU by their names in Resources."""
        wall, process = time.monotonic(), time.process_time()
        busy, total = _machine_times()
        cores = (process - self.process) / max(wall - self.wall, 1e-9)
        machine = (busy - self.busy) / (total - self.total) if total > self.total else None
        self.wall, self.process, self.busy, self.total = wall, process, busy, total
        return Resources(
            memory_mb=_memory_mb(),
            cores=round(cores, 2),
            all_cores=self.all_cores,
            machine=None if machine is None else round(machine, 3),
            gpu_memory_mb=gpu.get("gpu_memory_mb"),
            gpu_total_mb=gpu.get("gpu_total_mb"),
            gpu=gpu.get("gpu"),
        )


def _machine_times(path: Path = Path("/proc/stat")) -> tuple[float, float]:
    """(busy, all) time of all processors since the start of the machine; zeros where there is no /proc."""
    try:
        words = (
            path.read_text().split("\n", 1)[0].split()[1:9]
        )  # user nice system idle iowait irq softirq steal
        times = [float(word) for word in words]
        return sum(times) - times[3] - times[4], sum(times)
    except (OSError, ValueError, IndexError):
        return 0.0, 0.0


def _memory_mb(path: Path = Path("/proc/self/statm")) -> float | None:
    """Memory of this process that is in RAM; without /proc the most that it was so far."""
    try:
        pages = int(path.read_text().split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE, 1)
    except (OSError, ValueError, IndexError):
        return _peak_mb()


def _peak_mb() -> float | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak * (1 if sys.platform == "darwin" else 1024) / MEGABYTE, 1)
