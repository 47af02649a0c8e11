"""A run's figures for other trackers as well: TensorBoard files, a Trackio project, a W&B project.

The store stays the one source: what a tracker has can be made anew from events.jsonl. A tracker that fails
is dropped with one warning, and the training goes on.
"""

import contextlib
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Self

from cifar_core.config import ConfigError
from cifar_core.files import read_json, write_json
from cifar_core.runs.events import Beat, Epoch, Event, Resume, RunStart, Step
from cifar_core.runs.run import Run
from cifar_core.runs.store import Status, StoreError

PROJECT = "cifar10-lab"
FILE = "trackers.json"  # in the run's folder: tracker -> how far it has been told
Mark = tuple[int, int]  # step; 0 for a Step event, 1 for the end of an epoch
NOTHING: Mark = (-1, 0)
SETTLED_SECONDS = 5.0  # after which a package that sends in the background has sent
WANDB_SECONDS = 20  # for W&B to answer; without a network its own 90 would pass within the first epoch
Log = Callable[[Mapping[str, float], int], object]  # figures by name, at a step
Opened = tuple[Log, Callable[[], object]]  # and how to close it


def _tensorboard(run: Run) -> Opened:
    """Event files in the run's folder `tensorboard`; each process writes them anew from the events so far."""
    from torch.utils.tensorboard import SummaryWriter

    folder = run.path / "tensorboard"
    shutil.rmtree(folder, ignore_errors=True)
    writer = SummaryWriter(str(folder))

    def log(figures: Mapping[str, float], step: int) -> None:
        for name, figure in figures.items():
            writer.add_scalar(name, figure, step)

    return log, writer.close


def _project(package: str, run: Run, **more: Any) -> Opened:
    """A run of a Trackio or W&B project, whose interfaces are alike; a resumed run goes on in its place."""
    config = run.config().to_json()
    begun = import_module(package).init(project=PROJECT, name=run.id, config=config, resume="allow", **more)
    return lambda figures, step: begun.log(dict(figures), step=step), begun.finish


TRACKERS: dict[str, Callable[[Run], Opened]] = {
    "tensorboard": _tensorboard,
    "trackio": partial(_project, "trackio"),
    "wandb": lambda run: _project(
        "wandb", run, id=run.id, dir=str(run.path), settings={"init_timeout": WANDB_SECONDS}
    ),
}


def check_trackers(names: Iterable[str]) -> None:
    """Raise ConfigError when the package of a tracker is missing."""
    if missing := [name for name in names if find_spec(name) is None]:
        raise ConfigError(
            f"--log {missing[0]} needs a package that is not installed: pip install {' '.join(missing)}."
        )


def trackers_of(run: Run) -> dict[str, Mark]:
    """The trackers that a run has had so far, and how far each was told; none where nothing is noted."""
    try:
        document = read_json(run.path / FILE)
    except StoreError:
        return {}
    return {name: _mark(document[name]) for name in TRACKERS if name in document}


def _mark(value: Any) -> Mark:
    if isinstance(value, list) and len(value) == 2 and all(type(item) is int for item in value):
        return value[0], value[1]
    return NOTHING


def figures_of(event: Step | Epoch, monitored: str) -> dict[str, float]:
    """The names and figures of an event; monitored: "val" or "test", the images measured after an epoch."""
    if isinstance(event, Step):
        return {
            "train/loss": event.loss,
            "train/accuracy": event.accuracy,
            "train/lr": event.lr,
            "train/images_per_second": event.images_per_second,
        }
    figures = {
        "epoch": float(event.epoch),
        "epoch/train_loss": event.train_loss,
        "epoch/train_accuracy": event.train_accuracy,
        "epoch/seconds": event.seconds,
        f"{monitored}/loss": event.val_loss,
        f"{monitored}/accuracy": event.val_accuracy,
    }
    for block in event.mixing:
        kernels = {f"mixing/{block.block}/kernel_{k}": share for k, share in enumerate(block.mean, start=1)}
        figures |= {**kernels, f"mixing/{block.block}/entropy": block.entropy}
    return figures


def mark_of(event: Step | Epoch) -> Mark:
    """The place of an event among a run's events with figures."""
    return event.step, int(isinstance(event, Epoch))


class Mirror:
    """Listener of a run that tells trackers what the run tells. Use it as a context.

    A tracker is told each event once, also when a run goes on from a saved state and repeats some; after a
    kill, those of the last seconds once more, since its package may not have sent them.
    """

    def __init__(self, run: Run, names: Iterable[str], warn: Callable[[str], None] | None = None) -> None:
        self.run, self.names = run, list(dict.fromkeys(names))
        self.warn = warn or (lambda text: print(text, file=sys.stderr, flush=True))
        self.open: dict[str, Opened] = {}
        self.marks: dict[str, Mark] = {}
        self.settled, self.since = self.marks, 0.0  # what was told by then
        self.monitored = "val"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for name, (_, close) in list(self.open.items()):
            self._guarded(name, close)
        if self.since:
            self._note(self.marks)
        self.open = {}

    def __call__(self, event: Event | Beat, status: Status) -> None:
        """Pass one event on; the first one opens the trackers."""
        if self.names and isinstance(event, RunStart | Resume):
            self._begin()
        elif self.names and isinstance(event, Step | Epoch):
            self._tell([event])

    def _begin(self) -> None:
        """Open the trackers, and tell them what they missed: a resumed run's events are in the store."""
        known = {**trackers_of(self.run), "tensorboard": NOTHING}  # its files begin anew with each process
        self.marks = {name: known.get(name, NOTHING) for name in TRACKERS}
        self.settled, self.since = dict(self.marks), time.monotonic()
        self._note(self.settled)
        for name in self.names:
            self._guarded(name, partial(self._open, name))
        try:
            events = self.run.events()
        except StoreError as error:
            self.warn(f"warning: {', '.join(self.names)} cannot be told what was before ({error}).")
            return
        self.monitored = next((event.monitored for event in events if isinstance(event, RunStart)), "val")
        self._tell([event for event in events if isinstance(event, Step | Epoch)])

    def _open(self, name: str) -> None:
        self.open[name] = TRACKERS[name](self.run)

    def _tell(self, events: list[Step | Epoch]) -> None:
        for name, (log, _) in list(self.open.items()):
            self._guarded(name, partial(self._log, name, log, events))
        if time.monotonic() - self.since > SETTLED_SECONDS:
            self._note(self.settled)
            self.settled, self.since = dict(self.marks), time.monotonic()

    def _note(self, marks: Mapping[str, Mark]) -> None:
        marks = {**trackers_of(self.run), **{name: marks[name] for name in self.names}}
        with contextlib.suppress(OSError):  # the disk is full: the training will say so itself
            write_json(self.run.path / FILE, marks)

    def _log(self, name: str, log: Log, events: list[Step | Epoch]) -> None:
        for event in events:
            if mark_of(event) > self.marks[name]:
                log(figures_of(event, self.monitored), event.step)
                self.marks[name] = mark_of(event)

    def _guarded(self, name: str, action: Callable[[], object]) -> None:
        """Do what a tracker's package may fail at; then it is dropped, with one warning."""
        try:
            action()
        except Exception as error:  # each package has kinds of its own
            self.open.pop(name, None)
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            self.warn(f"warning: {name} is told nothing more ({reason:.200}); the training goes on.")
