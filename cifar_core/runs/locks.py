"""Whether a folder can hold locks: on a network folder without a lock service, asking for one never ends."""

import os
import threading
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from cifar_core.errors import NO_LOCKS
from cifar_core.files import StoreError

PATIENCE_SECONDS = 5.0
_found: set[Path] = set()  # folders that answered, once for each process


def require_locks(folder: Path) -> None:
    """Raise StoreError where a lock in `folder` is neither given nor refused in time."""
    if folder in _found or not folder.is_dir():
        return
    trial = folder / f".lock-{os.getpid()}"
    answered = threading.Event()

    def take() -> None:
        with suppress(OSError, Timeout, NotImplementedError), FileLock(trial, timeout=0):
            pass  # who refuses says so again where it matters
        with suppress(OSError):
            trial.unlink(missing_ok=True)
        answered.set()

    threading.Thread(target=take, daemon=True).start()
    if not answered.wait(PATIENCE_SECONDS):
        raise StoreError(f"{folder}: {NO_LOCKS} with --runs-dir, or with CIFAR_LAB_RUNS for the pages too.")
    _found.add(folder)
