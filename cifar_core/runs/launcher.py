"""Start the training of a run as a process of its own, which outlives the page or shell that started it."""

import subprocess
import sys
import time

from cifar_core.runs.detached import start_detached
from cifar_core.runs.queue import line_name
from cifar_core.runs.status import STARTING
from cifar_core.runs.store import Run, Status, StoreError


def train_command(run: Run) -> list[str]:
    """The command line that trains `run`, or goes on with it."""
    return [
        *(sys.executable, "-m", "cifar_core", "train"),
        *("--resume", run.id, "--runs-dir", str(run.path.parent)),
    ]


def launch(run: Run) -> subprocess.Popen[bytes]:
    """Train `run` in a detached process (own process group); its output goes to log.txt.

    Raises:
        StoreError: when the run is shipped, or a process already works on it.
    """
    if run.shipped:
        raise StoreError(
            f"'{run.id}' came with the project and cannot be trained on; start a run of its recipe."
        )
    status = run.status()
    if status.state in ("running", "paused"):
        raise StoreError(f"Run '{run.id}' is {status.state} already, as process {status.pid}.")
    run.take_request()
    run.write_status(Status("waiting", stage=STARTING, queued=time.time(), line=line_name()))
    return start_detached(train_command(run), run.path / "log.txt")
