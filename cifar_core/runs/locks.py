"""Whether a folder can hold locks: on a network folder without a lock service, asking for one never ends."""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from cifar_core.errors import NO_LOCKS
from cifar_core.files import StoreError

PATIENCE_SECONDS = 5.0
HUNG_SECONDS = 60.0  # a folder that did not answer is not asked again for so long
_found: set[Path] = set()  # folders that answered, once for each process
_hung: dict[Path, float] = {}  # others, and when they were asked


def require_locks(folder: Path) -> None:
    """Raise StoreError where a lock in `folder` is neither given nor refused in time."""
    if folder in _found or not folder.is_dir():
        return
    if time.monotonic() - _hung.get(folder, -HUNG_SECONDS) < HUNG_SECONDS:
        raise _no_locks(folder)
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
        _hung[folder] = time.monotonic()
        raise _no_locks(folder)
    _found.add(folder)


def _no_locks(folder: Path) -> StoreError:
    return StoreError(f"{folder}: {NO_LOCKS} with --runs-dir, or with CIFAR_LAB_RUNS for the pages too.")
