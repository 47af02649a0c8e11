"""A run from its settings to its end, in this process: one at a time, by signals too, its fate in its status.

The process that calls `train_run` holds the run's lock, which falls with it, however it ends.
"""

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from filelock import Timeout

from cifar_core.checkpoint import CheckpointError
from cifar_core.config import ConfigError
from cifar_core.data import DataError
from cifar_core.models import ModelError
from cifar_core.recipes import get_recipe
from cifar_core.runs.events import Beat, Resume, RunEnd
from cifar_core.runs.requests import on_signals
from cifar_core.runs.store import Run, RunStore, StoreError
from cifar_core.training.loop import TrainingError, end_event
from cifar_core.training.session import ControlRequests, Listener, Session, StatusWriter, load_saved
from cifar_core.training.setup import prepare

LOCK_SECONDS = 5.0  # readers hold the lock for an instant when they look whether the process lives
EXPECTED_ERRORS = (CheckpointError, ConfigError, DataError, ModelError, StoreError, TrainingError)


class Stopped(BaseException):
    """The run was asked to end before its first step. No Exception: a download would take it for its own."""


def train_run(run: Run, data_dir: Path | None = None, listener: Listener | None = None) -> RunEnd:
    """Train `run` from its saved state, or from the start, to its end or until it is asked to stop.

    Raises:
        KeyboardInterrupt: after a signal, when the state is saved; a second signal does not wait for that.
        StoreError: when another process works on the run.
        CheckpointError, ConfigError, DataError, ModelError, TrainingError: with a sentence for the user; the
            run's status is then "failed" with the same sentence.
    """
    control = ControlRequests(run)
    with _locked(run), on_signals(control.signal):
        end = _guarded(run, data_dir, control, listener or (lambda event, status: None))
    if control.signaled and end.state == "stopped":
        raise KeyboardInterrupt
    return end


def train(
    recipe: str,
    *,
    data_dir: Path | str | None = None,
    runs_dir: Path | str | None = None,
    listener: Listener | None = None,
    **changes: Any,
) -> Run:
    """Train a recipe with changed settings, here and now: `train("smoke", epochs=2)`.

    Returns the run; its `best_checkpoint` is the folder of the weights to use, `events()` its history.

    Raises:
        ConfigError: for an unknown recipe or setting, or a value out of its limits; else as `train_run`.
    """
    config = get_recipe(recipe).config.replace(**changes)
    folder = Path(data_dir) if data_dir else None
    run = RunStore(Path(runs_dir) if runs_dir else None).create(config, folder)
    train_run(run, listener=listener)
    return run


def _guarded(run: Run, data_dir: Path | None, control: ControlRequests, listener: Listener) -> RunEnd:
    """Train, and write down how it ended where it did not end by itself."""
    status = StatusWriter(run)
    try:
        return _train(run, data_dir, control, status, listener)
    except Stopped:
        status.write("stopped", message="Stopped before the first step.")
        return RunEnd("stopped", 0, 0.0, 0, 0.0)
    except KeyboardInterrupt:
        status.write("stopped", message=f"Interrupted. {run.resuming}")
        raise
    except torch.OutOfMemoryError:
        message = "The device ran out of memory; start again with a smaller batch_size."
        status.write("failed", message=message)
        raise TrainingError(message) from None
    except EXPECTED_ERRORS as error:
        status.write("failed", message=str(error))
        raise
    except BaseException as error:
        words = f"Unexpected {type(error).__name__}: {error}; the last lines of the log say more."
        status.write("failed", message=f"{words} {run.resuming}")
        raise


def _train(
    run: Run, data_dir: Path | None, control: ControlRequests, status: StatusWriter, listener: Listener
) -> RunEnd:
    """Prepare, go back to the saved state if there is one, and go on from there; returns the last event."""

    def report_data(what: str, done: int, total: int) -> None:
        if control.stopping():
            raise Stopped
        if new_stage := what != status.status.stage:
            status.begin(done)
        if new_stage or status.due:
            status.write("running", stage=what, done=done, total=total, eta_seconds=status.eta(done, total))
            listener(Beat(0, 0), status.status)

    status.write("running", stage="preparing", message="")
    saved = load_saved(run)
    place = saved.workplace if saved else None
    preparation = prepare(run.config(), data_dir or run.data_dir, report_data, place)
    session = Session(run, preparation, control, status, listener)
    if saved is None:
        run.truncate_events(0)
        return session.record(dataclasses.replace(preparation.start, time=time.time()))
    session.restore(saved)
    trainer = preparation.trainer
    if trainer.epochs_done == trainer.config.epochs:
        return session.finish(end_event(trainer, "finished"))
    return session.record(Resume(trainer.step, time.time()))


@contextmanager
def _locked(run: Run) -> Iterator[None]:
    lock = run.lock(LOCK_SECONDS)
    try:
        lock.acquire()
    except Timeout:
        raise StoreError(f"Another process trains '{run.id}' already; stop that one first.") from None
    try:
        yield
    finally:
        lock.release()
