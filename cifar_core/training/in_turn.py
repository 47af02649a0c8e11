"""Work that waits until the device is free: a training, a search for a learning rate.

torch is imported when its turn has come, so that what waits costs hardly any memory.
"""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.runs.lr_finder import SearchFolder
from cifar_core.runs.queue import Withdrawn, line_name, turn, wait_for_place
from cifar_core.runs.requests import held_back
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore
from cifar_core.training.ranks import ALONE, Ranks

if TYPE_CHECKING:
    from cifar_core.training.lr_finder import Point
    from cifar_core.training.session import Listener

WRITE_SECONDS = 0.5  # between two writings of what a search has found
Progress = Callable[[str, int, int], None]  # (what, done, total) of the data


def train_in_turn(
    run: Run,
    data_dir: Path | None = None,
    now: bool = False,
    listener: "Listener | None" = None,
    told: Callable[[str], None] = lambda words: None,
    ranks: Ranks = ALONE,
) -> None:
    """Train when the device is free, or `now`; `told` hears what is waited for, `ranks` take part.

    Raises:
        Withdrawn: when the run was asked to stop before its turn; else as `train_run`.
    """
    run.require_states()
    if not run.status().active:
        run.take_request()  # one that a process before left unanswered
    with turn(run, now, told):
        with held_back():
            from cifar_core.training.runner import train_run

        train_run(run, data_dir, listener, ranks)


def find_lr_in_turn(
    folder: SearchFolder,
    ended: Callable[[SearchFolder], bool] = lambda folder: False,
    progress: Progress = lambda what, done, total: None,
) -> None:
    """Wait for the device, run the range test and keep what it finds; `ended` says when to give up.

    Raises:
        LabError: when it cannot be done; its sentence is kept in the folder too, as that of any other error.
    """
    store = RunStore(folder.path.parent.parent)
    place = wait_for_place(store, line_name(), "the search for a learning rate", lambda: ended(folder))
    try:
        with folder.lock(), place:
            _find_lr(folder, ended, progress)
    except Withdrawn:
        folder.change(state="stopped", message="Stopped.")
    except KeyboardInterrupt:
        folder.change(state="stopped", message="Stopped.")
        raise
    except BaseException as error:
        folder.change(state="failed", message=str(error) or type(error).__name__)
        raise


def _find_lr(folder: SearchFolder, ended: Callable[[SearchFolder], bool], progress: Progress) -> None:
    with held_back():
        from cifar_core.training.lr_finder import Point, flat, run_lr_finder
        from cifar_core.training.setup import prepare

    folder.change(state="running")
    ready = prepare(flat(folder.config()), folder.data_dir(), progress)
    points: list[Point] = []
    written = time.monotonic()
    for point in run_lr_finder(ready.trainer, ready.train):
        points.append(point)
        if time.monotonic() - written > WRITE_SECONDS:
            folder.change(**_found(points))
            written = time.monotonic()
        if ended(folder):
            raise Withdrawn("Nobody watches.")
    folder.change(state="finished", **_found(points))


def _found(points: "list[Point]") -> dict[str, Any]:
    from cifar_core.training.lr_finder import suggestion

    rows = [list(dataclasses.astuple(point)) for point in points]
    return {"points": rows, "suggestion": suggestion(points)}
