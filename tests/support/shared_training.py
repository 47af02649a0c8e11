"""Small trainings by several processes, started by torchrun: what they told, and whether all ended equal.

torchrun --nproc-per-node=2 -m tests.support.shared_training SETTINGS.json RESULTS.json
"""

import hashlib
import json
import os
import subprocess
import sys
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from cifar_core.config import ConfigError, TrainConfig
from cifar_core.errors import LabError
from cifar_core.files import PROJECT_ROOT
from cifar_core.recipes import get_recipe
from cifar_core.runs.events import Epoch, Resume, Step
from cifar_core.training.loop import fit
from cifar_core.training.ranks import ALONE, Ranks
from cifar_core.training.setup import Preparation, prepare

TORCHRUN = (sys.executable, "-m", "torch.distributed.run")
BASE = {"train_size": 200, "val_size": 60, "batch_size": 20, "epochs": 2, "precision": "fp32"}
STEPS = 20  # of these two epochs


def environment(**more: str) -> dict[str, str]:
    """Return an environment in which every process has one thread and no GPU."""
    plain = {"OMP_NUM_THREADS": "1", "CIFAR_LAB_DEVICE": "cpu", "TORCH_CPP_LOG_LEVEL": "ERROR"}
    return {**os.environ, **plain, "PYTHONUNBUFFERED": "1", **more}


def torchrun(processes: int, *arguments: str, **options: Any) -> "subprocess.Popen[str]":
    """Start a module in several processes of this machine; its output comes through one pipe."""
    command = [*TORCHRUN, f"--nproc-per-node={processes}", "--standalone", "-m", *arguments]
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "cwd": PROJECT_ROOT}
    return subprocess.Popen(command, env=environment(), **pipe, **options)


def config_of(changes: dict[str, Any]) -> TrainConfig:
    """The settings of a small training on drawn shapes."""
    return get_recipe("smoke").config.replace(**{**BASE, **changes})


def ready(changes: dict[str, Any], ranks: Ranks) -> Preparation:
    """The training before its first step."""
    return prepare(config_of(changes), None, lambda *progress: None, ranks=ranks)


def trained(changes: dict[str, Any], ranks: Ranks = ALONE) -> dict[str, Any]:
    """Losses of the steps, what was validated, and the digest of the last state on each rank.

    stop: the step after which, in `changes`, the training goes on in a new trainer from the leader's state.
    """
    changes = dict(changes)
    stop = changes.pop("stop", 0)
    preparation = ready(changes, ranks)
    events = fit(preparation.trainer, preparation.train, preparation.val, Resume(0, 0.0))
    told = list(events) if not stop else list(islice(events, _place(stop)))
    if stop:
        state = ranks.tell(preparation.trainer.state_dict())
        preparation = ready(changes, ranks)
        preparation.trainer.load_state_dict(state)
        told += fit(preparation.trainer, preparation.train, preparation.val, Resume(stop, 0.0))
    epochs = [event for event in told if isinstance(event, Epoch)]
    return {
        "losses": [event.loss for event in told if isinstance(event, Step)],
        "train": [[event.train_loss, event.train_accuracy] for event in epochs],
        "val": [[event.val_loss, event.val_accuracy] for event in epochs],
        "mixing": [[block.per_class for block in event.mixing] for event in epochs],
        "answers": epochs[-1].answers,
        "digests": ranks._all(digest(preparation)),
    }


def _place(steps: int) -> int:
    """Events up to the Beat of a step of the first epoch: the start, then a Step and a Beat each."""
    return 1 + 2 * steps


def digest(preparation: Preparation) -> str:
    """A short word for all weights, averages and momentums."""
    trainer = preparation.trainer
    states = [trainer.model.state_dict(), trainer.averaged.state_dict()]
    moved = [value for group in trainer.optimizer.optimizers for value in group.state.values()]
    whole = hashlib.sha256()
    for state in (*states, *moved):
        for value in state.values():
            if isinstance(value, torch.Tensor):
                whole.update(value.detach().contiguous().numpy().tobytes())
    return whole.hexdigest()[:16]


FAILURES = {"the leader": (0, False), "another": (1, False), "the leader, while others wait": (0, True)}


def problems(ranks: Ranks, failing: int, first: bool) -> list[str]:
    """Return what each rank raises where one of them cannot do its part."""
    said = "nothing"
    try:
        with ranks.together():
            if ranks.rank == failing:
                raise ConfigError("there is no such folder")
            with ranks.leader_first() if first else nullcontext():
                pass
    except LabError as error:
        said = f"{type(error).__name__} {error.exit_code}: {error}"
    return ranks._all(said)


def main(settings: Path, results: Path) -> None:
    """Train all settings, one after another; the leader writes what came of each."""
    ranks = Ranks.of_environment()
    ranks.join()
    found = {name: trained(changes, ranks) for name, changes in json.loads(settings.read_text()).items()}
    found["problems"] = {name: problems(ranks, *where) for name, where in FAILURES.items()}
    if ranks.leads:
        results.write_text(json.dumps(found))
    ranks.leave()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
