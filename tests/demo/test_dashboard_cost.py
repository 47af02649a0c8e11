"""The command that measures what the dashboard costs: what it counts, and what it calls too much."""

import os
import subprocess
import sys
import time

from tests.tools.dashboard_cost import too_much
from tests.tools.processor_time import descendants, processor_seconds

WATCHED = {"update_ms": 30.0, "share_percent": 2.0}


def test_it_says_what_costs_too_much():
    report = {"again": {"Live": {"seconds": 1.9}, "Runs": {"seconds": 2.1}}, "watched": WATCHED}
    assert too_much(report) == ["Runs took 2.1 s to open"]
    report = {"again": {}, "watched": {"update_ms": 201.0, "share_percent": 3.1}}
    assert len(too_much(report)) == 2


def test_it_counts_the_work_of_processes_and_finds_their_own():
    command = [
        sys.executable,
        "-c",
        "import subprocess, sys; sum(range(3_000_000)); subprocess.run([sys.executable, '-c', 'input()'])",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        while len(descendants(process.pid)) < 1 or not processor_seconds(process.pid):
            time.sleep(0.05)
        assert {process.pid, *descendants(process.pid)} <= set(descendants(os.getpid()))
        process.communicate(b"\n")
    assert processor_seconds(process.pid) == 0
