"""The store of runs: a folder of runs (runs/run.py), and those shipped with the project.

<runs-dir>/<id>/    a run
<runs-dir>/.trash/  deleted runs, for some days (runs/trash.py)
<runs-dir>/.lr/     searches for a learning rate (runs/lr_finder.py)
"""

import re
import secrets
import time
from pathlib import Path

from cifar_core.config import TrainConfig
from cifar_core.files import DEFAULT_CHECKPOINT, StoreError, checkpoints_dir, default_runs_dir, write_json
from cifar_core.runs.requests import REQUESTS
from cifar_core.runs.run import ACTIVE_STATES, STATES, Run, Status, UnknownRun

__all__ = ["ACTIVE_STATES", "REQUESTS", "STATES", "Run", "RunStore", "Status", "StoreError", "UnknownRun"]


class RunStore:
    """All runs under one folder, and those shipped with the project."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = (root or default_runs_dir()).absolute()

    def create(self, config: TrainConfig, data_dir: Path | None = None) -> Run:
        """A new run, waiting, with its settings on disk."""
        name = re.sub("[^A-Za-z0-9_-]+", "-", config.recipe)[:40].strip("-") or "run"
        run = Run(self.root / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}")
        try:
            run.path.mkdir(parents=True)
        except OSError as error:
            raise StoreError(
                f"No run can be kept in {self.root}: {error.strerror}; choose another --runs-dir."
            ) from None
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
    """The data folder of the newest run that was given one, "" without any."""
    for run in store.list():
        if run.data_dir is not None:
            return str(run.data_dir)
    return ""
