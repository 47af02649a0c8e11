"""One process's part of a run: events are stored, shown and saved, and requests answered between them.

The state that is saved is complete: a later process goes on from it, bit for bit.
"""

import dataclasses
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
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
from cifar_core.format import remaining_seconds
from cifar_core.runs.events import Beat, Epoch, LearningRate, Resume, RunEnd, RunStart, Step
from cifar_core.runs.requests import FACTORS, ControlRequests
from cifar_core.runs.sample import write_sample
from cifar_core.runs.status import ResourceMeter
from cifar_core.runs.store import ACTIVE_STATES, Run, Status
from cifar_core.training.loop import end_event, fit
from cifar_core.training.setup import Preparation, Workplace, prepare
from cifar_core.training.state import load_state, save_state
from cifar_core.training.trainer import Trainer

SAVE_SECONDS = 60.0  # at most so much work is lost when the process is killed
STATUS_SECONDS = 0.5
PAUSE_POLL_SECONDS = 0.2

Listener = Callable[[RunStart | Resume | Step | Epoch | LearningRate | RunEnd | Beat, Status], None]


class Stopped(BaseException):
    """The run was asked to end before its first step. No Exception: a download would take it for its own."""


@dataclass(frozen=True)
class Saved:
    """The state that a later process goes on from: the trainer's, its workplace, and which data it saw."""

    trainer: dict[str, Any]
    workplace: Workplace
    data_fingerprint: str
    events_size: int


class Session:
    """Consumes the events of one process's part of a run: stores, saves, reports, and answers requests."""

    def __init__(self, run: Run, control: ControlRequests, listener: Listener) -> None:
        self.run, self.control, self.listener = run, control, listener
        self.status = Status("running")
        self.status_written = self.saved = 0.0
        self.started, self.started_step = time.monotonic(), 0
        self.meter, self.device = ResourceMeter(), torch.device("cpu")
        self.preparation: Preparation  # from the end of `train`'s first stage on

    @property
    def trainer(self) -> Trainer:
        """The trainer of the preparation."""
        return self.preparation.trainer

    # The road

    def train(self, data_dir: Path | None) -> RunEnd:
        """Prepare, fit, record; returns the last event."""
        self.write("running", stage="preparing", message="")
        saved = self.load_saved()
        place = saved.workplace if saved else None
        folder = data_dir or self.run.data_dir
        self.preparation = prepare(self.run.config(), folder, self.report_data, place)
        if saved is None:
            self.run.truncate_events(0)
            return self.record(dataclasses.replace(self.preparation.start, time=time.time()))
        self.restore(saved)
        if self.trainer.epochs_done == self.preparation.config.epochs:
            return self.finish(end_event(self.trainer, "finished"))
        return self.record(Resume(self.trainer.step, time.time()))

    def load_saved(self) -> Saved | None:
        """The newest saved state that is whole; None where nothing was saved yet."""
        troubles = []
        for folder in whole_folders(self.run.last_checkpoint):
            try:
                return build(Saved, load_state(folder))
            except (CheckpointError, TypeError) as error:
                troubles.append(str(error))
        if troubles:
            raise CheckpointError(f"Run '{self.run.id}' cannot go on; start a new one. {troubles[0]}")
        return None

    def restore(self, saved: Saved) -> None:
        """Put the trainer and the events where they were when `saved` was saved."""
        data = self.preparation.data
        if saved.data_fingerprint != data.fingerprint:
            raise DataError(
                f"Run '{self.run.id}' began with other data than these ({data.source}); "
                "name the same data with --data-dir, or start a new run."
            )
        try:
            self.trainer.load_state_dict(saved.trainer)
        except (LookupError, TypeError, ValueError, RuntimeError) as error:
            what = f"The saved state of run '{self.run.id}' does not fit its settings"
            raise CheckpointError(f"{what} ({str(error).splitlines()[0]}); start a new run.") from None
        self.run.truncate_events(saved.events_size)

    def record(self, start: RunStart | Resume) -> RunEnd:
        """Go through the events of `fit`."""
        preparation, trainer = self.preparation, self.trainer
        self.device = preparation.device.torch_device
        self.started, self.saved, self.started_step = time.monotonic(), time.monotonic(), trainer.step
        self.status = Status("running", total=trainer.total_steps)
        write_sample(self.run, preparation.sample)
        for event in fit(trainer, preparation.train, preparation.val, start):
            if isinstance(event, RunEnd):
                return self.finish(event)
            if not isinstance(event, Beat):
                self.run.append(event)
            if isinstance(event, Epoch):
                self.save_epoch(event)
            self.show_progress(event)
            self.listener(event, self.status)
            if isinstance(event, Beat) and not self.goes_on():
                self.save()
                return self.finish(end_event(trainer, "stopped"))
        raise AssertionError("fit ended without its last event")

    def finish(self, event: RunEnd) -> RunEnd:
        """Store the last event and the last status."""
        self.run.append(event)
        self.write(event.state, stage="", eta_seconds=None, done=event.step)
        self.listener(event, self.status)
        return event

    # Requests

    def goes_on(self) -> bool:
        """False when the run is to stop; waits here while it is paused."""
        asked = self.control.next()
        self.change_lr()
        if asked == "pause":
            self.save()
            asked = self.wait()
            self.trainer.restart_clock()
        elif time.monotonic() - self.saved > SAVE_SECONDS:
            self.save()
        return asked != "stop"

    def change_lr(self) -> None:
        """Multiply the schedule as was asked; saved at once, so that a kill does not undo it."""
        asked, trainer = self.control.take_lr(), self.trainer
        if asked is None:
            return
        factor = asked.factor if asked.rate is None else trainer.factor_for(asked.rate)
        if factor is None:
            print("The schedule has ended at 0, which no factor changes.", file=sys.stderr)
            return
        if not FACTORS[0] <= factor <= FACTORS[1]:
            limits = f"from {FACTORS[0]:g} to {FACTORS[1]:g}"
            print(f"That rate is {factor:g} times the schedule; it must be {limits} times.", file=sys.stderr)
            return
        if factor == trainer.lr_factor:
            return
        trainer.scale_lr(factor)
        event = LearningRate(trainer.step, factor, time.time())
        self.run.append(event)
        self.save()
        self.listener(event, self.status)

    def wait(self) -> str:
        """Paused: returns "continue" or "stop", whichever is asked first."""
        began = time.monotonic()
        while True:
            if time.monotonic() - self.status_written > STATUS_SECONDS:
                self.write("paused", eta_seconds=None)
            asked = self.control.next()
            self.change_lr()
            if asked in ("continue", "stop"):
                self.started += time.monotonic() - began
                self.write("running")
                return asked
            time.sleep(PAUSE_POLL_SECONDS)

    # Saving

    def save(self) -> None:
        """Write checkpoints/last: the weights as they are, and all that is needed to go on."""
        preparation, trainer = self.preparation, self.trainer
        new = new_folder(self.run.last_checkpoint)
        write_checkpoint(new, preparation.model, preparation.card(trainer.epochs_done, {}))
        state = {
            "trainer": trainer.state_dict(),
            "workplace": dataclasses.asdict(preparation.place),
            "data_fingerprint": preparation.data.fingerprint,
            "events_size": self.run.sync_events(),
        }
        save_state(new, state)
        replace_folder(new, self.run.last_checkpoint)
        self.saved = time.monotonic()

    def save_epoch(self, event: Epoch) -> None:
        """Keep the epoch's weights if they are the best so far, and the state in any case."""
        preparation = self.preparation
        if self.trainer.best_epoch == event.epoch:
            start = preparation.start
            measured = {"accuracy": event.val_accuracy, "loss": event.val_loss, "n": start.val_images}
            card = preparation.card(event.epoch, {start.monitored: measured})
            save_checkpoint(self.run.best_checkpoint, preparation.averaged, card)
        self.save()

    # Reporting

    def write(self, state: str, **changes: Any) -> None:
        """Write status.json."""
        load = self.meter.read(gpu_load(self.device)) if state in ACTIVE_STATES else None
        self.status = dataclasses.replace(
            self.status, state=state, pid=os.getpid(), resources=load, **changes
        )
        self.run.write_status(self.status)
        self.status_written = time.monotonic()

    def report_data(self, what: str, done: int, total: int) -> None:
        """Progress of the data source; ends the run when it is to stop."""
        if self.control.stopping():
            raise Stopped
        if what != self.status.stage:
            self.started, self.started_step = time.monotonic(), done
        if time.monotonic() - self.status_written > STATUS_SECONDS or what != self.status.stage:
            self.write("running", stage=what, done=done, total=total, eta_seconds=self.eta(done, total))
            self.listener(Beat(0, 0), self.status)

    def show_progress(self, event: Any) -> None:
        """Write how far the run is, now and then."""
        trainer = self.trainer
        if time.monotonic() - self.status_written < STATUS_SECONDS and not isinstance(
            event, RunStart | Epoch
        ):
            return
        validating = isinstance(event, Beat) and event.validating
        self.write(
            "running",
            stage="validating" if validating else "training",
            done=trainer.step,
            epoch=min(trainer.epochs_done + 1, trainer.config.epochs),
            eta_seconds=self.training_eta(),
        )

    def training_eta(self) -> float | None:
        """Seconds of training that are left: those on small images are quick."""
        trainer = self.trainer
        work = [
            trainer.config.work(step, trainer.steps_per_epoch)
            for step in (self.started_step, trainer.step, trainer.total_steps)
        ]
        return self.eta(work[1], work[2], since=work[0])

    def eta(self, done: float, total: float, since: float | None = None) -> float | None:
        """Seconds that are left of the stage at its speed since then; None before anything is done."""
        before = self.started_step if since is None else since
        return remaining_seconds(done, total, time.monotonic() - self.started, before)
