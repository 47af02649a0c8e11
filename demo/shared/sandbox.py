"""Decodes a picture in a process of its own, with limits on memory and time: for a host that strangers reach.

A flaw in a decoder then costs one short-lived process that can open no file and no connection and is not told
the host's tokens; see sandbox_child.py. It costs a few milliseconds more than decoding in place.
"""

import atexit
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from cifar_core.images.decode import MAX_PIXELS, Decoded, ImageError
from demo.shared.sandbox_child import PLACES, TIME_LIMIT_SECONDS

GRACE_SECONDS = 2  # from the limit to giving up, so that a child first ends itself
BUFFER_BYTES = 2**20  # of an answer on its way, so that the two sides seldom wait for each other
# The C library gives freed memory back at once, and each fresh page costs time; these keep it.
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "33554432", "MALLOC_TRIM_THRESHOLD_": "134217728"}
CUT_OFF = "The picture takes too much time or memory to read; send a smaller copy."
FULL = "Too many pictures are being read right now; try again in a minute."
_MAX_HEAD_BYTES = 10_000
_places = threading.BoundedSemaphore(PLACES)


class DecoderProcess:
    """The process of sandbox_child.py, started when first needed, and again where it has died."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def connect(self) -> socket.socket:
        """A connection to a new child that decodes one picture. Raises OSError where none can be had."""
        ours, theirs = socket.socketpair()
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        with theirs, self._lock:
            try:
                socket.send_fds(self._running(), [b"."], [theirs.fileno()])
            except OSError:  # it died since
                socket.send_fds(self._start(), [b"."], [theirs.fileno()])
        return ours

    def start(self) -> None:
        """Start it now, where it does not run, so that the first picture need not wait."""
        with self._lock:
            if hasattr(os, "fork"):
                self._running()

    def stop(self) -> None:
        """End the process, and with it all its children."""
        with self._lock:
            if self._control:
                self._control.close()
            if self._process and self._process.poll() is None:  # else its number may be another's by now
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
            self._process = self._control = None

    def _running(self) -> socket.socket:
        if self._control and self._process and self._process.poll() is None:
            return self._control
        return self._start()

    def _start(self) -> socket.socket:
        self.stop()
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                _command(),
                env=_environment(),
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the page, which then ends this process
            )
        return self._control


decoder = DecoderProcess()
atexit.register(decoder.stop)


def decode_isolated(data: bytes) -> Decoded:
    """images.decode in a separate process: the same picture, or ImageError, also if that was cut off."""
    if not _places.acquire(timeout=TIME_LIMIT_SECONDS):
        raise ImageError(FULL)
    try:
        return _ask(data) if hasattr(os, "fork") else _ask_once(data)
    except ImageError:
        raise
    except TimeoutError:
        decoder.stop()  # a child that outlives its own limits; the next picture starts anew
        raise ImageError(CUT_OFF) from None
    except (OSError, ValueError, KeyError, TypeError, subprocess.TimeoutExpired):
        raise ImageError(CUT_OFF) from None
    finally:
        _places.release()


def _ask(data: bytes) -> Decoded:
    """Send the bytes, then read the answer. Raises ImageError; OSError and others where it is cut off."""
    with decoder.connect() as line, line.makefile("rb") as incoming:
        line.settimeout(TIME_LIMIT_SECONDS + GRACE_SECONDS)
        line.sendall(data)
        line.shutdown(socket.SHUT_WR)
        return _read(incoming)


def _ask_once(data: bytes) -> Decoded:
    """_ask where processes cannot be forked (Windows): a new one for every picture, in about 0.3 s."""
    run = subprocess.run(
        [*_command(), "--once"],
        env=_environment(),
        input=data,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=TIME_LIMIT_SECONDS,
    )
    return _read(io.BytesIO(run.stdout))


def _read(incoming: BinaryIO) -> Decoded:
    """An answer, trusted no further than the picture it came from."""
    head = json.loads(incoming.readline(_MAX_HEAD_BYTES))
    if "error" in head:
        raise ImageError(str(head["error"]))
    width, height = map(int, head["size"])
    if width < 1 or height < 1 or width * height > MAX_PIXELS:
        raise ValueError(f"{width} × {height} pixels in an answer")
    pixels = incoming.read(width * height * 3)
    return Decoded(Image.frombytes("RGB", (width, height), pixels), tuple(map(str, head["notes"])))


def _command() -> list[str]:
    return [sys.executable, "-P", "-m", "demo.shared.sandbox_child"]


def _environment() -> dict[str, str]:
    """The variables that Python needs to start, and no more: a host's tokens stay out of reach."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT", "LANG") if name in os.environ}
    root = str(Path(__file__).resolve().parents[2])
    kept |= KEEP_MEMORY
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))}
