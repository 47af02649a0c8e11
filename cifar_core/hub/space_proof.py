"""Whether a built Gradio Space starts and answers where the Hub would start it, tried on this machine.

As the Hub's builder does: a new environment of the stated Python with the Space's requirements and no other
package, the files owned by user 1000. And harder: an empty home, no network but the machine's own (Linux's
`unshare`), no variable of ours. Then a client sends a picture, and the page is asked to stop.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cifar_core.hub.space import PORT, SpaceError, built_files, read_front_matter

USER = 1000
INSTALL_SECONDS, PROOF_SECONDS = 1200, 600
INSIDE = Path(__file__).with_name("inside.py")
Told = Callable[[str], None]


@dataclass(frozen=True)
class Proof:
    """What was tried and seen: seconds of the steps, and what could not be had here (empty: all of it)."""

    python: str
    install_seconds: float
    start_seconds: float
    answer_seconds: float
    stop_seconds: float
    resident_mb: float
    answer: str
    lacking: list[str]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def prove_space(folder: Path, port: int = PORT, told: Told = lambda words: None) -> Proof:
    """Install, start, ask and stop the Space in `folder`; `told` hears what is being done.

    Raises:
        SpaceError: when any of it fails, with the end of what the program said.
    """
    files = built_files(folder)
    fields = read_front_matter((folder / "README.md").read_text(encoding="utf-8"))
    if fields.get("sdk") != "gradio":
        raise SpaceError(f"{folder} is a {fields.get('sdk')} Space; only Gradio Spaces can be proven here.")
    python = find_python(str(fields["python_version"]))
    with _workplace() as place:
        app, home = _own_copy(folder, files, place)
        told(f"Installing the requirements for {python} …")
        began = time.monotonic()
        environment = _install(python, folder, place)
        installed = time.monotonic() - began
        told(f"Installed in {installed:.0f} s; starting {fields['app_file']} as the Hub would …")
        seen, lacking = _try(environment, app, home, str(fields["app_file"]), port)
    return Proof(python=python, install_seconds=round(installed, 1), lacking=lacking, **seen)


def find_python(version: str) -> str:
    """A Python of that minor version, by its name on the PATH; raises SpaceError where there is none."""
    minor = ".".join(version.split(".")[:2])
    if minor == f"{sys.version_info.major}.{sys.version_info.minor}":
        return sys.executable
    found = shutil.which(f"python{minor}")
    if found is None:
        raise SpaceError(f"The Space wants Python {version}; install python{minor}, or build for another.")
    return found


@contextmanager
def _workplace() -> Iterator[Path]:
    """A folder that user 1000 may enter; gone afterwards, environment and all."""
    with tempfile.TemporaryDirectory(prefix="space-proof-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def _own_copy(folder: Path, files: list[Path], place: Path) -> tuple[Path, Path]:
    """(the app's folder, an empty home), both owned by the user that will run the app."""
    app, home = place / "app", place / "home"
    for file in files:
        (app / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / file, app / file)
    home.mkdir()
    if os.geteuid() == 0:
        for path in (home, app, *app.rglob("*")):
            os.chown(path, USER, USER)
    return app, home


def _install(python: str, folder: Path, place: Path) -> Path:
    """The environment's Python, with what the Space's requirements name."""
    environment = place / "env"
    requirements = str(folder / "requirements.txt")
    _run([python, "-m", "venv", str(environment)], "Making the environment")
    own = environment / "bin" / "python"
    quick = ["--disable-pip-version-check", "--no-compile", "--quiet", "--retries", "1"]
    _run([str(own), "-m", "pip", "install", *quick, "-r", requirements], "Installing the requirements")
    return own


def _run(command: list[str], what: str) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    try:
        ended = subprocess.run(
            command, env=kept, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise SpaceError(f"{what} took more than {INSTALL_SECONDS} s.") from None
    if ended.returncode:
        raise SpaceError(f"{what} failed: {_end_of(ended.stderr or ended.stdout)}")


def _try(python: Path, app: Path, home: Path, app_file: str, port: int) -> tuple[dict[str, Any], list[str]]:
    """(what inside.py saw, what could not be had here)."""
    cut, lacking = _without_network()
    as_user, short = _as_user(python)
    lacking += short
    order = {"app": str(app), "home": str(home), "app_file": app_file, "port": port, "as_user": as_user}
    try:
        ended = subprocess.run(
            [*cut, str(python), "-I", str(INSIDE)],
            input=json.dumps(order),
            capture_output=True,
            text=True,
            timeout=PROOF_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SpaceError(f"The Space did not start, answer and stop within {PROOF_SECONDS} s.") from None
    if ended.returncode:
        raise SpaceError(f"The Space failed: {_end_of(ended.stderr)}")
    return json.loads(ended.stdout.splitlines()[-1]), lacking


def _without_network() -> tuple[list[str], list[str]]:
    """(what to put before a command so that it sees no network, what is lacking where that cannot be had)."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return [], ["no network: this machine has no `unshare`"]
    for flags in (["--net"], ["--user", "--map-root-user", "--net"]):
        if subprocess.run([unshare, *flags, "true"], capture_output=True, check=False).returncode == 0:
            return [unshare, *flags, "--"], []
    return [], ["no network: this system does not let a program give up its own"]


def _as_user(python: Path) -> tuple[list[str], list[str]]:
    """(what to put before a command so that user 1000 runs it, what is lacking where that cannot be had)."""
    setpriv = shutil.which("setpriv")
    if os.geteuid() != 0 or setpriv is None:
        return [], [f"user {USER}: it ran as yours, because another takes root and `setpriv`"]
    plain = [setpriv, f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    reads = "-all,+dac_read_search"
    for flags, short in (
        ([], []),
        (
            [f"--inh-caps={reads}", f"--ambient-caps={reads}"],
            [f"a closed machine: user {USER} could read all files, because this Python lies in root's home"],
        ),
    ):
        command = [*plain, *flags, "--"]
        from_shell = [*command, "/bin/sh", "-c", '"$0" -c ""', str(python)]  # setpriv itself still reaches it
        if subprocess.run(from_shell, capture_output=True, check=False).returncode == 0:
            return command, short
    raise SpaceError(f"User {USER} cannot start {python}; install a Python outside of root's home.")


def _end_of(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return " | ".join(lines[-12:]) or "it said nothing"
