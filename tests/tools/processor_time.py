"""Processor time of processes, as Linux counts it: what something costs, also on a busy machine."""

import os
from collections import defaultdict
from pathlib import Path


def processor_seconds(process: int | None) -> float:
    """Processor time that a process has taken so far; 0 where the system does not tell."""
    try:
        fields = _stat(process)
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def descendants(process: int) -> list[int]:
    """The processes that a process has started, and theirs."""
    children: dict[int, list[int]] = defaultdict(list)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            children[int(_stat(int(folder.name))[1])].append(int(folder.name))
        except OSError:  # it has ended
            continue
    found = list(children[process])
    for child in found:
        found += children[child]
    return found


def _stat(process: int | None) -> list[str]:
    """The fields of /proc/PID/stat after the name: state, parent, …"""
    return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
