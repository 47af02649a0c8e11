"""Progress for a person: a bar with ETA on a terminal, plain lines elsewhere; always on stderr for data."""

import sys
import time
from types import TracebackType
from typing import Self

from tqdm import tqdm

from cifar_core.format import describe_remaining, describe_schedule, duration, remaining_seconds
from cifar_core.runs.events import Beat, Epoch, LearningRate, Resume, RunEnd, RunStart, Step
from cifar_core.runs.run import Run
from cifar_core.runs.store import Status

LINE_SECONDS = 10.0  # at most one plain line about steps in so much time


class DataProgress:
    """Callback (what, done, total) of the data sources."""

    def __init__(self) -> None:
        self.bar: tqdm[None] | None = None
        self.what, self.lined = "", 0.0
        self.began, self.began_at = 0.0, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.close()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show that `done` of `total` are through."""
        if what != self.what:
            self.began, self.began_at = time.monotonic(), done
        if sys.stderr.isatty():
            self._move_bar(what, done, total)
        elif what != self.what or time.monotonic() - self.lined > LINE_SECONDS:
            self.lined = time.monotonic()
            left = remaining_seconds(done, total, time.monotonic() - self.began, self.began_at)
            print(f"{what}: {done:,} of {total:,}{describe_remaining(left)}", file=sys.stderr, flush=True)
        self.what = what

    def _move_bar(self, what: str, done: int, total: int) -> None:
        if self.bar is None or what != self.what:
            if self.bar is not None:
                self.bar.close()
            self.bar = tqdm(total=total, desc=what, unit_scale=True, leave=False)
        self.bar.n = done
        self.bar.refresh()


class TrainProgress:
    """Listener of a run: what happens, how far it is, when it will be done."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.data = DataProgress()
        self.bar: tqdm[None] | None = None
        self.lined = 0.0
        self.interrupted = False

    def __enter__(self) -> Self:
        self._line(f"Run {self.run.id} in {self.run.path}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.data.__exit__(kind, error, trace)
        if self.bar is not None:
            self.bar.close()

    def __call__(
        self, event: RunStart | Resume | Beat | Step | Epoch | LearningRate | RunEnd, status: Status
    ) -> None:
        """Show one event."""
        if isinstance(event, Beat):
            if event.step == 0:
                self.data(status.stage, status.done, status.total)
            return
        if isinstance(event, RunStart | Resume):
            self._begin(event, status)
        elif isinstance(event, Step):
            self._step(event, status)
        elif isinstance(event, LearningRate):
            self._line(f"Learning rate from step {event.step + 1:,} on: {describe_schedule(event.factor)}")
        elif isinstance(event, Epoch):
            train = f"train loss {event.train_loss:.4f}, accuracy {event.train_accuracy:.2%}"
            val = f"val loss {event.val_loss:.4f}, accuracy {event.val_accuracy:.2%}"
            self._line(f"epoch {event.epoch}: {train}; {val}; {duration(event.seconds)}")

    def _begin(self, event: RunStart | Resume, status: Status) -> None:
        self.data.__exit__(None, None, None)
        if isinstance(event, RunStart):
            size = f"{event.parameters / 1e6:.2f} M parameters, {event.macs / 1e6:.1f} MMAC an image"
            where = f"{event.device}, {event.precision}"
            self._line(
                f"{event.model}: {size}; {event.train_images:,} images of {event.data_source}; {where}"
            )
        else:
            self._line(f"Going on after step {event.step:,}")
        if sys.stderr.isatty():
            done = event.step if isinstance(event, Resume) else 0
            self.bar = tqdm(total=status.total, initial=done, unit="step", dynamic_ncols=True)

    def _step(self, event: Step, status: Status) -> None:
        words = f"epoch {event.epoch}, loss {event.loss:.4f}, accuracy {event.accuracy:.1%}"
        if self.bar is not None:
            self.bar.set_postfix_str(words, refresh=False)
            self.bar.update(event.step - self.bar.n)
        elif time.monotonic() - self.lined > LINE_SECONDS:
            speed = f"{event.images_per_second:,.0f} images/s{describe_remaining(status.eta_seconds)}"
            self._line(f"step {event.step:,} of {status.total:,}: {words}, {speed}")

    def _line(self, text: str) -> None:
        self.lined = time.monotonic()
        if self.bar is not None:
            tqdm.write(text)
        else:
            print(text, flush=True)
