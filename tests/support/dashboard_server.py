"""A dashboard's server for tests in a browser: a process of its own on a store of runs, and its addresses."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from demo.dashboard_pages import GROUPS, PAGES, address_of

ENTRY = Path(__file__).resolve().parents[2] / "demo" / "dashboard.py"
ADDRESSES = {title: f"/{address_of(folder)}?run={{run}}&n=200" for folder, title in PAGES.items()}
# in a browser: nothing on the page is being loaded or drawn anew
SETTLED = """!document.querySelector("[data-testid=stSkeleton], [data-testid=stSpinner], [data-stale=true]")
    && !document.querySelector("[data-testid=stStatusWidget]")"""
LEFT_OUT = ("PYTHONPATH", "SPACE_ID", "CIFAR_LAB_PUBLIC", "CIFAR_DATA")


@contextmanager
def serve(runs: Path, elsewhere: Path) -> Iterator[str]:
    """Its address."""
    with started(runs, elsewhere) as (address, _):
        yield address


@contextmanager
def started(runs: Path, elsewhere: Path, output: Any = subprocess.DEVNULL) -> Iterator[tuple[str, int]]:
    """Its address and process; started as a user would from another folder, with nothing on PYTHONPATH.

    output: what it says goes there, an open file.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ENTRY)]
    environment = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
    server = subprocess.Popen(
        [*command, "--server.headless=true", f"--server.port={port}"],
        cwd=elsewhere,
        env=environment | {"CIFAR_LAB_RUNS": str(runs)},
        stdout=output,
        stderr=output,
    )
    try:
        yield wait_for_server(f"http://127.0.0.1:{port}"), server.pid
    finally:
        server.terminate()
        server.wait(timeout=20)


def wait_for_server(address: str) -> str:
    for _ in range(200):
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health"):
                return address
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise TimeoutError(f"no answer from {address}")


def open_page(tab, title: str) -> None:
    """Open a page by the menu, as it is on a wide screen."""
    group = next(heading for heading, pages in GROUPS.items() if title in pages.values())
    if not group:
        tab.get_by_test_id("stTopNavLink").get_by_text(title, exact=True).click()
        return
    tab.get_by_test_id("stTopNavSection").filter(has_text=group).click()
    tab.get_by_role("menuitem", name=title, exact=True).click()


def wait_for_state(tab, word: str) -> None:
    """Wait until the head of a run's page says this word."""
    tab.get_by_role("status").filter(has_text=word).first.wait_for()
