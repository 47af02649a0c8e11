"""A run from its settings to its end, in this process: one at a time, by signals too, its fate in its status.

The process that calls `train_run` holds the run's lock, which falls with it, however it ends.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from filelock import Timeout

from cifar_core.errors import LabError
from cifar_core.recipes import get_recipe
from cifar_core.runs.events import RunEnd
from cifar_core.runs.requests import ControlRequests, Pruned, on_signals
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore, StoreError
from cifar_core.training.loop import TrainingError, end_event
from cifar_core.training.ranks import ALONE, RankLost, Ranks
from cifar_core.training.session import Listener, Session, Stopped

LOCK_SECONDS = 5.0  # readers hold the lock for an instant when they look whether the process lives


def train_run(
    run: Run, data_dir: Path | None = None, listener: Listener | None = None, ranks: Ranks = ALONE
) -> RunEnd:
    """Train `run` from its saved state, or from the start, to its end or until it is asked to stop.

    ranks: those that this process, their leader, trains with; the others `follow`.

    Raises:
        KeyboardInterrupt: after a signal, when the state is saved; a second signal does not wait for that.
        StoreError: when another process works on the run, or its states were freed.
        LabError: with a sentence for the user; the run's status is then "failed" with the same sentence.
    """
    control = ControlRequests(run.path)
    ranks.speak_last()
    with _locked(run), on_signals(control.signal):
        run.require_states()
        end = _guarded(run, data_dir, Session(run, control, listener or (lambda event, status: None), ranks))
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


def _guarded(run: Run, data_dir: Path | None, session: Session) -> RunEnd:
    try:
        with session.ranks.guarded():
            return session.train(data_dir)
    except Stopped:
        session.write("stopped", message="Stopped before the first step.")
        return RunEnd("stopped", 0, 0.0, 0, 0.0)
    except Pruned:
        return session.finish(end_event(session.trainer, "pruned"))
    except KeyboardInterrupt:
        session.write("stopped", message=f"Interrupted. {run.resuming}")
        raise
    except torch.OutOfMemoryError:
        message = "The device ran out of memory; start again with a smaller batch_size."
        session.write("failed", message=message)
        raise TrainingError(message) from None
    except RankLost as error:
        session.write("failed", message=f"{error} {run.resuming}")
        raise
    except LabError as error:
        session.write("failed", message=str(error))
        raise
    except BaseException as error:
        words = f"Unexpected {type(error).__name__}: {error}; the last lines of the log say more."
        session.write("failed", message=f"{words} {run.resuming}")
        raise


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
