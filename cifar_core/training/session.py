"""One process's part of a run: events are stored, shown and saved, and requests answered between them.

The state that is saved is complete: a later process goes on from it, bit for bit.
"""

import dataclasses
import os
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from cifar_core.checkpoint import (
    CheckpointError,
    CheckpointNotWritten,
    new_folder,
    replace_folder,
    save_checkpoint,
    whole_folders,
    write_checkpoint,
)
from cifar_core.data import DataError
from cifar_core.device import gpu_load
from cifar_core.errors import reason_of
from cifar_core.files import build
from cifar_core.format import remaining_seconds
from cifar_core.runs.events import Beat, Epoch, LearningRate, Resume, RunEnd, RunStart, Step
from cifar_core.runs.requests import FACTORS, ControlRequests
from cifar_core.runs.run import Run
from cifar_core.runs.sample import write_sample
from cifar_core.runs.status import ACTIVE_STATES, ResourceMeter, Status
from cifar_core.training.loop import end_event, fit
from cifar_core.training.ranks import ALONE, Ranks, Word
from cifar_core.training.setup import Preparation, prepare
from cifar_core.training.state import Saved, Task, load_state, save_state
from cifar_core.training.trainer import Trainer

SAVE_SECONDS = 60.0  # at most so much work is lost when the process is killed
STATUS_SECONDS = 0.5
PAUSE_POLL_SECONDS = 0.2
ROOM_SECONDS = 5.0  # until a write that failed is tried again
LAST_TRIES = 10  # of the status with which a run ends, one each STATUS_SECONDS

Listener = Callable[[RunStart | Resume | Step | Epoch | LearningRate | RunEnd | Beat, Status], None]


class Stopped(BaseException):
    """The run was asked to end before its first step. No Exception: a download would take it for its own."""

    exit_code = 0


class Session:
    """Consumes the events of one process's part of a run: stores, saves, reports, and answers requests."""

    def __init__(self, run: Run, control: ControlRequests, listener: Listener, ranks: Ranks = ALONE) -> None:
        self.run, self.control, self.listener, self.ranks = run, control, listener, ranks
        self.status = Status("running")
        self.status_written = self.saved = 0.0
        self.status_failed = False
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
        self.ranks.join()
        task = self.ranks.tell(Task(self.run.config(), folder, saved))
        self.preparation = prepare(task.config, folder, self.report_data, place, self.ranks)
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
        self.keep(lambda: write_sample(self.run, preparation.sample))
        for event in fit(trainer, preparation.train, preparation.val, start):
            if isinstance(event, RunEnd):
                return self.finish(event)
            if not isinstance(event, Beat):
                self.append(event)
            if isinstance(event, Epoch):
                self.save_epoch(event)
            self.show_progress(event)
            self.listener(event, self.status)
            goes_on = not isinstance(event, Beat) or self.goes_on()
            if self.ranks.meet(Word(not goes_on, trainer.lr_factor)).signaled:
                self.control.signaled = True
            if not goes_on:
                self.save()
                return self.finish(end_event(trainer, "stopped"))
        raise AssertionError("fit ended without its last event")

    def finish(self, event: RunEnd) -> RunEnd:
        """Store the last event and the last status."""
        self.append(event)
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
            _say("The schedule has ended at 0, which no factor changes.")
            return
        if not FACTORS[0] <= factor <= FACTORS[1]:
            limits = f"from {FACTORS[0]:g} to {FACTORS[1]:g}"
            _say(f"That rate is {factor:g} times the schedule; it must be {limits} times.")
            return
        if factor == trainer.lr_factor:
            return
        trainer.scale_lr(factor)
        event = LearningRate(trainer.step, factor, time.time())
        self.append(event)
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
        """Keep checkpoints/last: the weights as they are, and all that is needed to go on."""
        self.keep(self.write_state)
        self.saved = time.monotonic()

    def write_state(self) -> None:
        """Write checkpoints/last, in one step."""
        preparation, new = self.preparation, new_folder(self.run.last_checkpoint)
        write_checkpoint(new, preparation.model, preparation.card(self.trainer.epochs_done, {}))
        state = {
            "trainer": self.trainer.state_dict(),
            "workplace": dataclasses.asdict(preparation.place),
            "data_fingerprint": preparation.data.fingerprint,
            "events_size": self.run.sync_events(),
        }
        save_state(new, state)
        replace_folder(new, self.run.last_checkpoint)

    def save_epoch(self, event: Epoch) -> None:
        """Keep the epoch's weights if they are the best so far, and the state in any case."""
        preparation = self.preparation
        if self.trainer.best_epoch == event.epoch:
            start = preparation.start
            measured = {"accuracy": event.val_accuracy, "loss": event.val_loss, "n": start.val_images}
            card = preparation.card(event.epoch, {start.monitored: measured})
            self.keep(lambda: save_checkpoint(self.run.best_checkpoint, preparation.averaged, card))
        self.save()

    def append(self, event: RunStart | Resume | Step | Epoch | LearningRate | RunEnd) -> None:
        """Keep one more event."""
        self.keep(lambda: self.run.append(event))

    def keep(self, write: Callable[[], object]) -> None:
        """Write what must not be lost: where that fails the run is paused, says so, and goes on with room.

        A run that is to stop gives it up: its last saved state is whole.

        Raises:
            OSError: when the run's folder is gone.
        """
        began, said = time.monotonic(), ""
        while True:
            try:
                write()
                break
            except (OSError, CheckpointNotWritten) as error:
                if not self.run.path.exists():
                    raise
                words = _describe_unwritten(error, self.run.path)
            if words != said:
                _say(said := words)
            for part in (self.run.last_checkpoint, self.run.best_checkpoint):  # room for the status
                shutil.rmtree(part.with_name(f"{part.name}.new"), ignore_errors=True)
            if not self.wait_for_room(words):
                self.write("running", message=words)
                return
        if said:
            self.started += time.monotonic() - began
            self.trainer.restart_clock()
            self.write("running", message="")

    def wait_for_room(self, words: str) -> bool:
        """Wait until a write is to be tried again; False where the run is to stop."""
        until = time.monotonic() + ROOM_SECONDS
        self.write(
            "paused", eta_seconds=None, message=f"{words} The run goes on by itself when there is room."
        )
        while time.monotonic() < until:
            if self.control.stopping():
                return False
            if time.monotonic() - self.status_written > STATUS_SECONDS:
                self.write("paused")
            time.sleep(PAUSE_POLL_SECONDS)
        return True

    # Reporting

    def write(self, state: str, **changes: Any) -> None:
        """Write status.json, as well as can be: a run does not end for a status that is not written.

        The next one comes soon; that of a run that ends is tried for some seconds.
        """
        load = self.meter.read(gpu_load(self.device)) if state in ACTIVE_STATES else None
        self.status = dataclasses.replace(
            self.status, state=state, pid=os.getpid(), resources=load, **changes
        )
        for again in reversed(range(1 if state in ACTIVE_STATES else LAST_TRIES)):
            self.status_written = time.monotonic()
            try:
                self.run.write_status(self.status)
            except OSError as error:
                if not self.status_failed:
                    _say(f"The status cannot be written now ({reason_of(error)}); it is tried again.")
                self.status_failed = True
                if again and self.run.path.exists():
                    time.sleep(STATUS_SECONDS)
            else:
                self.status_failed = False
                return

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
        recent = time.monotonic() - self.status_written < STATUS_SECONDS
        if recent and not isinstance(event, RunStart | Epoch):
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
        steps = (self.started_step, trainer.step, trainer.total_steps)
        before, done, total = (trainer.config.work(step, trainer.steps_per_epoch) for step in steps)
        return self.eta(done, total, since=before)

    def eta(self, done: float, total: float, since: float | None = None) -> float | None:
        """Seconds that are left of the stage at its speed since then; None before anything is done."""
        since = self.started_step if since is None else since
        return remaining_seconds(done, total, time.monotonic() - self.started, since)


def _describe_unwritten(error: Exception, folder: Path) -> str:
    """A sentence about a write that failed."""
    if not isinstance(error, OSError):
        return str(error)
    return f"{error.filename or folder} cannot be written ({reason_of(error)})."


def _say(words: str) -> None:
    """One line in the log, which may lie on a disk that is full."""
    with suppress(OSError):
        print(words, file=sys.stderr, flush=True)
