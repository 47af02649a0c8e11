"""Standard output and error that may be gone: closed from the start, left by their reader, on a full disk."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, TextIO, cast

from cifar_core.training.ranks import Ranks


def open_missing() -> None:
    """Put the null device where a stream is closed, before a file of ours gets its number."""
    if None not in (sys.stdout, sys.stderr):
        return
    while (number := os.open(os.devnull, os.O_RDWR)) < 3:
        pass
    os.close(number)
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")


@contextmanager
def one_voice() -> Iterator[None]:
    """Let the first of torchrun's processes speak alone: the others would print the same."""
    if Ranks.of_environment().leads:
        yield
        return
    with open(os.devnull, "w", encoding="utf-8") as lost, redirect_stdout(lost), redirect_stderr(lost):
        yield


@contextmanager
def lasting() -> Iterator[None]:
    """For what takes hours: words that cannot be written meanwhile are lost, and end nothing.

    A result is printed after it: that it is lost must be said.
    """
    out, err = (cast(TextIO, _Lasting(stream)) for stream in (sys.stdout, sys.stderr))
    with redirect_stdout(out), redirect_stderr(err):
        yield


def give_up(stream: TextIO) -> None:
    """Let what a stream still holds, and all that comes, go to the null device."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def give_up_where_full(stream: TextIO) -> None:
    """The same for a stream that cannot write what it holds; Python would complain as it ends."""
    try:
        stream.flush()
    except OSError:
        give_up(stream)


class _Lasting:
    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        with self.lost():
            self.stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self.lost():
            self.stream.flush()

    @contextmanager
    def lost(self) -> Iterator[None]:
        """Nobody reads what comes after a reader left; a full disk may have room again."""
        try:
            yield
        except BrokenPipeError:
            give_up(self.stream)
        except OSError:
            pass

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)
