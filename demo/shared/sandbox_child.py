"""The process that decodes strangers' pictures: it forks a child for each, tied down before it reads a byte.

It is started by sandbox.py with a socket as its stdin, over which the children wait for connections, one a
picture. It has loaded all that decoding needs and never reads a stranger's picture itself, so a child knows
nothing of earlier ones; children are forked ahead, so that no picture waits for that. A child cannot open a
file or a connection, nor fork (but as root, or where HEIC is read), and has little memory and time.

A connection carries the picture's bytes up to their end, then the answer: a line of JSON
(`{"size": [W, H], "notes": […]}` or `{"error": "…"}`) and the W * H * 3 bytes of the pixels.
"""

import contextlib
import gc
import io
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator

from PIL import AvifImagePlugin, Image

from cifar_core.images.decode import FORMATS, MAX_BYTES, ImageError, decode, pillow_name

PLACES = 2  # children that wait or work
TIME_LIMIT_SECONDS = 10
MEMORY_LIMIT_BYTES = 3 * 2**29  # address space; the largest allowed picture with transparency takes 0.9 GB
STRIP_BYTES = 2**16  # of an answer at a time: little memory, used again and again
SLOW_TO_WRITE = ("AVIF", "HEIC")
_NO_MORE = 3  # a child's exit code: nobody sends connections any more


def serve(control: socket.socket) -> None:
    """Keep PLACES children forked that each answer one connection of `control`, until it is closed."""
    own = warm_up()
    gc.disable()  # it would write to the memory that children share with this process
    children = {_fork(control, own) for _ in range(PLACES)}
    while True:
        pid, status = os.wait()
        children.discard(pid)
        if os.waitstatus_to_exitcode(status) == _NO_MORE:
            break
        if status:
            time.sleep(0.05)  # so that children that cannot even begin do not take the processor
        children.add(_fork(control, own))
    for pid in children:
        os.kill(pid, signal.SIGKILL)


def answer(data: bytes) -> Iterator[bytes]:
    """The parts of the answer to a picture's bytes: the line of JSON, then the pixels from the top."""
    try:
        decoded = decode(data)
    except ImageError as error:
        yield json.dumps({"error": str(error)}).encode() + b"\n"
        return
    image = decoded.image
    yield json.dumps({"size": image.size, "notes": decoded.notes}).encode() + b"\n"
    rows = max(1, STRIP_BYTES // (3 * image.width))
    for top in range(0, image.height, rows):
        yield image.crop((0, top, image.width, min(top + rows, image.height))).tobytes()


def warm_up() -> bytes:
    """Load what Pillow loads at its first picture of a kind, which a child could not; returns a picture.

    Of the kinds that several threads would read, since a child may start none, one is told to do.
    """
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # HEIC's reader has been told so in decode.py
    data = b""
    for kind in (*FORMATS, "JPEG"):
        file = io.BytesIO()
        with contextlib.suppress(KeyError):  # some builds of HEIC's library read and do not write
            size = (64, 64) if kind in SLOW_TO_WRITE else (640, 480)
            Image.new("RGBA" if kind == "PNG" else "RGB", size).save(file, pillow_name(kind))
        data = file.getvalue()
        list(answer(data))
    return data


def limit_resources() -> None:
    """Take from this process all but computing, within limits; what the platform lacks is passed over."""
    try:
        import resource
    except ImportError:  # Windows: the time limit alone holds
        return
    limits = {
        "RLIMIT_AS": MEMORY_LIMIT_BYTES,
        "RLIMIT_CPU": TIME_LIMIT_SECONDS,
        "RLIMIT_FSIZE": 0,
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": 0,  # what is open stays so; nothing else can be opened
    }
    if "HEIC" not in FORMATS:  # whose decoder (libde265) gives up where it cannot start a thread
        limits["RLIMIT_NPROC"] = 0
    for name, limit in limits.items():
        with contextlib.suppress(AttributeError, ValueError, OSError):  # macOS: no address space limit
            resource.setrlimit(getattr(resource, name), (limit, limit))


def _fork(control: socket.socket, own: bytes) -> int:
    """Start a child that answers one connection; returns its process id.

    It reads a picture of ours first: then it has its memory before it is asked, and not while one waits.
    """
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        list(answer(own))
        code = _answer_one(control)
    finally:
        os._exit(code)  # whatever happened: the child must never go on as its parent


def _answer_one(control: socket.socket) -> int:
    _, connections, _, _ = socket.recv_fds(control, 1, 1)
    if not connections:
        return _NO_MORE
    signal.alarm(TIME_LIMIT_SECONDS)  # by the clock; the limit below is by the processor's time
    control.close()
    with socket.socket(fileno=connections[0]) as line, line.makefile("rb") as incoming:
        limit_resources()
        data = incoming.read(MAX_BYTES + 1)
        for part in answer(data):
            line.sendall(part)
    return 0


def main() -> None:
    """Serve stdin, which is a socket; with `--once`, where nothing can be forked, one picture from stdin."""
    if "--once" in sys.argv:
        warm_up()
        limit_resources()
        sys.stdout.buffer.writelines(answer(sys.stdin.buffer.read(MAX_BYTES + 1)))
        return
    with socket.socket(fileno=os.dup(0)) as control:
        os.close(0)
        serve(control)


if __name__ == "__main__":
    main()
