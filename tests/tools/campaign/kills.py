"""Kill trainings at random moments, go on, and compare with the unbroken run: to the last bit.

Five recipes; a run is killed one to three times. Half of the kills come while a checkpoint is written: at a
drawn one of the file calls' beginnings and ends, or at a drawn time after the writing began. Others come by
the clock, from the process's first moment on, or after a drawn step. All but the clocks' are the same for the
same seed; what came too late is no kill, and another is drawn.
"""

import dataclasses
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifar_core.recipes import get_recipe
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore
from tests.support.doomed_runs import NETWORK, Doom, Life
from tests.support.run_remains import differences, remains
from tests.tools.campaign.outcome import Outcome

SMALL = {"data": "synthetic", "train_size": 170, "val_size": 60, "batch_size": 50, "epochs": 2, "tta": 1}
SMALL |= {"precision": "fp32", "tta_below": 1.0}
NETS = {"model_args": {"widths": [4, 8], "num_kernels": 2}}
IN_GROUPS = {"model": NETWORK, "model_args": {}, "accumulation_steps": 3, "augmentation": "flip_crop_cutout"}
RECIPES: dict[str, tuple[str, dict[str, Any]]] = {
    "a mixing network under Muon": ("speed_mixing", {"model_args": {"widths": [4, 8, 8]}}),
    "EMA": ("smoke", {**NETS, "ema_decay": 0.9, "label_smoothing": 0.1}),
    "accumulation": ("smoke", IN_GROUPS),
    "small sizes first": ("smoke", {**NETS, "image_sizes": (16, 24, 32), "epochs": 3}),
    "two classes": ("smoke", {"model": "scale_resnet", "model_args": {}, "classes": ("checks", "disk")}),
}
KILLED = (-signal.SIGKILL, -signal.SIGALRM)
SAVE_CALLS = 60  # about so many beginnings and ends of file calls has a checkpoint's writing
SAVE_SECONDS = 0.03  # and so long it takes
MOST_KILLS = 3  # of one run


@dataclass(frozen=True)
class Unbroken:
    """A run that nothing happened to."""

    run: Run
    remains: dict[str, Any]
    seconds: float
    steps: int


def kills(seed: int, count: int, folder: Path) -> Iterator[Outcome]:
    """Kill `count` times, the recipes in turn; yields an outcome for each run."""
    store, done, writing, number = RunStore(folder), 0, 0, 0
    with Doom() as doom:
        runs = {name: _unbroken(doom, store, *RECIPES[name]) for name in RECIPES}
        while done < count:
            name = list(RECIPES)[number % len(RECIPES)]
            outcome = _killed(doom, store, name, runs[name], random.Random(f"{seed} {number}"), count - done)
            number, done = number + 1, done + outcome.tried
            writing += outcome.name.count("'call'")
            yield dataclasses.replace(outcome, name=f"seed {seed}, run {number}, {outcome.name}")
    print(f"{writing} of {done} kills at a file call of a checkpoint's writing")


def _unbroken(doom: Doom, store: RunStore, recipe: str, changes: dict[str, Any]) -> Unbroken:
    config = get_recipe(recipe).config.replace(**{**SMALL, **changes})
    assert doom.live(Life(str(store.create(config).path))) == 0  # the first life of its kind is slow
    run, began = store.create(config), time.monotonic()
    assert doom.live(Life(str(run.path), save_seconds=0.0)) == 0
    seconds = time.monotonic() - began
    return Unbroken(run, remains(run), seconds, run.events()[-1].step)


def _killed(
    doom: Doom, store: RunStore, name: str, unbroken: Unbroken, draw: random.Random, most: int
) -> Outcome:
    run, wanted, happened = store.create(unbroken.run.config()), draw.choice((1, 1, 2, MOST_KILLS)), []
    while len(happened) < min(wanted, most):
        moment = _moment(draw, unbroken)
        code = doom.live(Life(str(run.path), "kill", save_seconds=draw.choice((0.0, 0.0, 60.0)), **moment))
        if code == 0:  # too late: the run is at its end
            run = store.create(run.config()) if not happened else run
            if happened:
                break
            continue
        happened.append(moment)
        if code not in KILLED:
            return Outcome(f"{name}, {happened}", f"ended with {code}: {run.status().message}", len(happened))
    code = doom.live(Life(str(run.path)))
    wrong = f"resuming ended with {code}: {run.status().message}" if code else ""
    wrong = wrong or ", ".join(differences(run, unbroken.remains))
    return Outcome(f"{name}, {happened}", wrong and f"{wrong} ({run.path})", len(happened))


def _moment(draw: random.Random, unbroken: Unbroken) -> dict[str, Any]:
    kind = draw.choices(("call", "delay", "clock", "step"), (35, 15, 30, 20))[0]
    if kind == "clock":
        return {"seconds": round(draw.uniform(0.001, 0.9 * unbroken.seconds), 4)}
    if kind == "step":
        return {"step": draw.randint(1, unbroken.steps), "validating": draw.choice((0, 0, 1))}
    saving = draw.randint(1, unbroken.steps)
    if kind == "call":
        return {"saving": saving, "call": draw.randint(1, SAVE_CALLS)}
    return {"saving": saving, "delay": round(draw.uniform(1e-4, SAVE_SECONDS), 5)}
