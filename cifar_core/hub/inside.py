"""The part of a proof that runs in the Space's own environment, where nothing of this project is installed.

Started by prove.py, with its order as JSON on stdin; writes what it saw as one line of JSON. It makes the
machine's own address usable (a new network has none up), starts the app, asks it and stops it.
"""

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from importlib import import_module
from pathlib import Path
from typing import Any

START_SECONDS, STOP_SECONDS = 400, 60  # of a machine that is busy with other work, too


def main() -> int:
    """Run the order from stdin; the exit code is 0 when the app answered and stopped in order."""
    order = json.load(sys.stdin)
    raise_loopback()
    with tempfile.TemporaryFile() as said:
        began = time.monotonic()
        app = start(order, said)
        try:
            wait_for(app, order["port"])
            started = time.monotonic() - began
            words, asked = ask(order["port"])
            resident = resident_mb(app.pid)
            began = time.monotonic()
            app.send_signal(signal.SIGTERM)
            code = app.wait(STOP_SECONDS)
            if code:
                raise RuntimeError(f"it ended with {code} when it was asked to stop")
        except Exception as error:
            said.seek(0)
            print(said.read()[-3000:].decode(errors="replace"), file=sys.stderr)
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            return 1
        finally:
            app.kill()
    seen = {
        "start_seconds": started,
        "answer_seconds": asked,
        "stop_seconds": time.monotonic() - began,
        "resident_mb": resident,
    }
    print(json.dumps({**{name: round(value, 2) for name, value in seen.items()}, "answer": words}))
    return 0


def raise_loopback() -> None:
    """Switch 127.0.0.1 on; where that is not allowed, it is the machine's own network, which has it on."""
    import fcntl

    get_flags, set_flags, up = 0x8913, 0x8914, 0x1  # SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        asked = fcntl.ioctl(handle, get_flags, struct.pack("16sH14x", b"lo", 0))
        flags = struct.unpack("16sH14x", asked)[1]
        if not flags & up:
            fcntl.ioctl(handle, set_flags, struct.pack("16sH14x", b"lo", flags | up))


def start(order: dict[str, Any], said: Any) -> "subprocess.Popen[bytes]":
    """The app's process, with the variables that the Hub sets for a Gradio Space and no others."""
    environment = {
        "HOME": order["home"],
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
        "PYTHONUNBUFFERED": "1",
        "SYSTEM": "spaces",
        "SPACE_ID": "someone/cifar10-lab",
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "GRADIO_SERVER_PORT": str(order["port"]),
        "GRADIO_NUM_PORTS": "1",
    }
    return subprocess.Popen(
        [*order["as_user"], sys.executable, order["app_file"]],
        cwd=order["app"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=said,
        stderr=subprocess.STDOUT,
    )


def wait_for(app: "subprocess.Popen[bytes]", port: int) -> None:
    """Until the page answers; raises RuntimeError when it ended or took too long."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if app.poll() is not None:
            raise RuntimeError(f"it ended by itself with {app.returncode}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError(f"nothing answered on port {port} within {START_SECONDS} s")


def ask(port: int) -> tuple[str, float]:
    """(the likeliest class for a drawn picture, the seconds it took), by the page's documented endpoint."""
    from PIL import Image, ImageDraw

    gradio_client = import_module("gradio_client")  # gradio brings it along
    with tempfile.TemporaryDirectory() as folder:
        drawing = Image.new("RGB", (64, 64), "skyblue")
        ImageDraw.Draw(drawing).rectangle((8, 36, 56, 48), fill="gray")
        picture = Path(folder) / "picture.png"
        drawing.save(picture)
        client = gradio_client.Client(f"http://127.0.0.1:{port}/", verbose=False)
        began = time.monotonic()
        answer = client.predict(gradio_client.handle_file(picture), api_name="/classify")
        seconds = time.monotonic() - began
    top = first_top(answer)
    if not top:
        raise RuntimeError(f"the answer names no class: {str(answer)[:300]}")
    return top, seconds


def first_top(answer: Any) -> str:
    """The label of the first `top` entry anywhere in an answer, "" where there is none."""
    if isinstance(answer, dict):
        top = answer.get("top")
        if isinstance(top, list) and top and isinstance(top[0], dict) and top[0].get("label"):
            return f"{top[0]['label']}, {100 * float(top[0].get('probability', 0)):.0f} %"
        parts = list(answer.values())
    else:
        parts = list(answer) if isinstance(answer, list | tuple) else []
    return next(filter(None, map(first_top, parts)), "")


def resident_mb(process: int) -> float:
    """Memory that a process holds, in MB (Linux)."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


if __name__ == "__main__":
    sys.exit(main())
