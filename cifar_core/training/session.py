"""One process's part of a run: events are stored, shown and saved, and requests answered between them.

The state that is saved is complete: a later process goes on from it, bit for bit.
"""

import dataclasses
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from cifar_core.checkpoint import (
    CheckpointError,
    new_folder,
    replace_folder,
    save_checkpoint,
    whole_folders,
    write_checkpoint,
)
from cifar_core.data import DataError
from cifar_core.device import gpu_load
from cifar_core.files import build
from cifar_core.runs.events import Beat, Epoch, LearningRate, Resume, RunEnd, RunStart, Step
from cifar_core.runs.requests import FACTORS, ControlRequest
from cifar_core.runs.resources import LoadMeter
from cifar_core.runs.sample import write_sample
from cifar_core.runs.store import ACTIVE_STATES, Run, Status
from cifar_core.training.loop import end_event, fit
from cifar_core.training.setup import Preparation, Workplace
from cifar_core.training.state import load_state, save_state

SAVE_SECONDS = 60.0  # at most so much work is lost when the process is killed
STATUS_SECONDS = 0.5
PAUSE_POLL_SECONDS = 0.2

Listener = Callable[[RunStart | Resume | Step | Epoch | LearningRate | RunEnd | Beat, Status], None]


@dataclass
class ControlRequests:
    """The requests of a run, one after another; a change of the learning rate is kept until it is taken."""

    run: Run
    signaled: bool = False
    stopped: bool = False
    kept: str | None = None
    lr: ControlRequest | None = None

    def signal(self) -> None:
        """Ask the run to stop at its next step; the second time, interrupt it here and now."""
        if self.signaled:
            raise KeyboardInterrupt
        self.signaled = True

    def next(self) -> str | None:
        """Return what is asked: "stop" (from then on always), "pause", "continue" or None."""
        request = self.run.take_request()
        if request is not None and request.changes_lr:
            self.lr = request
        asked, self.kept = (request.request if request else None) or self.kept, None
        self.stopped = self.stopped or self.signaled or asked == "stop"
        return "stop" if self.stopped else asked

    def stopping(self) -> bool:
        """Return whether the run is to stop; anything else that is asked is kept for the next time."""
        self.kept = self.next()
        return self.stopped

    def take_lr(self) -> ControlRequest | None:
        """Return the change of the learning rate that waits, once."""
        asked, self.lr = self.lr, None
        return asked


class StatusWriter:
    """A run's status.json: state, stage, how far it is, how long it will take, and the machine's load."""

    def __init__(self, run: Run) -> None:
        self.run, self.status, self.written = run, Status("running"), 0.0
        self.meter, self.device = LoadMeter(), torch.device("cpu")
        self.begin(0)

    def begin(self, done: float) -> None:
        """Measure the speed from now on, when `done` of the stage's work is done."""
        self.began, self.done_before = time.monotonic(), done

    def leave_out(self, seconds: float) -> None:
        """Take a pause out of the speed."""
        self.began += seconds

    @property
    def due(self) -> bool:
        """True when the file is no longer fresh."""
        return time.monotonic() - self.written > STATUS_SECONDS

    def write(self, state: str, **changes: Any) -> None:
        """Write the status with these changes."""
        load = self.meter.read(gpu_load(self.device)) if state in ACTIVE_STATES else None
        self.status = dataclasses.replace(
            self.status, state=state, pid=os.getpid(), resources=load, **changes
        )
        self.run.write_status(self.status)
        self.written = time.monotonic()

    def eta(self, done: float, total: float) -> float | None:
        """Return the seconds left at the speed since `begin`; None before anything is done."""
        here = done - self.done_before
        return (time.monotonic() - self.began) / here * (total - done) if here > 0 else None


@dataclass(frozen=True)
class Saved:
    """What a later process goes on from: the trainer's state, where it trained, and on which data."""

    trainer: dict[str, Any]
    workplace: Workplace
    data_fingerprint: str
    events_size: int


def load_saved(run: Run) -> Saved | None:
    """Return the newest saved state that is whole; None where nothing was saved yet.

    Raises:
        CheckpointError: when none of those saved is whole.
    """
    troubles = []
    for folder in whole_folders(run.last_checkpoint):
        try:
            return build(Saved, load_state(folder))
        except (CheckpointError, TypeError) as error:
            troubles.append(str(error))
    if troubles:
        raise CheckpointError(f"Run '{run.id}' cannot go on; start a new one. {troubles[0]}")
    return None


class Session:
    """Consumes the events of one process's part of a run: stores, saves, reports, and answers requests."""

    def __init__(
        self,
        run: Run,
        preparation: Preparation,
        control: ControlRequests,
        status: StatusWriter,
        listener: Listener,
    ) -> None:
        self.run, self.control, self.status, self.listener = run, control, status, listener
        self.preparation, self.trainer = preparation, preparation.trainer
        self.saved = time.monotonic()
        status.device = preparation.device.torch_device

    def restore(self, saved: Saved) -> None:
        """Put the trainer and the events where they were when `saved` was saved.

        Raises:
            DataError: when the run began with other data.
            CheckpointError: when the state does not fit the run's settings.
        """
        if saved.data_fingerprint != self.preparation.data.fingerprint:
            raise DataError(
                f"Run '{self.run.id}' began with other data than these ({self.preparation.data.source}); "
                "name the same data with --data-dir, or start a new run."
            )
        try:
            self.trainer.load_state_dict(saved.trainer)
        except (LookupError, TypeError, ValueError, RuntimeError) as error:
            what = f"The saved state of run '{self.run.id}' does not fit its settings"
            raise CheckpointError(f"{what} ({str(error).splitlines()[0]}); start a new run.") from None
        self.run.truncate_events(saved.events_size)

    def record(self, start: RunStart | Resume) -> RunEnd:
        """Go through the events of `fit` to the last one, or until the run is asked to stop."""
        self.saved = time.monotonic()
        self.status.begin(self._work(self.trainer.step))
        self.status.status = Status("running", total=self.trainer.total_steps)
        write_sample(self.run, self.preparation.sample)
        for event in fit(self.trainer, self.preparation.train, self.preparation.val, start):
            if isinstance(event, RunEnd):
                return self.finish(event)
            if not isinstance(event, Beat):
                self.run.append(event)
            if isinstance(event, Epoch):
                self._save_epoch(event)
            self._show_progress(event)
            self.listener(event, self.status.status)
            if isinstance(event, Beat) and not self._goes_on():
                self._save()
                return self.finish(end_event(self.trainer, "stopped"))
        raise AssertionError("fit ended without its last event")

    def finish(self, event: RunEnd) -> RunEnd:
        """Store the last event and the last status."""
        self.run.append(event)
        self.status.write(event.state, stage="", eta_seconds=None, done=event.step)
        self.listener(event, self.status.status)
        return event

    # Requests

    def _goes_on(self) -> bool:
        """False when the run is to stop; waits here while it is paused."""
        asked = self.control.next()
        self._change_lr()
        if asked == "pause":
            self._save()
            asked = self._wait()
            self.trainer.restart_clock()
        elif time.monotonic() - self.saved > SAVE_SECONDS:
            self._save()
        return asked != "stop"

    def _change_lr(self) -> None:
        """Multiply the schedule as was asked; saved at once, so that a kill does not undo it."""
        asked = self.control.take_lr()
        if asked is None:
            return
        factor = asked.factor if asked.rate is None else self.trainer.factor_for(asked.rate)
        if factor is None:
            print("The schedule has ended at 0, which no factor changes.", file=sys.stderr)
            return
        if not FACTORS[0] <= factor <= FACTORS[1]:
            limits = f"from {FACTORS[0]:g} to {FACTORS[1]:g}"
            print(f"That rate is {factor:g} times the schedule; it must be {limits} times.", file=sys.stderr)
            return
        if factor == self.trainer.lr_factor:
            return
        self.trainer.scale_lr(factor)
        event = LearningRate(self.trainer.step, factor, time.time())
        self.run.append(event)
        self._save()
        self.listener(event, self.status.status)

    def _wait(self) -> str:
        """Paused: returns "continue" or "stop", whichever is asked first."""
        began = time.monotonic()
        while True:
            if self.status.due:
                self.status.write("paused", eta_seconds=None)
            asked = self.control.next()
            self._change_lr()
            if asked in ("continue", "stop"):
                self.status.leave_out(time.monotonic() - began)
                self.status.write("running")
                return asked
            time.sleep(PAUSE_POLL_SECONDS)

    # Saving

    def _save(self) -> None:
        """Write checkpoints/last: the weights as they are, and all that is needed to go on."""
        new = new_folder(self.run.last_checkpoint)
        write_checkpoint(new, self.preparation.model, self.preparation.card(self.trainer.epochs_done, {}))
        state = {
            "trainer": self.trainer.state_dict(),
            "workplace": dataclasses.asdict(self.preparation.place),
            "data_fingerprint": self.preparation.data.fingerprint,
            "events_size": self.run.sync_events(),
        }
        save_state(new, state)
        replace_folder(new, self.run.last_checkpoint)
        self.saved = time.monotonic()

    def _save_epoch(self, event: Epoch) -> None:
        """Keep the epoch's weights if they are the best so far, and the state in any case."""
        if self.trainer.best_epoch == event.epoch:
            start = self.preparation.start
            measured = {"accuracy": event.val_accuracy, "loss": event.val_loss, "n": start.val_images}
            card = self.preparation.card(event.epoch, {start.monitored: measured})
            save_checkpoint(self.run.best_checkpoint, self.preparation.averaged, card)
        self._save()

    # Reporting

    def _show_progress(self, event: Any) -> None:
        """Write how far the run is, now and then."""
        if not self.status.due and not isinstance(event, RunStart | Epoch):
            return
        trainer, validating = self.trainer, isinstance(event, Beat) and event.validating
        self.status.write(
            "running",
            stage="validating" if validating else "training",
            done=trainer.step,
            epoch=min(trainer.epochs_done + 1, trainer.config.epochs),
            eta_seconds=self.status.eta(self._work(trainer.step), self._work(trainer.total_steps)),
        )

    def _work(self, step: int) -> float:
        """The work of the first `step` steps: those on small images are quick."""
        return self.trainer.config.work(step, self.trainer.steps_per_epoch)
