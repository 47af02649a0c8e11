"""What a run has told so far: its events sorted by kind, read as they come."""

import json
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cifar_core.runs.events import (
    Epoch,
    Event,
    LearningRate,
    Resume,
    RunEnd,
    RunStart,
    Step,
    from_json,
)
from cifar_core.runs.store import Run, StoreError

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

    @classmethod
    def of(cls, run: Run) -> "History":
        """All that a run has told so far; raises StoreError when a line is damaged."""
        history = cls()
        history.add(run.events())
        return history

    @classmethod
    def in_short(cls, run: Run) -> "History":
        """The same without steps and without mixing, quickly; raises StoreError when it is damaged."""
        history = cls()
        history.add(outline(run))
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

    @property
    def steps_per_epoch(self) -> int:
        """Steps in one epoch, at least 1."""
        return max(1, self.start.steps_per_epoch if self.start else 1)

    @property
    def seconds_a_point(self) -> float:
        """How long training takes from one point of the curves to the next; 0 before there are two."""
        if self.start is None or len(self.steps) < 2:
            return 0.0
        before, last = self.steps[-2:]
        images = (last.step - before.step) * self.start.train_images / self.steps_per_epoch
        return images / last.images_per_second if last.images_per_second > 0 else 0.0

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
        """What the learning rate's schedule is multiplied by now: 1 until somebody changes it."""
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


class HistoryReader:
    """Keeps a run's history up to date and reads only what was written since the last time.

    Several threads may ask; a history that one of them holds only ever grows.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self.history = History()
        self._offset = 0
        self._anchor = b""

    def refresh(self) -> bool:
        """Read on; True when anything changed. Raises StoreError when a line is damaged.

        A run that goes on from a saved state first cuts events off; then all is read anew.
        """
        with self._lock:
            return self._read_on()

    def _read_on(self) -> bool:
        size = self.run.events_size()
        if size == self._offset:
            return False
        before = self._offset
        if size < self._offset or self._tail(self._offset) != self._anchor:
            self._forget()
        events, self._offset = self.run.read_events(self._offset)
        self._anchor = self._tail(self._offset)
        self.history.add(events)
        return self._offset != before or bool(events)

    @property
    def mark(self) -> tuple[int, bytes]:
        """Changes whenever the history does."""
        return self._offset, self._anchor

    def _tail(self, end: int) -> bytes:
        """The last bytes before `end`."""
        start = max(0, end - ANCHOR_BYTES)
        try:
            with open(self.run.path / "events.jsonl", "rb") as file:
                file.seek(start)
                return file.read(end - start)
        except OSError:  # read_events says what is wrong
            return b""


# How `Run.append` writes them; a line in another form costs time and changes nothing.
STEP_HEAD = f'{{"type": "{Step.type}",'.encode()
EPOCH_HEAD = f'{{"type": "{Epoch.type}",'.encode()
LONG = b', "mixing": ['  # here begin the long values of an epoch: mixing, answers


def outline(run: Run) -> list[Event]:
    """All events but the steps, each epoch as if nothing mixed and no picture was answered.

    Raises:
        StoreError: when what is read is damaged.
    """
    return [
        run.parse_event(_shortened(line)) for line in run.event_lines()[0] if not line.startswith(STEP_HEAD)
    ]


def _shortened(line: bytes) -> bytes:
    head, found, _ = line.partition(LONG)
    return head + b"}" if found and line.startswith(EPOCH_HEAD) else line


Shares = Mapping[str, Sequence[float]]  # block -> K coefficients, in the network's order
EVENTS = "events.jsonl"


def class_averages(folder: Path, kept_epoch: int, class_names: Sequence[str]) -> dict[str, Shares]:
    """Class -> mean coefficients of its validation pictures, in the epoch whose weights a folder keeps.

    Empty where the run left no record, or one of other classes.
    """
    epoch = next((one for one in _epochs(folder / EVENTS) if one.epoch == kept_epoch), None)
    if epoch is None or any(len(block.per_class) != len(class_names) for block in epoch.mixing):
        return {}
    return {
        name: {block.block: block.per_class[row] for block in epoch.mixing}
        for row, name in enumerate(class_names)
    }


def average_for(averages: Mapping[str, Shares], class_name: str, used: Shares) -> Shares:
    """The average of a class, empty where unknown or of other blocks or kernels than those `used`."""
    average = averages.get(class_name, {})
    sizes = [{block: len(shares) for block, shares in some.items()} for some in (average, used)]
    return average if sizes[0] == sizes[1] else {}


def _epochs(path: Path) -> Iterator[Epoch]:
    """The epochs of a record; a line that is none, or a file that is gone, is passed over."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        if '"epoch"' not in line[:40]:  # most lines are steps, and there are thousands
            continue
        try:
            event = from_json(json.loads(line))
        except (StoreError, ValueError):
            continue
        if isinstance(event, Epoch):
            yield event
