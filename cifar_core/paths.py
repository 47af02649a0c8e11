"""Where things lie: the project's root, its shipped checkpoints, and the folder of a user's own runs."""

import os
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent
DEFAULT_CHECKPOINT = "mixing_large.v1"  # the shipped network that answers where none is named


def checkpoints_dir() -> Path:
    """Folder of the shipped checkpoints."""
    return PROJECT_ROOT / "checkpoints"


def default_runs_dir() -> Path:
    """CIFAR_LAB_RUNS, or `runs/` beside the package: the same from every working directory."""
    return Path(os.environ.get("CIFAR_LAB_RUNS") or PROJECT_ROOT / "runs")
