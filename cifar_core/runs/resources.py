"""How much of the machine a training process takes: read from the system now and then, kept in its status."""

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MEGABYTE = 1e6


@dataclass(frozen=True)
class Resources:
    """Figures since the last reading; None where the system does not tell.

    memory_mb: of the process; cores: processors that it kept at work, `all_cores` those of the machine;
    machine: share (0..1) of all processors that anything kept at work.
    gpu_memory_mb: of the GPU in use by anything, of `gpu_total_mb`; gpu: share of the time it was at work.
    """

    memory_mb: float | None = None
    cores: float | None = None
    all_cores: int = 0
    machine: float | None = None
    gpu_memory_mb: float | None = None
    gpu_total_mb: float | None = None
    gpu: float | None = None


class LoadMeter:
    """Reads the load of this process since the reading before."""

    def __init__(self) -> None:
        self.wall, self.process = time.monotonic(), time.process_time()
        self.busy, self.total = _machine_times()

    def read(self, gpu: Mapping[str, float]) -> Resources:
        """The load since the last time; `gpu` has the figures of the GPU by their names in Resources."""
        wall, process = time.monotonic(), time.process_time()
        busy, total = _machine_times()
        cores = (process - self.process) / max(wall - self.wall, 1e-9)
        machine = (busy - self.busy) / (total - self.total) if total > self.total else None
        self.wall, self.process, self.busy, self.total = wall, process, busy, total
        return Resources(
            memory_mb=_memory_mb(),
            cores=round(cores, 2),
            all_cores=os.cpu_count() or 1,
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
