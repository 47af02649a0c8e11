"""Trains runs that die when they are told to. Torch is imported once; every life is a fork of that process.

with Doom() as doom:
    code = doom.live(Life(run.path, act="kill", step=7))
"""

import dataclasses
import functools
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifar_core.files import PROJECT_ROOT
from cifar_core.runs.events import Beat, Epoch
from cifar_core.runs.run import Run

NETWORK = "doomed"  # has dropout, so that the random state matters between two steps
VALIDATION_BATCH = 25
STEP_EVENTS = 2  # an epoch: at some steps their means have begun


@dataclass(frozen=True)
class Life:
    """One process's part of a run, and what happens in it.

    act: "kill" and "terminate" are signals, "stop" and "pause" are requests, "live" lets it end.
    It comes after `step`; or after so many batches of that step's validation; or with "epoch" after the
    epoch's end; or before the `count`-th folder is put in the place of `replacing`.
    After `factor_step` somebody asks for `factor` of the schedule, if it is not 0.

    Killed in other ways: after so many `seconds` by the clock; or while the `saving`-th checkpoint is
    written, at the `call`-th of its file calls' beginnings and ends (on into later ones), or `delay` seconds
    after it began, by the kernel's alarm.
    """

    run: str
    act: str = "live"
    step: int = 0
    validating: int = 0
    epoch: int = 0
    replacing: str = ""
    count: int = 1
    save_seconds: float = 60.0
    factor: float = 0.0
    factor_step: int = 0
    seconds: float = 0.0
    saving: int = 0
    call: int = 0
    delay: float = 0.0


class Doom:
    """The process that forks the lives."""

    def __enter__(self) -> "Doom":
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.doomed_runs"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT,
        )  # fmt: skip
        return self

    def __exit__(self, *error: object) -> None:
        with self.process:
            assert self.process.stdin is not None
            self.process.stdin.close()

    def begin(self, life: Life) -> None:
        """Start a life; `end` waits for it."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(dataclasses.asdict(life)) + "\n")
        self.process.stdin.flush()

    def end(self) -> int:
        """The exit code of the life that was begun; minus the signal when one killed it."""
        assert self.process.stdout is not None
        return int(self.process.stdout.readline())

    def live(self, life: Life) -> int:
        """Begin and end."""
        self.begin(life)
        return self.end()


def main() -> None:
    """Read lives from stdin, a line each; fork; write their exit codes."""
    prepare()
    for line in sys.stdin:
        life, child = Life(**json.loads(line)), os.fork()
        if child == 0:
            os.dup2(2, 1)
            os._exit(live(life))
        if life.seconds:
            time.sleep(life.seconds)
            os.kill(child, signal.SIGKILL)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def prepare() -> None:
    """All that takes long, once. One thread: forks do not have the others."""
    import torch
    import torch._dynamo  # the first step of an optimizer would

    from cifar_core.data import sources
    from cifar_core.models import count_macs, register_model
    from cifar_core.models.mixing import POOL, MixingNet
    from cifar_core.training import loop, setup

    torch.set_num_threads(1)
    setup.EVALUATION_BATCH = VALIDATION_BATCH
    loop.STEP_EVENTS_PER_EPOCH = STEP_EVENTS
    sources.make_synthetic = functools.cache(sources.make_synthetic)
    sources.make_synthetic()

    def doomed(num_classes: int = 10) -> MixingNet:
        return MixingNet((POOL, 4, POOL, 8), 2, num_classes, dropout=0.5)

    count_macs(register_model(doomed)())


def live(life: Life) -> int:
    """Train as the command line does; returns its exit code."""
    from cifar_core.training import session
    from cifar_core.training.runner import train_run

    session.SAVE_SECONDS = life.save_seconds
    run = Run(Path(life.run))
    if life.replacing:
        _watch_replacing(life, run)
    if life.saving:
        _watch_saving(life, run)
    try:
        train_run(run, listener=_Fate(life, run))
    except KeyboardInterrupt:
        return 130
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


class _Fate:
    """A listener that acts at the life's moment."""

    def __init__(self, life: Life, run: Run) -> None:
        self.life, self.run, self.validated = life, run, 0

    def __call__(self, event: Any, status: Any) -> None:
        life = self.life
        if (
            isinstance(event, Beat)
            and life.factor
            and (event.step, event.validating) == (life.factor_step, False)
        ):
            self.run.request(factor=life.factor)
        if isinstance(event, Beat) and event.step == life.step:
            self.validated += event.validating
            if event.validating == bool(life.validating) and self.validated == life.validating:
                act(life.act, self.run)
        elif isinstance(event, Epoch) and event.epoch == life.epoch:
            act(life.act, self.run)


def act(what: str, run: Run) -> None:
    """Do to this process, or to the run, what its life holds."""
    if what in ("kill", "terminate"):
        os.kill(os.getpid(), signal.SIGKILL if what == "kill" else signal.SIGTERM)
    elif what != "live":
        run.request(what)


def _watch_replacing(life: Life, run: Run) -> None:
    replace, left = os.replace, life.count

    def watched(source: Any, target: Any) -> None:
        nonlocal left
        if Path(target).name == life.replacing:
            left -= 1
            if left == 0:
                act(life.act, run)
        replace(source, target)

    os.replace = watched  # type: ignore[assignment]


# Functions of C by which a checkpoint is written
FILE_CALLS = {"open", "write", "close", "fsync", "replace", "mkdir", "rmdir", "unlink"}
FILE_CALLS |= {"serialize_file", "__exit__"}


def _watch_saving(life: Life, run: Run) -> None:
    from cifar_core.training import session

    saves, left = 0, life.call

    def count(frame: Any, event: str, called: Any) -> None:
        nonlocal left
        if event in ("c_call", "c_return") and called.__name__ in FILE_CALLS:
            left -= 1
            if left == 0:
                act("kill", run)

    def watched(save: Any) -> Any:
        def saving(*arguments: Any) -> None:
            nonlocal saves
            saves += 1
            if saves == life.saving and life.delay:
                signal.setitimer(signal.ITIMER_REAL, life.delay)
            sys.setprofile(count if saves >= life.saving else None)
            try:
                save(*arguments)
            finally:
                sys.setprofile(None)

        return saving

    session.Session.write_state = watched(session.Session.write_state)  # type: ignore[method-assign]
    session.save_checkpoint = watched(session.save_checkpoint)


if __name__ == "__main__":
    main()
    os._exit(0)  # tidying up after torch takes long
