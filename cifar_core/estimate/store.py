"""Measured speeds on disk, and the process that measures one. No torch, so that a page can use it.

<cache>/speeds/<key>.json   a Speed, or the sentence why there is none
<cache>/speeds/lock         held while a process measures: one at a time
"""

import contextlib
import hashlib
import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from filelock import FileLock

from cifar_core.config import TrainConfig
from cifar_core.cores import processors
from cifar_core.data.cache import default_cache_dir
from cifar_core.estimate.speed import MeasuringError, Speed, cost_settings, is_plausible
from cifar_core.files import PROJECT_ROOT, build, write_json
from cifar_core.recipes import get_recipe
from cifar_core.runs.launch import start_detached
from cifar_core.runs.lr_finder import live_searches
from cifar_core.runs.queue import active_runs
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "ATEN_CPU_CAPABILITY")
CODE = ("models", "models/ops", "training", "device.py", "estimate")
TRAINING_RUNS = "A training runs on this machine; beside it nothing is measured. Try again when it has ended."
BUSY_SECONDS = 3600.0  # so long is a speed kept that was measured while other programs were at work


def speeds_dir() -> Path:
    """Folder of the measured speeds."""
    return default_cache_dir() / "speeds"


def speed_path(config: TrainConfig) -> Path:
    """The file of a config's speed: the same for all configs that take the same step on the same machine."""
    circumstances = [cost_settings(config), machine(), code_state()]
    text = json.dumps(circumstances, sort_keys=True)
    return speeds_dir() / f"{config.model}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.json"


def machine() -> list[str]:
    """Return what tells this machine, its threads and its torch from others, without asking torch."""
    try:
        torch = version("torch")
    except PackageNotFoundError:
        torch = ""
    threads = [f"{name}={os.environ.get(name, '')}" for name in THREAD_VARIABLES]
    return [platform.node(), platform.machine(), str(processors()), torch, *threads]


def code_state() -> list[list[int]]:
    """Sizes and times of the files that a step goes through: who changes them measures again."""
    roots = [PROJECT_ROOT / "cifar_core" / name for name in CODE]
    files = [file for root in roots for file in ([root] if root.suffix else sorted(root.glob("*.py")))]
    return [[status.st_size, status.st_mtime_ns] for status in (file.stat() for file in files)]


def load_speed(config: TrainConfig) -> Speed | None:
    """The speed that was measured for such a config, or None.

    Raises:
        MeasuringError: with the sentence that the measuring process left.
    """
    try:
        document = json.loads(speed_path(config).read_text(encoding="utf-8"))
        if "error" in document:
            raise MeasuringError(str(document["error"]))
        speed = build(Speed, document)
    except (OSError, ValueError, TypeError):
        return None
    outdated = speed.busy and time.time() - speed.measured > BUSY_SECONDS
    return speed if is_plausible(speed) and not outdated else None


def find_speed(config: TrainConfig, store: RunStore, seconds: float) -> Speed:
    """Return the speed that is kept, or measure it in about `seconds`, which alone imports torch.

    Raises:
        MeasuringError: when a training runs, another process measures, or the memory does not suffice.
        ModelError: when the config names no network, or arguments that it does not take.
    """
    if (kept := load_speed(config)) is not None:
        return kept
    refuse_beside_training(store)
    from cifar_core.estimate.measure import measure_and_keep

    return measure_and_keep(config, store, seconds)


def keep_speed(config: TrainConfig, outcome: Speed | str) -> None:
    """Keep a speed, or the sentence why there is none; where the folder cannot be written, nothing."""
    document = {"error": outcome} if isinstance(outcome, str) else asdict(outcome)
    with contextlib.suppress(OSError):
        speeds_dir().mkdir(parents=True, exist_ok=True)
        write_json(speed_path(config), document)


def measuring_lock() -> FileLock:
    """The lock that a measuring process holds; it falls with the process. Raises OSError without a folder."""
    speeds_dir().mkdir(parents=True, exist_ok=True)
    return FileLock(speeds_dir() / "lock", timeout=0)


def live_runs(store: RunStore) -> list[Run]:
    """Runs that train now or are about to."""
    return [run for run, status in active_runs(store) if status.state in ("waiting", "running")]


def is_training(store: RunStore) -> bool:
    """True while a run or a search for a learning rate is at work: nothing is measured beside it."""
    return bool(live_runs(store) or live_searches(store))


def refuse_beside_training(store: RunStore) -> None:
    """Raise MeasuringError when a training of the store lives."""
    if is_training(store):
        raise MeasuringError(TRAINING_RUNS)


def estimate_command(config: TrainConfig, store: RunStore) -> list[str]:
    """The command line that measures the speed of a config and keeps it."""
    command = [*(sys.executable, "-m", "cifar_core", "bench", "estimate", "--json")]
    command += ["--recipe", config.recipe, "--runs-dir", str(store.root)]
    for name, (value, _) in config.differences(get_recipe(config.recipe).config).items():
        command += ["--set", f"{name}={value if isinstance(value, str) else json.dumps(value)}"]
    return command


def start_measuring(config: TrainConfig, store: RunStore) -> "subprocess.Popen[bytes]":
    """Measure in a detached process; its outcome is what `load_speed` then finds. Raises OSError."""
    return start_detached(estimate_command(config, store))
