"""What the outside asks of a run, by a signal or by a request in its folder, as its process sees it."""

from dataclasses import dataclass

from cifar_core.runs.requests import Request
from cifar_core.runs.store import Run


@dataclass
class Wishes:
    """The requests of a run, one after another; a change of the learning rate is kept until it is taken."""

    run: Run
    signaled: bool = False
    stopped: bool = False
    kept: str | None = None
    lr: Request | None = None

    def next(self) -> str | None:
        """ "stop" (from then on always), "pause", "continue" or None."""
        request = self.run.take_request()
        if request is not None and request.changes_lr:
            self.lr = request
        wish, self.kept = (request.request if request else None) or self.kept, None
        self.stopped = self.stopped or self.signaled or wish == "stop"
        return "stop" if self.stopped else wish

    def stopping(self) -> bool:
        """True when the run is to stop; another wish is kept for the next time."""
        self.kept = self.next()
        return self.stopped

    def take_lr(self) -> Request | None:
        """The change of the learning rate that waits, once."""
        asked, self.lr = self.lr, None
        return asked
