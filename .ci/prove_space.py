"""Start the Space that `space push` would send, offline, and ask it about a picture: `.ci/run` does.

    .venv/bin/python .ci/prove_space.py [options of `space build`]

The Space gets a folder of its own, an empty home, the Hub's variables and no others, and this environment's
packages. Where Linux and root allow it, it sees no network and runs as user 1000, as on the Hub.
"""

import ctypes
import fcntl
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parent.parent
USER = 1000
PORT = 7860
START_SECONDS, STOP_SECONDS = 100, 30
EXPECTED = "airplane"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="space-proof-") as name:
        place = Path(name)
        space, home = place / "space", place / "home"
        home.mkdir()
        build = [sys.executable, "-m", "cifar_core", "space", "build", str(space), *sys.argv[1:]]
        subprocess.run(build, cwd=ROOT, check=True)
        hand_over(place)
        as_user = user_command()
        leave_network()
        with open(place / "said", "w+b") as said:
            page = start(space, home, as_user, said)
            try:
                prove(page)
            except BaseException:
                said.seek(0)
                print(said.read().decode(errors="replace")[-3000:], file=sys.stderr)
                raise
            finally:
                page.kill()
                page.wait()


def prove(page: "subprocess.Popen[bytes]") -> None:
    """It opens, names the drawn thing, and stops in order when it is asked to."""
    began = time.monotonic()
    wait_for(page)
    print(f"The Space started in {time.monotonic() - began:.1f} s.")
    top = ask()["top"][0]
    print(f"It says {top['label']}, {top['probability']:.0%}.")
    assert top["label"] == EXPECTED, f"It should say {EXPECTED}."
    page.send_signal(signal.SIGTERM)
    code = page.wait(STOP_SECONDS)
    assert code == 0, f"It ended with {code} when it was asked to stop."


def hand_over(place: Path) -> None:
    """Give the files to user 1000; without root they stay ours."""
    place.chmod(0o755)
    for path in place.rglob("*") if os.geteuid() == 0 else ():
        os.chown(path, USER, USER)


def user_command() -> list[str]:
    """What to put before a command so that user 1000 runs it.

    Where that user cannot start this Python, because it lies in root's home, it may read everything.
    """
    if os.geteuid() != 0:
        print(f"Not tried as user {USER}: that takes root.")
        return []
    reads = "-all,+dac_read_search"
    for flags in ([], [f"--inh-caps={reads}", f"--ambient-caps={reads}"]):
        command = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", *flags, "--"]
        through_shell = [*command, "/bin/sh", "-c", '"$0" -c ""', sys.executable]  # setpriv itself reaches it
        if subprocess.run(through_shell, capture_output=True, check=False).returncode == 0:
            return command
    sys.exit(f"User {USER} cannot start {sys.executable}; install a Python outside of root's home.")


def leave_network() -> None:
    """Move this process to a network of its own, which holds nothing but 127.0.0.1."""
    new_user, new_network = 0x10000000, 0x40000000  # CLONE_NEWUSER, CLONE_NEWNET
    system = ctypes.CDLL(None)
    if not hasattr(system, "unshare") or all(map(system.unshare, (new_network, new_user | new_network))):
        print("Not tried without a network: this system does not let a program give up its own.")
        return
    get_flags, set_flags, up = 0x8913, 0x8914, 0x1  # SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        request = fcntl.ioctl(handle, get_flags, struct.pack("16sH14x", b"lo", 0))
        flags = struct.unpack("16sH14x", request)[1]
        fcntl.ioctl(handle, set_flags, struct.pack("16sH14x", b"lo", flags | up))


def start(space: Path, home: Path, as_user: list[str], said: IO[bytes]) -> "subprocess.Popen[bytes]":
    """The page's process, as its front matter states it, with the variables that the Hub sets."""
    app_file = re.search(r"(?m)^app_file: (.+)$", (space / "README.md").read_text(encoding="utf-8"))
    assert app_file, "Only Gradio Spaces have an app_file to start."
    environment = {
        "HOME": str(home),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"]),
        "PYTHONUNBUFFERED": "1",
        "SYSTEM": "spaces",
        "SPACE_ID": "someone/cifar10-lab",
        "GRADIO_SERVER_NAME": "0.0.0.0",
        "GRADIO_SERVER_PORT": str(PORT),
        "GRADIO_NUM_PORTS": "1",
    }
    command = [*as_user, sys.executable, app_file[1]]
    return subprocess.Popen(command, cwd=space, env=environment, stdout=said, stderr=subprocess.STDOUT)


def wait_for(page: "subprocess.Popen[bytes]") -> None:
    """Return when the page answers; TimeoutError when that takes too long."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert page.poll() is None, f"It ended by itself with {page.returncode}."
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{PORT}/", timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"Nothing answered on port {PORT} within {START_SECONDS} s.")


def ask() -> dict[str, Any]:
    """The page's answer to a drawn airplane, through its documented endpoint."""
    from gradio_client import Client, handle_file

    sys.path.insert(0, str(ROOT))
    from demo.shared.drawings import DRAWINGS

    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "picture.png"
        DRAWINGS["airplane"]().save(picture)
        client = Client(f"http://127.0.0.1:{PORT}/", verbose=False)
        return dict(client.predict(picture=handle_file(picture), api_name="/classify"))


if __name__ == "__main__":
    main()
