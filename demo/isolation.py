"""Decodes a picture in a process of its own, with limits on memory and time: for a host that strangers reach.

A flaw in a decoder then costs one short-lived process that can write no file and is not told the host's
tokens; the price is about 0.2 s a picture. The process gets the bytes on stdin and answers on stdout with a
line of JSON (`{"size": [W, H], "notes": […]}` or `{"error": "…"}`), then the W * H * 3 bytes of the pixels.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

from PIL import Image

from cifar_core.images import MAX_PIXELS, Decoded, ImageError, decode

TIME_LIMIT_SECONDS = 15
MEMORY_LIMIT_BYTES = 3 * 2**30  # address space; libwebp reserves 2 GB for its largest canvas, however empty
_MAX_ANSWER_BYTES = MAX_PIXELS * 3 + 10_000


def decode_isolated(data: bytes) -> Decoded:
    """images.decode in a separate process: the same picture, or ImageError, also if that was cut off."""
    head, _, pixels = _ask(data).partition(b"\n")
    try:
        answer = json.loads(head)
        if "error" in answer:
            raise ImageError(str(answer["error"]))
        width, height = answer["size"]
        return Decoded(Image.frombytes("RGB", (width, height), pixels), tuple(map(str, answer["notes"])))
    except ImageError:
        raise
    except (ValueError, KeyError, TypeError):
        raise ImageError("The picture takes too much time or memory to read; send a smaller copy.") from None


def _ask(data: bytes) -> bytes:
    command = [sys.executable, "-P", "-m", "demo.isolation"]
    with subprocess.Popen(
        command,
        env=_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        timer = threading.Timer(TIME_LIMIT_SECONDS, process.kill)
        timer.start()
        try:
            return _exchange(process, data)
        finally:
            timer.cancel()
            process.kill()


def _exchange(process: "subprocess.Popen[bytes]", data: bytes) -> bytes:
    """The process reads all of its input before it answers, so writing first cannot block for good."""
    assert process.stdin and process.stdout
    with (
        contextlib.suppress(BrokenPipeError),
        process.stdin as pipe,
    ):  # if it died early, its empty answer says so
        pipe.write(data)
    return process.stdout.read(_MAX_ANSWER_BYTES)


def _environment() -> dict[str, str]:
    """What Python needs to start, and no more: a host's tokens stay out of reach."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT", "LANG") if name in os.environ}
    root = str(Path(__file__).resolve().parent.parent)
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))}


def _limit_resources() -> None:
    try:
        import resource
    except ImportError:  # Windows: the time limit alone holds
        return
    limits = {
        resource.RLIMIT_AS: MEMORY_LIMIT_BYTES,
        resource.RLIMIT_CPU: TIME_LIMIT_SECONDS,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for kind, limit in limits.items():
        try:
            resource.setrlimit(kind, (limit, limit))
        except (ValueError, OSError):  # a platform without this limit (macOS: address space)
            continue


def _serve() -> None:
    """The process's side: one picture from stdin, one answer to stdout."""
    _limit_resources()
    data = sys.stdin.buffer.read()
    try:
        decoded = decode(data)
        head: dict[str, object] = {"size": decoded.image.size, "notes": decoded.notes}
        pixels = decoded.image.tobytes()
    except ImageError as error:
        head, pixels = {"error": str(error)}, b""
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + pixels)


if __name__ == "__main__":
    _serve()
