"""The store of runs: a folder for each run, written by the training process, read by everyone else.

    <runs-dir>/<id>/
        run.json       when it was created, where its data lies
        config.json    its TrainConfig
        events.jsonl   one event a line (runs/events.py)
        status.json    state, pid, heartbeat, progress
        request.json   what a reader asks of the process (runs/requests.py)
        log.txt        what the process printed
        pictures.json  the few validation images whose answers each epoch notes (runs/sample.py)
        labels.json    its user's name, tags and note (runs/labels.py)
        trackers.json  other trackers that are told of it (training/trackers.py)
        freed.json     that it cannot go on: its states were freed, or were not in its zip (runs/disk.py)
        checkpoints/   last/ and best/ (checkpoint.py)
    <runs-dir>/.trash/ deleted runs, for some days (runs/trash.py)
    <runs-dir>/.incoming/ a run that is being brought in (runs/archive.py)
    <runs-dir>/.lr/    searches for a learning rate (runs/lr_finder.py)
    <runs-dir>/.sweeps/ searches for settings, and what their processes printed (sweep/)
    <runs-dir>/.queue/ who trains on which device now (runs/queue.py)

A checkpoint shipped with the project holds config.json and events.jsonl too and reads as a finished run.
"""

import re
import secrets
import time
from pathlib import Path

from cifar_core.config import TrainConfig
from cifar_core.datasets import CIFAR10
from cifar_core.files import DEFAULT_CHECKPOINT, StoreError, checkpoints_dir, default_runs_dir, write_json
from cifar_core.runs.locks import require_locks
from cifar_core.runs.own_classes import with_own_classes
from cifar_core.runs.run import Run
from cifar_core.runs.status import Status

__all__ = ["Run", "RunStore", "Status", "StoreError", "UnknownRun"]

_OTHER_FOLDER = "choose another folder with --runs-dir or CIFAR_LAB_RUNS"


class UnknownRun(StoreError):
    """A run that is not there."""

    exit_code = 2


class RunStore:
    """All runs under one folder, and those shipped with the project.

    Raises StoreError where that is no folder, or locks in it are waited for without end.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = (root or default_runs_dir()).absolute()
        if self.root.exists() and not self.root.is_dir():
            raise StoreError(f"{self.root} is not a folder; {_OTHER_FOLDER}.")
        require_locks(self.root)

    def create(self, config: TrainConfig, data_dir: Path | None = None) -> Run:
        """A new run, waiting, with its settings on disk; raises as `with_own_classes` too."""
        config = with_own_classes(config, data_dir)
        name = re.sub("[^A-Za-z0-9_-]+", "-", config.recipe)[:40].strip("-") or "run"
        run = Run(self.root / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}")
        try:
            run.path.mkdir(parents=True)
        except OSError as error:
            why = f"{error.strerror}; {_OTHER_FOLDER}"
            raise StoreError(f"No run can be kept in {self.root}: {why}.") from None
        folder = str(data_dir.absolute()) if data_dir else None
        write_json(run.path / "run.json", {"created": time.time(), "data_dir": folder})
        write_json(run.path / "config.json", config.to_json())
        run.write_status(Status("waiting"))
        return run

    def get(self, run_id: str) -> Run:
        """The run with this id (or path); raises UnknownRun with what to do when there is none."""
        for folder in (self.root, checkpoints_dir()):
            path = folder / run_id
            if path.parent == folder and path.name != ".." and _is_run(path):
                return Run(path)
        raise UnknownRun(
            f"There is no run '{run_id}' in {self.root}; `python -m cifar_core runs` lists them."
        )

    def list(self) -> list[Run]:
        """The user's runs, newest first, then the shipped ones, the default network's first."""
        own = [Run(path) for path in self.root.glob("*") if _is_run(path)]
        shipped = [Run(path.parent) for path in sorted(checkpoints_dir().glob("*/events.jsonl"))]
        shipped.sort(key=lambda run: run.id != DEFAULT_CHECKPOINT)
        return sorted(own, key=lambda run: (run.created, run.id), reverse=True) + shipped


def _is_run(folder: Path) -> bool:
    try:
        return any((folder / name).exists() for name in ("run.json", "config.json"))
    except OSError:  # a name too long, a folder of somebody else
        return False


def last_folder(store: RunStore) -> str:
    """The data folder of the newest run that was given one, "" without any; only CIFAR-10 is looked for."""
    for run in store.list():
        if run.data_dir is not None and not _learned_others(run):
            return str(run.data_dir)
    return ""


def _learned_others(run: Run) -> bool:
    try:
        data_set = run.config().data_set.whole
    except StoreError:
        return False
    return not data_set.is_drawn and data_set.name != CIFAR10.name
