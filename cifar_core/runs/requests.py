"""Control requests to a training process: by request.json, taken at the next step, or by a signal."""

import json
import math
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cifar_core.config import ConfigError
from cifar_core.files import build, write_json

FILE = "request.json"
REQUESTS = ("stop", "pause", "continue")
FACTORS = (0.001, 1000.0)  # of the schedule
RATES = (1e-8, 100.0)


class Pruned(BaseException):
    """Raised by a run's listener when an epoch is recorded: the run ends as "pruned", its state saved."""


@dataclass(frozen=True)
class ControlRequest:
    """A request: `request`, one of REQUESTS, a change of the learning rate, or both.

    factor: what the schedule is multiplied by from the next step on; 1 is the schedule itself.
    rate: the learning rate at the next step; the factor follows from it.

    Raises:
        ConfigError: when it is no request.
    """

    request: str | None = None
    factor: float | None = None
    rate: float | None = None

    def __post_init__(self) -> None:
        if self.request is not None and self.request not in REQUESTS:
            raise ConfigError(f"'{self.request}' is no request; the requests are: {', '.join(REQUESTS)}.")
        if self.factor is not None:
            _check("The factor of the schedule", self.factor, FACTORS)
        if self.rate is not None:
            _check("The learning rate", self.rate, RATES)

    @property
    def changes_lr(self) -> bool:
        """True when it asks for another learning rate."""
        return self.factor is not None or self.rate is not None

    @property
    def words(self) -> str:
        """The action in words that follow "can"."""
        return self.request or "change its learning rate"

    def after(self, earlier: "ControlRequest | None") -> "ControlRequest":
        """This request together with what an earlier one asks besides."""
        if earlier is None:
            return self
        later = self if self.changes_lr else replace(self, factor=earlier.factor, rate=earlier.rate)
        return replace(later, request=self.request or earlier.request)


def _check(name: str, value: float, allowed: tuple[float, float]) -> None:
    lowest, highest = allowed
    if not (math.isfinite(value) and lowest <= value <= highest):
        raise ConfigError(f"{name} is {value:g}; it must be from {lowest:g} to {highest:g}.")


def write_request(folder: Path, request: ControlRequest) -> None:
    """Leave a request; what one before it asks besides, and was not taken yet, stays asked."""
    merged = request.after(read_request(folder))
    write_json(folder / FILE, {name: value for name, value in asdict(merged).items() if value is not None})


def read_request(folder: Path) -> ControlRequest | None:
    """The request that waits, without taking it; None when there is none, or a damaged one."""
    return _read(folder / FILE)


def take_request(folder: Path) -> ControlRequest | None:
    """The request that waits, once; None when there is none, or a damaged one."""
    path, taken = folder / FILE, folder / f".{FILE}.{os.getpid()}"
    if not path.exists():
        return None
    try:
        os.replace(path, taken)  # a request that is written from now on is another one
    except OSError:  # another took it, or Windows holds it: it is asked for again at the next step
        return None
    try:
        return _read(taken)
    finally:
        taken.unlink(missing_ok=True)


def _read(path: Path) -> ControlRequest | None:
    try:
        return build(ControlRequest, json.loads(path.read_text(encoding="utf-8")))
    except (ConfigError, OSError, TypeError, ValueError, RecursionError):
        return None


@dataclass
class ControlRequests:
    """The requests in a run's folder, one by one; a change of the learning rate is kept until it is taken."""

    folder: Path
    signaled: bool = False
    stopped: bool = False
    kept: str | None = None
    lr: ControlRequest | None = None

    def signal(self) -> None:
        """Ask the run to stop at its next step; asked a second time, do not wait for that."""
        if self.signaled:
            raise KeyboardInterrupt
        self.signaled = True

    def next(self) -> str | None:
        """Return what is asked: "stop" (from then on always), "pause", "continue" or None."""
        request = take_request(self.folder)
        if request is not None and request.changes_lr:
            self.lr = request
        asked, self.kept = (request.request if request else None) or self.kept, None
        self.stopped = self.stopped or self.signaled or asked == "stop"
        return "stop" if self.stopped else asked

    def stopping(self) -> bool:
        """True when the run is to stop; another asked is kept for the next time."""
        self.kept = self.next()
        return self.stopped

    def take_lr(self) -> ControlRequest | None:
        """The change of the learning rate that waits, once."""
        asked, self.lr = self.lr, None
        return asked


@contextmanager
def on_signals(handle: Callable[[], None]) -> Iterator[None]:
    """While open, SIGTERM and SIGINT call `handle`, also where a shell ignores them (main thread alone)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, lambda *_: handle()) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def held_back() -> Iterator[None]:
    """Let Ctrl-C wait until the block ends: an import of torch would lose the exception. POSIX alone."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
