"""The processors that a process may use: those that it may run on, and what a container's CPU quota leaves.

A quota is time, not places: neither `os.cpu_count` nor the affinity knows of it, and torch would start a
thread for each processor of the host. No torch here.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/")


def cpu_quota(root: Path = ROOT) -> float | None:
    """The processors' worth of time that the cgroup of this process, and those around it, allow; None: all.

    Reads `cpu.max` of cgroup v2, `cpu.cfs_quota_us` and `cpu.cfs_period_us` of v1 (kernel documentation,
    cgroup-v2.rst and sched-bwc.rst). root: the folder that holds sys/ and proc/.
    """
    return min(_quotas(root), default=None)


def machine_cores(root: Path = ROOT) -> int:
    """Processors of the machine, or as many as the quota is worth, rounded up."""
    return _limited(os.cpu_count() or 1, root)


def processors(root: Path = ROOT) -> int:
    """Processors that this process may use."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return _limited(affinity, root)


def _limited(count: int, root: Path) -> int:
    quota = cpu_quota(root)
    return count if quota is None else max(1, min(count, math.ceil(quota)))


def _quotas(root: Path) -> Iterator[float]:
    """Every quota between this process's cgroup and the root's: each of them holds."""
    for hierarchy, own in _cgroups(root):
        for part in (own, *own.parents):
            folder = hierarchy / part
            words = _read(folder / "cpu.max") or [
                *_read(folder / "cpu.cfs_quota_us"),
                *_read(folder / "cpu.cfs_period_us"),
            ]
            if len(words) == 2 and all(word.isdecimal() and int(word) for word in words):  # not max, not -1
                yield int(words[0]) / int(words[1])


def _cgroups(root: Path) -> Iterator[tuple[Path, Path]]:
    """The folders of the hierarchies that may limit processors, and this process's place in each.

    In a container that place may be the host's, which is not there; its limits then lie at the top.
    """
    mounts = root / "sys" / "fs" / "cgroup"
    for line in _read(root / "proc" / "self" / "cgroup", whole_lines=True):
        _, controllers, place = line.split(":", 2)
        if controllers == "" or "cpu" in controllers.split(","):
            yield mounts / controllers, Path(place.lstrip("/"))


def _read(path: Path, whole_lines: bool = False) -> list[str]:
    """The words, or the lines, of a file; none where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.splitlines() if whole_lines else text.split()
