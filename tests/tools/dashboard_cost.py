"""What the dashboard costs, in a real browser: how long its pages take to open, what a run beside it loses.

    python -m tests.tools.dashboard_cost                  # about two minutes; prints a JSON document
    python -m tests.tools.dashboard_cost --seconds 10     # watches the run for a shorter time

The store has 200 runs. One of them has 100,000 events and half an hour to go; while its page is open, events
come in as a training writes them. A page is open when nothing on it is loading any more; beside this time
stands the server's processor time. The share is what server and browser take of two cores. Other work on the
machine makes times several times as long; processor time grows by a half or so.
"""

import argparse
import dataclasses
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from cifar_core.runs.events import Step
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore, Status
from demo.dashboard_pages.live.curves import LOOK_SECONDS
from tests.conftest import CHROMIUM_ARGS
from tests.support.dashboard_server import ADDRESSES, SETTLED, started
from tests.support.fake_runs import STEPS_PER_EPOCH, crowd, keep_running, mixed_step
from tests.tools.processor_time import descendants, processor_seconds

RUNS, EVENTS, CORES = 200, 100_000, 2
OPEN_SECONDS, UPDATE_MS, SHARE_PERCENT = 2.0, 200.0, 3.0  # the most that is allowed
UPDATES_A_SECOND = 1 / LOOK_SECONDS[1]  # of a page that watches a long run
PATIENCE_MS = 120_000


def opened(tab: Any, address: str, server: int) -> dict[str, float]:
    """Seconds from asking for a page until all of it is there, and what the server worked for it."""
    worked, begun = processor_seconds(server), time.monotonic()
    tab.goto(address)
    tab.locator("h1").first.wait_for()
    tab.wait_for_function(SETTLED)
    seconds = time.monotonic() - begun
    return {"seconds": round(seconds, 2), "server": round(processor_seconds(server) - worked, 2)}


def wait_until_idle(server: int) -> None:
    """Until the server has loaded what it loads beside the first page."""
    worked = -1.0
    while processor_seconds(server) - worked > 0.1:
        worked = processor_seconds(server)
        time.sleep(1)


def long_status(run: Run) -> Status:
    """That of a run with half an hour to go."""
    return dataclasses.replace(run.status(), eta_seconds=1800.0)


def watched(run: Run, seconds: float, server: int) -> dict[str, float]:
    """What server and browser work while a run's page is open and the run goes on."""
    browser = [process for process in descendants(os.getpid()) if process != server]
    before = processor_seconds(server), sum(map(processor_seconds, browser))
    begun, status, step = time.monotonic(), long_status(run), 202
    while time.monotonic() - begun < seconds:
        run.append(Step(5, step, 0.5, 0.8, 0.1, 812.0, *mixed_step(step / STEPS_PER_EPOCH)))
        run.write_status(status)
        step += 1
        time.sleep(0.5)  # as often as a training tells how far it is
    worked = processor_seconds(server) - before[0]
    painted = sum(map(processor_seconds, browser)) - before[1]
    return {
        "server_seconds": round(worked, 2),
        "browser_seconds": round(painted, 2),
        "update_ms": round(1000 * worked / (UPDATES_A_SECOND * seconds), 1),
        "share_percent": round(100 * (worked + painted) / (CORES * seconds), 2),
    }


def measure(folder: Path, seconds: float) -> dict[str, Any]:
    """Open every page twice, then watch the run that is under way."""
    from playwright.sync_api import sync_playwright

    run = crowd(RunStore(folder / "runs"), RUNS, EVENTS)
    lock = keep_running(run)
    with started(folder / "runs", folder) as (address, server), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_ARGS)
        tab = browser.new_page()
        tab.set_default_timeout(PATIENCE_MS)
        pages = {name: address + path.format(run=run.id) for name, path in ADDRESSES.items()}
        pages |= {name: address + ADDRESSES[name].split("?")[0] for name in ("Mixing", "Understand", "Try")}
        report: dict[str, Any] = {"start": opened(tab, address, server)}
        wait_until_idle(server)
        report["first"] = {name: opened(tab, page, server) for name, page in pages.items()}
        report["again"] = {name: opened(tab, page, server) for name, page in pages.items()}
        run.write_status(long_status(run))
        for step in (200, 201):  # points that come as quickly as the page ever looks for them
            run.append(Step(5, step, 0.5, 0.8, 0.1, 812.0, *mixed_step(step / STEPS_PER_EPOCH)))
        opened(tab, pages["Live"], server)
        wait_until_idle(server)
        report["watched"] = {"seconds": seconds, **watched(run, seconds, server)}
        report["load_average"] = [round(value, 1) for value in os.getloadavg()]
        browser.close()
    lock.release()  # type: ignore[attr-defined]
    return report


def too_much(report: dict[str, Any]) -> list[str]:
    """What costs more than is allowed."""
    slow = [
        f"{name} took {times['seconds']} s to open"
        for name, times in report["again"].items()
        if times["seconds"] > OPEN_SECONDS
    ]
    figures = report["watched"]
    if figures["update_ms"] > UPDATE_MS:
        slow.append(f"an update took {figures['update_ms']} ms of the server's time")
    if figures["share_percent"] > SHARE_PERCENT:
        slow.append(f"the page took {figures['share_percent']} % of {CORES} cores")
    return slow


def main() -> int:
    """Measure and print; 1 where anything costs more than is allowed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="how long the run is watched (default: 60)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = measure(Path(folder), options.seconds)
    report["too_much"] = too_much(report)
    print(json.dumps(report, indent=1))
    return 1 if report["too_much"] else 0


if __name__ == "__main__":
    sys.exit(main())
