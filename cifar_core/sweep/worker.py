"""One process's part in a sweep: claim a trial, train it as an ordinary run, tell the study, and so on."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.trial import TrialState

from cifar_core.config import ConfigError
from cifar_core.data import DataError
from cifar_core.errors import LabError
from cifar_core.runs.events import Beat, Epoch, Event
from cifar_core.runs.history import History
from cifar_core.runs.labels import TAG_LETTERS, Labels, write_labels
from cifar_core.runs.requests import Pruned
from cifar_core.runs.store import Run, RunStore, Status, StoreError
from cifar_core.sweep.slots import ERROR, RESUMES, SLOT, Slots, run_at
from cifar_core.sweep.study import Sweep, describe_params
from cifar_core.training.in_turn import train_in_turn

if TYPE_CHECKING:
    from cifar_core.training.session import Listener

TAG = "sweep"
Shown = Callable[[Run], "AbstractContextManager[Listener]"]  # shows a run's progress


def work(
    sweep: Sweep,
    store: RunStore,
    data_dir: Path | None,
    shown: Shown,
    told: Callable[[str], None],
    now: bool = False,
) -> None:
    """Do the sweep's trials until all are done, here or by others.

    shown: gives a listener for a run. told: hears which trial begins, how it ended, and what is waited for.
    now: train beside other trainings.

    Raises:
        KeyboardInterrupt: after a signal; the trial is then anybody's to go on with.
        LabError: when the data cannot be had or the store cannot be written, which no other trial would mend.
    """
    slots = Slots(sweep.study, sweep.storage, store, sweep.slots)
    for trial in slots.each(told):
        # A seed of its own for each trial: processes that share a seed would all begin with the same trials.
        seed = sweep.plan.config.seed + trial.number
        sweep.study.sampler = optuna.samplers.TPESampler(seed=seed % 2**32)
        params = {name: one.suggest(trial) for name, one in sweep.plan.search.items()}
        slot = trial.user_attrs[SLOT]
        told(f"Trial {slot} of {sweep.total}: {describe_params(params)}")
        try:
            run = _run_of(trial, sweep, store, params, data_dir)
        except ConfigError as error:  # values that do not go together
            told(f"Trial {slot} {_fail(trial, str(error))}")
            continue
        with slots.holding(trial, run):
            write_labels(run, Labels(f"{sweep.name}, trial {slot}", [TAG, sweep.name.lower()[:TAG_LETTERS]]))
            with shown(run) as listener:
                told(f"Trial {slot} {_trained(trial, run, sweep, data_dir, now, listener, told)}")


def _run_of(
    trial: optuna.Trial, sweep: Sweep, store: RunStore, params: dict[str, Any], data_dir: Path | None
) -> Run:
    """The run of the lost trial that this one stands for, if it lies here; otherwise a new one."""
    earlier = run_at(trial.user_attrs.get(RESUMES, {}), store)
    if earlier is not None:
        status = earlier.status()
        if not (status.active and status.stage):  # nobody has taken it up; one without a stage was only made
            return earlier
    return store.create(sweep.config_of(params), data_dir)


def _trained(
    trial: optuna.Trial,
    run: Run,
    sweep: Sweep,
    data_dir: Path | None,
    now: bool,
    listener: "Listener",
    told: Callable[[str], None],
) -> str:
    """Train the trial's run and tell the study how it ended; returns that in words."""
    reporter = Reporter(trial, sweep.plan.prune, run)
    try:
        if run.status().state != "finished":
            train_in_turn(run, data_dir, now, reporter.followed_by(listener), told)
    except (DataError, StoreError):
        raise
    except LabError as error:  # Withdrawn too
        return _fail(trial, str(error))
    except Exception as error:
        _fail(trial, f"{type(error).__name__}: {error}")
        raise
    state, history = run.status().state, History.of(run, short=True)
    if state == "pruned":
        _tell(trial, TrialState.PRUNED)
        return f"pruned after epoch {len(history.epochs)} of {run.config().epochs}."
    if state != "finished":
        return _fail(trial, "Stopped by hand.")
    if history.lr_changes:
        return _fail(trial, "Somebody changed its learning rate by hand.")
    kept = history.epochs[-1] if run.config().keeps_last else history.best
    if kept is None:
        return _fail(trial, "No epoch was completed.")
    _tell(trial, TrialState.COMPLETE, kept.val_accuracy)
    return f"finished: validation accuracy {kept.val_accuracy:.2%}."


def _fail(trial: optuna.Trial, why: str) -> str:
    """Tell the study that the trial failed by itself, and is not to be done again."""
    with suppress(UpdateFinishedTrialError):
        trial.set_user_attr(ERROR, why)
    _tell(trial, TrialState.FAIL)
    return f"failed: {why}"


def _tell(trial: optuna.Trial, state: TrialState, value: float | None = None) -> None:
    """Tell the study, unless it has given the trial up meanwhile: a machine that slept is not heard of."""
    trial.study.tell(trial, value, state, skip_if_finished=True)


class Reporter:
    """Reports a run's validation accuracy to its trial after each epoch, and ends a run that is pruned.

    A storage that is away for a moment costs no training: what it did not hear it is told next time.
    """

    def __init__(self, trial: optuna.Trial, prune: bool, run: Run) -> None:
        self.trial, self.prune, self.epochs = trial, prune, run.config().epochs
        self.epochs_done = {epoch.epoch: epoch.val_accuracy for epoch in History.of(run, short=True).epochs}
        self.reported: set[int] = set()

    def followed_by(self, listener: "Listener") -> "Listener":
        """Return a listener that reports what it hears, after `listener` has heard it."""

        def listen(event: Event | Beat, status: Status) -> None:
            listener(event, status)
            if isinstance(event, Epoch):
                self.epochs_done[event.epoch] = event.val_accuracy
                if self.is_weak() and event.epoch < self.epochs:
                    raise Pruned

        return listen

    def is_weak(self) -> bool:
        """Report the epochs so far; returns whether the run is to be pruned."""
        try:
            for epoch, accuracy in sorted(self.epochs_done.items()):
                if epoch not in self.reported:
                    self.trial.report(accuracy, epoch)
                    self.reported.add(epoch)
            return self.prune and self.trial.should_prune()
        except (StorageInternalError, UpdateFinishedTrialError) as error:
            print(f"The study heard nothing of this epoch: {error}", file=sys.stderr, flush=True)
            return False
