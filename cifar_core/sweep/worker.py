"""One process's part in a sweep: claim a trial, train it as an ordinary run, tell the study, and so on."""

import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import TrialState

from cifar_core.config import ConfigError
from cifar_core.data import DataError
from cifar_core.errors import LabError
from cifar_core.runs.events import Beat, Epoch, Event
from cifar_core.runs.history import History
from cifar_core.runs.labels import TAG_LETTERS, Labels, write_labels
from cifar_core.runs.requests import Pruned
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore, Status, StoreError
from cifar_core.sweep.launch import SweepStopped, asked_to_stop, at_work
from cifar_core.sweep.rows import describe_params
from cifar_core.sweep.slots import AWAY, ERROR, RESUMES, SLOT, Slots, TakenOver, run_at, taken_over, tell
from cifar_core.sweep.storage import StorageError, first_line
from cifar_core.sweep.study import Sweep
from cifar_core.training.in_turn import train_in_turn

if TYPE_CHECKING:
    from cifar_core.training.session import Listener

TAG = "sweep"
Shown = Callable[[Run], "AbstractContextManager[Listener]"]  # shows a run's progress


@dataclass(frozen=True)
class Worker:
    """This process's part: where its runs lie, and who hears of them.

    shown: gives a listener for a run. told: hears which trial begins, how it ended, and what is waited for.
    now: train beside other trainings.
    """

    sweep: Sweep
    store: RunStore
    data_dir: Path | None
    shown: Shown
    told: Callable[[str], None]
    now: bool = False

    def work(self) -> None:
        """Do the sweep's trials until all are done, here or elsewhere.

        Raises:
            KeyboardInterrupt: after a signal; the trial is then anybody's to go on with.
            SweepStopped: when it was asked to end from a page, likewise.
            LabError: when the data cannot be had or the store cannot be written: no other trial would help.
        """
        sweep = self.sweep
        slots = Slots(sweep.study, sweep.storage, self.store, sweep.slots)
        with at_work(self.store, sweep.name):
            for trial in slots.each(self.told, self.require_wanted):
                try:
                    params = self.suggested(trial)
                    place = f"{trial.user_attrs[SLOT]} of {sweep.total}"
                    self.told(f"Trial {trial.number}, {place}: {describe_params(params)}")
                    self.told(f"Trial {trial.number} {self.do(trial, slots, params)}")
                except TakenOver as error:
                    self.told(str(error))

    def suggested(self, trial: optuna.Trial) -> dict[str, Any]:
        """The values that Optuna gives to a trial."""
        # A seed for each trial: processes that share one would all begin with the same trials.
        seed = self.sweep.plan.config.seed + trial.number
        self.sweep.study.sampler = optuna.samplers.TPESampler(seed=seed % 2**32)
        try:
            return {name: one.suggest(trial) for name, one in self.sweep.plan.search.items()}
        except UpdateFinishedTrialError:
            raise taken_over(trial) from None

    def require_wanted(self) -> None:
        """Raise SweepStopped when the sweep was asked to end here."""
        if asked_to_stop(self.store, self.sweep.name):
            name = self.sweep.name
            raise SweepStopped(
                f"The sweep was stopped and its study is kept; `sweep --study {name}` goes on with it."
            )

    def do(self, trial: optuna.Trial, slots: Slots, params: Mapping[str, Any]) -> str:
        """Train the trial's run and tell the study how it ended; returns that in words."""
        try:
            run = self.run_of(trial, params)
        except ConfigError as error:  # values that do not go together
            return _fail(trial, str(error))
        with slots.holding(trial, run):
            self.require_wanted()  # who asked before the run had its name asked the run for nothing
            tags = [TAG, self.sweep.name.lower()[:TAG_LETTERS]]
            write_labels(run, Labels(f"{self.sweep.name}, trial {trial.number}", tags))
            try:
                if run.status().state not in ("finished", "pruned"):
                    self.train(trial, run)
            except (DataError, StoreError):
                raise
            except LabError as error:  # Withdrawn too
                self.require_wanted()
                return _fail(trial, str(error))
            except Exception as error:
                with suppress(TakenOver, StorageError):
                    _fail(trial, f"{type(error).__name__}: {error}")
                raise
            if run.status().state == "stopped":
                self.require_wanted()
            return _tell_end(trial, run)

    def run_of(self, trial: optuna.Trial, params: Mapping[str, Any]) -> Run:
        """The run of the lost trial that this one stands for, if it lies here; otherwise a new one."""
        earlier = run_at(trial.user_attrs.get(RESUMES, {}), self.store)
        if earlier is not None:
            status = earlier.status()
            lost = earlier.freed and status.state not in ("finished", "pruned")
            if not lost and not (status.active and status.stage):  # taken up by nobody; without, only made
                return earlier
        return self.store.create(self.sweep.config_of(params), self.data_dir)

    def train(self, trial: optuna.Trial, run: Run) -> None:
        """Train when the device is free, each epoch reported to the study."""
        with self.shown(run) as listener:
            heard = Reporter(trial, self.sweep.plan.prune, run).followed_by(listener)
            train_in_turn(run, self.data_dir, self.now, heard, self.told)


def _tell_end(trial: optuna.Trial, run: Run) -> str:
    """Tell the study how a run ended; returns that in words."""
    state, history, config = run.status().state, History.of(run, short=True), run.config()
    if state == "pruned":
        tell(trial, TrialState.PRUNED)
        return f"pruned after epoch {len(history.epochs)} of {config.epochs}."
    if state != "finished":
        return _fail(trial, "Stopped by hand.")
    if history.lr_changes:
        return _fail(trial, "Somebody changed its learning rate by hand.")
    kept = history.epochs[-1] if history.epochs and config.keeps_last else history.best
    if kept is None:
        return _fail(trial, "No epoch was completed.")
    tell(trial, TrialState.COMPLETE, kept.val_accuracy)
    return f"finished: validation accuracy {kept.val_accuracy:.2%}."


def _fail(trial: optuna.Trial, why: str) -> str:
    """Tell the study that the trial failed by itself, and is not to be done again."""
    tell(trial, TrialState.FAIL, attributes={ERROR: why})
    return f"failed: {why}"


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
        except UpdateFinishedTrialError:  # the study gave the trial up; said when the run has ended
            return False
        except AWAY as error:
            words = "This epoch could not be reported to the study; it is tried again after the next one"
            print(f"{words}: {first_line(error)}.", file=sys.stderr, flush=True)
            return False
