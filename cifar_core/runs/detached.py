"""Start a process of this package that outlives the page or shell which starts it."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from cifar_core.paths import PROJECT_ROOT


def start_detached(command: Sequence[str], log: Path = Path(os.devnull)) -> "subprocess.Popen[bytes]":
    """Run a command line in a process group of its own, so that it finds this package.

    log: the file that takes what it prints, after what is there. Raises OSError.
    """
    search_path = os.pathsep.join(filter(None, [str(PROJECT_ROOT), os.environ.get("PYTHONPATH")]))
    with open(log, "ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=PROJECT_ROOT,
            env={**os.environ, "PYTHONPATH": search_path, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
