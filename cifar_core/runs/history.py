"""A run's history: its events so far, sorted by kind and read as they come."""

import threading
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_core.files import build, read_json, write_json
from cifar_core.runs.events import BlockMixing, Epoch, Event, LearningRate, Resume, RunEnd, RunStart, Step
from cifar_core.runs.run import EVENTS, Run
from cifar_core.runs.store import StoreError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ANCHOR_BYTES = 80  # enough of the last line to tell it from every other


@dataclass
class History:
    """A run's events by kind, each list in the order of time."""

    start: RunStart | None = None
    steps: list[Step] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)
    resumes: list[Resume] = field(default_factory=list)
    lr_changes: list[LearningRate] = field(default_factory=list)
    end: RunEnd | None = None
    _columns: dict[str, array] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, run: Run, short: bool = False) -> "History":
        """All that a run has told so far.

        short: without steps, mixing and answers, which is much quicker.

        Raises:
            StoreError: when an event is damaged.
        """
        history = cls()
        history.add(run.read_events(short=short)[0])
        return history

    def add(self, events: Iterable[Event]) -> None:
        """Take in events that came after those already here."""
        for event in events:
            if isinstance(event, Step):
                self.steps.append(event)
            elif isinstance(event, Epoch):
                self.epochs.append(event)
            elif isinstance(event, LearningRate):
                self.lr_changes.append(event)
            elif isinstance(event, RunStart):
                self.start = event
            elif isinstance(event, Resume):
                self.resumes.append(event)
                self.end = None  # a stopped run that goes on has not ended
            else:
                self.end = event

    def column(self, name: str) -> "NDArray[np.float64]":
        """One number of every Step event, by the field's name; what was read before is kept."""
        import numpy as np  # here: a listing of runs does without

        kept = self._columns.get(name)
        if kept is None or len(kept) > len(self.steps):
            kept = array("d")
        new = array("d", (getattr(step, name) for step in self.steps[len(kept) :]))
        self._columns[name] = kept = (
            kept + new if new else kept
        )  # anew: an array that is looked at cannot grow
        return np.frombuffer(kept, dtype=np.float64)

    @property
    def steps_per_epoch(self) -> int:
        """Steps in one epoch, at least 1."""
        return max(1, self.start.steps_per_epoch if self.start else 1)

    @property
    def best(self) -> Epoch | None:
        """The epoch with the highest validation accuracy, the first of equals."""
        return max(self.epochs, key=lambda epoch: epoch.val_accuracy, default=None)

    @property
    def kept(self) -> Epoch | None:
        """The epoch whose weights the run keeps: as its end says, before that the best so far."""
        number = self.end.best_epoch if self.end else 0
        return next((epoch for epoch in self.epochs if epoch.epoch == number), self.best)

    @property
    def lr_factor(self) -> float:
        """The factor of the learning rate's schedule now: 1 until somebody changes it."""
        return self.lr_changes[-1].factor if self.lr_changes else 1.0

    @property
    def monitored(self) -> str:
        """The pictures that are measured after each epoch, in a word: "validation" or "test"."""
        return "test" if self.start and self.start.monitored == "test" else "validation"

    @property
    def seconds(self) -> float:
        """Time of the completed epochs, in seconds."""
        return sum(epoch.seconds for epoch in self.epochs)

    @property
    def mixes(self) -> bool:
        """True when the network has mixing blocks."""
        return bool(self.start and self.start.mixing_blocks)

    @property
    def has_mixing(self) -> bool:
        """True when a step or an epoch has told its mixing coefficients."""
        return any(step.mixing for step in self.steps[-1:]) or any(epoch.mixing for epoch in self.epochs)


class HistoryReader:
    """Keeps a run's history up to date and reads only what was written since the last time.

    Several threads may ask; a history that one of them holds only ever grows.
    """

    def __init__(self, run: Run, short: bool = False) -> None:
        self.run, self.short = run, short
        self._lock = threading.Lock()
        self._stamp = (0, 0)
        self._forget()

    def _forget(self) -> None:
        self.history = History()
        self._offset = 0
        self._anchor = b""

    def refresh(self) -> bool:
        """Read on; True when anything changed. Raises StoreError when an event is damaged.

        A run that goes on from a saved state first cuts events off, and a file that was written again in the
        same size holds others; then all is read anew.
        """
        with self._lock:
            stamp = self.run.events_stamp()
            if stamp == self._stamp:
                return False
            before = self.mark
            rewritten = stamp[0] == self._stamp[0]  # at another time; what is appended changes the size
            if rewritten or stamp[0] < self._offset or self._tail(self._offset) != self._anchor:
                self._forget()
            events, self._offset = self.run.read_events(self._offset, self.short)
            self.history.add(events)
            self._anchor, self._stamp = self._tail(self._offset), stamp
            return self.mark != before

    @property
    def mark(self) -> tuple[int, bytes]:
        """Changes whenever the history does."""
        return self._offset, self._anchor

    def _tail(self, end: int) -> bytes:
        """The last bytes before `end`."""
        start = max(0, end - ANCHOR_BYTES)
        try:
            with open(self.run.path / EVENTS, "rb") as file:
                file.seek(start)
                return file.read(end - start)
        except OSError:  # read_events says what is wrong
            return b""


Shares = Mapping[str, Sequence[float]]  # block -> K coefficients, in the network's order


MIXING = "mixing.json"  # beside weights whose run left no record of their mixing


def class_averages(folder: Path, kept_epoch: int, class_names: Sequence[str]) -> dict[str, Shares]:
    """Class -> mean coefficients of its validation images, in the epoch whose weights a folder keeps.

    Empty where neither the run's record nor a later measurement can be read, or is one of other classes.
    """
    try:
        epochs = History.of(Run(folder)).epochs
    except StoreError:
        epochs = []
    epoch = next((one for one in epochs if one.epoch == kept_epoch), None)
    mixing = epoch.mixing if epoch else _measured_mixing(folder)
    return averages_in(mixing, class_names) if mixing else {}


def write_class_averages(folder: Path, mixing: Sequence[BlockMixing], weights: str) -> None:
    """Keep what was measured later beside the weights, whose version it names."""
    write_json(folder / MIXING, {"weights": weights, "blocks": [asdict(block) for block in mixing]})


def averages_are_of(folder: Path, weights: str) -> bool:
    """False where the averages were measured later, with weights of another version."""
    try:
        return bool(read_json(folder / MIXING).get("weights") == weights)
    except StoreError:
        return True


def _measured_mixing(folder: Path) -> list[BlockMixing]:
    try:
        return [build(BlockMixing, block) for block in read_json(folder / MIXING)["blocks"]]
    except (StoreError, KeyError, TypeError):
        return []


def averages_in(mixing: Sequence[BlockMixing], class_names: Sequence[str]) -> dict[str, Shares]:
    """Class -> block -> mean coefficients, from what an epoch measured; empty where it had other classes."""
    if any(len(block.per_class) != len(class_names) for block in mixing):
        return {}
    return {
        name: {block.block: block.per_class[row] for block in mixing} for row, name in enumerate(class_names)
    }


def average_for(averages: Mapping[str, Shares], class_name: str, used: Shares) -> Shares:
    """The average of a class, empty where unknown or of other blocks or kernels than those `used`."""
    average = averages.get(class_name, {})
    sizes = [{block: len(shares) for block, shares in some.items()} for some in (average, used)]
    return average if sizes[0] == sizes[1] else {}
