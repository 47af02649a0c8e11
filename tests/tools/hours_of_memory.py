"""Whether memory grows over hours: a training and the dashboard's server, with three of its pages open.

    CIFAR_DATA=… python -m tests.tools.hours_of_memory            # two hours; prints a JSON document
    CIFAR_DATA=… python -m tests.tools.hours_of_memory --minutes 30 --settle 5

The training is a real one, with more epochs than it has time for. Live, Mixing and Runs stay open in a
browser. Resident memory is read every half a minute; the server must say nothing after its greeting.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cifar_core.files import PROJECT_ROOT
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore
from tests.conftest import CHROMIUM_ARGS
from tests.support.dashboard_server import ADDRESSES, SETTLED, started

OPEN = ("Live", "Mixing", "Runs")
EVERY = 30.0  # seconds between two readings
NEAR = 6  # readings around a moment, of which the median counts
MOST = 1.05  # memory in the end, of that when all had settled


def resident_mb(process: int) -> float:
    """Resident memory of a process in MB (10^6 bytes)."""
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def begun_run(store: RunStore, training: "subprocess.Popen[bytes]") -> Run:
    """The run of the training that was just started, once its first steps are told."""
    while not ((runs := store.list()) and runs[0].status().state == "running"):
        if training.poll() is not None:
            raise SystemExit(f"the training ended with {training.returncode}")
        time.sleep(1)
    return runs[0]


def grown(readings: list[float], settled: int) -> float:
    """Memory in the end, as a share of that when all had settled."""
    return statistics.median(readings[-NEAR:]) / statistics.median(readings[settled : settled + NEAR])


def watched(processes: dict[str, int], tabs: list[Any], minutes: float) -> dict[str, list[float]]:
    """The readings of each process, while the pages stay open."""
    readings: dict[str, list[float]] = {name: [] for name in processes}
    for number in range(round(minutes * 60 / EVERY)):
        for name, process in processes.items():
            readings[name].append(round(resident_mb(process), 1))
        print(f"{number * EVERY / 60:.1f} min", {name: values[-1] for name, values in readings.items()},
              file=sys.stderr, flush=True)  # fmt: skip
        until = time.monotonic() + EVERY
        while (left := until - time.monotonic()) > 0:
            for tab in tabs:  # the browser's messages are taken as they come
                tab.wait_for_timeout(min(left, 1.0) * 1000 / len(tabs))
    return readings


def measure(folder: Path, recipe: str, minutes: float, settle: float) -> dict[str, Any]:
    """Train, open the pages, and read memory until the time is over."""
    from playwright.sync_api import sync_playwright

    log = folder / "server.log"
    command = [
        sys.executable,
        "-m",
        "cifar_core",
        "train",
        "--recipe",
        recipe,
        "--set",
        "epochs=1000",
        "--now",
    ]
    training = subprocess.Popen(
        [*command, "--runs-dir", str(folder / "runs")], cwd=PROJECT_ROOT, stdout=subprocess.DEVNULL
    )
    try:
        run = begun_run(RunStore(folder / "runs"), training)
        with (
            log.open("wb") as output,
            started(folder / "runs", folder, output) as (address, server),
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_ARGS)
            tabs = [browser.new_page() for _ in OPEN]
            for tab, title in zip(tabs, OPEN, strict=True):
                tab.goto(address + ADDRESSES[title].format(run=run.id), timeout=120_000)
                tab.wait_for_function(SETTLED, timeout=120_000)
            greeting = len(log.read_bytes())
            readings = watched({"training": training.pid, "server": server}, tabs, minutes)
            browser.close()
            said = log.read_bytes()[greeting:].decode()
        epochs = run.status().epoch
    finally:
        training.terminate()
        training.wait(timeout=60)
    settled = round(settle * 60 / EVERY)
    return {
        "recipe": recipe, "minutes": minutes, "settle": settle, "epochs": epochs,
        "megabytes": readings,
        "grown": {name: round(grown(values, settled), 3) for name, values in readings.items()},
        "server_log": said.splitlines(),
    }  # fmt: skip


def main() -> int:
    """Measure and print; 1 where memory grew too much, or the server said anything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--recipe", default="mixing_lite", help="with pictures of one size (default: mixing_lite)"
    )
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--settle", type=float, default=15, help="minutes after which memory counts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = measure(Path(folder), options.recipe, options.minutes, options.settle)
    print(json.dumps(report, indent=1))
    return int(any(value > MOST for value in report["grown"].values()) or bool(report["server_log"]))


if __name__ == "__main__":
    sys.exit(main())
