"""Start the training of a run as a process of its own, which outlives the page or shell that started it."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from cifar_core.files import PROJECT_ROOT
from cifar_core.runs.queue import line_name
from cifar_core.runs.run import Run
from cifar_core.runs.status import STARTING, Status
from cifar_core.runs.store import StoreError

# On Windows, what a session of its own is elsewhere: Ctrl-C and a closed window do not reach the process.
OWN_CONSOLE = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
SPEAKS = {"PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}  # into a log, at once and in UTF-8 on Windows too


def start_detached(
    command: Sequence[str], log: Path = Path(os.devnull), variables: Mapping[str, str] | None = None
) -> "subprocess.Popen[bytes]":
    """Run a command line in a process group of its own, so that it finds this package.

    log: the file that takes what it prints, after what is there. variables: of its environment, besides this
    process's own. Raises OSError.
    """
    search_path = os.pathsep.join(filter(None, [str(PROJECT_ROOT), os.environ.get("PYTHONPATH")]))
    with open(log, "ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=PROJECT_ROOT,
            env={**os.environ, **(variables or {}), "PYTHONPATH": search_path, **SPEAKS},
            start_new_session=True,
            creationflags=OWN_CONSOLE,
        )


def train_command(run: Run) -> list[str]:
    """The command line that trains `run`, or goes on with it."""
    return [
        *(sys.executable, "-m", "cifar_core", "train"),
        *("--resume", run.id, "--runs-dir", str(run.path.parent)),
    ]


def launch(run: Run) -> subprocess.Popen[bytes]:
    """Train `run` in a detached process (own process group); its output goes to log.txt.

    Raises:
        StoreError: when the run is shipped or freed, or a process already works on it.
    """
    if run.shipped:
        raise StoreError(
            f"'{run.id}' came with the project and cannot be trained on; start a run of its recipe."
        )
    run.require_states()
    status = run.status()
    if status.state in ("running", "paused"):
        raise StoreError(f"Run '{run.id}' is {status.state} already, as process {status.pid}.")
    run.take_request()
    run.write_status(Status("waiting", stage=STARTING, queued=time.time(), line=line_name()))
    return start_detached(train_command(run), run.path / "log.txt")
