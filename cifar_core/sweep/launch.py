"""A sweep as a process of its own, which outlives the page that started it; files beside the runs say of it.

<runs-dir>/.sweeps/<study>.held   locked by a process that does trials of the study here; it falls with it
                                  (not .lock, which is the journal's own for a study of that name)
<runs-dir>/.sweeps/<study>.start  a process was launched, and has not shown itself yet
<runs-dir>/.sweeps/<study>.stop   asks it to end
<runs-dir>/.sweeps/<study>.log    what a detached one printed
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from cifar_core.errors import LabError, reason_of
from cifar_core.runs.launch import start_detached
from cifar_core.runs.store import RunStore, StoreError
from cifar_core.sweep.storage import FOLDER, VARIABLE

START_SECONDS = 60.0  # a process that has not shown itself by then did not start
LOCK_SECONDS = 1.0  # readers hold the lock for an instant when they look whether a process does


class SweepStopped(LabError):
    """The sweep was asked to end; its trial is anybody's to go on with."""


def _file(store: RunStore, name: str, kind: str) -> Path:
    return store.root / FOLDER / f"{name}.{kind}"


def launch_sweep(store: RunStore, storage: str, name: str, data_dir: Path | None) -> None:
    """Do trials of a study that is there, in a detached process; nothing where one does already.

    Raises:
        StoreError: when the folder of the runs cannot be written.
    """
    if is_at_work(store, name):
        return
    # No password on a command line, which every user of the machine can read.
    command = [sys.executable, "-m", "cifar_core", "sweep", "--study", name, "--runs-dir", str(store.root)]
    command += ["--data-dir", str(data_dir)] if data_dir else []
    try:
        (store.root / FOLDER).mkdir(parents=True, exist_ok=True)
        _file(store, name, "stop").unlink(missing_ok=True)
        _file(store, name, "start").touch()
        start_detached(command, _file(store, name, "log"), {VARIABLE: storage})
    except OSError as error:
        raise StoreError(f"No sweep can be started in {store.root}: {reason_of(error)}.") from None


def ask_to_stop(store: RunStore, name: str) -> None:
    """Have the processes that do trials of the study here end theirs."""
    _file(store, name, "stop").touch()


def asked_to_stop(store: RunStore, name: str) -> bool:
    """Return whether `ask_to_stop` was called since the last process was launched."""
    return _file(store, name, "stop").exists()


@contextmanager
def at_work(store: RunStore, name: str) -> Iterator[None]:
    """While open, others see that a process does trials of the study here."""
    path = _file(store, name, "held")
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=LOCK_SECONDS)
        if not _was_launched(store, name):  # since then it may have been asked to end
            _file(store, name, "stop").unlink(missing_ok=True)
        _file(store, name, "start").unlink(missing_ok=True)
    except Timeout:  # a second one beside it
        pass
    try:
        yield
    finally:
        lock.release()


def is_at_work(store: RunStore, name: str) -> bool:
    """Return whether a process does trials of the study here, or was launched a moment ago."""
    path = _file(store, name, "held")
    if _was_launched(store, name):
        return True
    if not path.exists():
        return False
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True


def _was_launched(store: RunStore, name: str) -> bool:
    """Return whether a process was launched a moment ago, and has not shown itself yet."""
    with suppress(OSError):  # there is none
        return time.time() - _file(store, name, "start").stat().st_mtime < START_SECONDS
    return False


def log_tail(store: RunStore, name: str, lines: int = 12) -> str:
    """The last lines of what a detached process printed."""
    path = _file(store, name, "log")
    text = path.read_text("utf-8", errors="replace") if path.exists() else ""
    return "\n".join(text.splitlines()[-lines:])
