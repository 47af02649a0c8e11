"""What came of one fault, and how a command is called so that nothing of it is missed."""

import ctypes
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

HANGING_SECONDS = 120.0
SMALL = ['model_args={"widths":[4,8],"num_kernels":2}', "train_size=200", "val_size=50", "precision=fp32"]
FAILED = 1  # the exit code of a Python process that ends with an exception


@dataclass(frozen=True)
class Outcome:
    """One fault: `name` is enough to repeat it, `wrong` is empty where all held; `tried` counts kills."""

    name: str
    wrong: str = ""
    tried: int = 1


@dataclass(frozen=True)
class Ended:
    """A command that has ended: its exit code (minus the signal that ended it) and what it printed."""

    code: int
    out: str
    err: str


@cache
def prepare() -> None:
    """Import, once, what each fork would for itself. One thread: forks do not have the others."""
    import torch
    import torch._dynamo  # the first step of an optimizer would

    torch.set_num_threads(1)
    with suppress(ImportError):
        import onnxscript  # noqa: F401


def in_fork(call: Callable[[], Any], variables: dict[str, str] | None = None) -> Ended:
    """Call in a fork of this process, which has imported torch; outputs are caught below Python's streams."""
    prepare()
    sys.stdout.flush()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        if (child := os.fork()) == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            os._exit(_code_of(call, variables or {}))
        code = _wait(child)
        printed = []
        for file in (out, err):
            file.seek(0)
            printed.append(file.read().decode(errors="replace"))
    return Ended(code, *printed)


def _code_of(call: Callable[[], Any], variables: dict[str, str]) -> int:
    """Do what the interpreter does with a main program."""
    try:
        os.setsid()
        os.environ.update(variables)
        _heed_permissions()
        code = call()
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = FAILED
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return int(code or 0)


def _heed_permissions() -> None:
    """Let root, too, be refused what a file's mode refuses: without the capabilities 1 and 2 of Linux."""
    libc = ctypes.CDLL(None)
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    if hasattr(libc, "capset") and libc.capget(header, sets) == 0:
        sets[0] &= ~0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        libc.capset(header, sets)


def _wait(child: int) -> int:
    until, pause = time.monotonic() + HANGING_SECONDS, 0.002
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(pause)
        pause = min(0.05, 1.5 * pause)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def complaint_about(
    ended: Ended, codes: Iterable[int], named: Sequence[str] = (), worded: bool = True
) -> str:
    """Say what is wrong with how a command ended: its code, a traceback, an error that is no sentence.

    named: an error must hold one of these. worded: an error must be told at all.
    """
    said = ended.out + ended.err
    wrong = [] if ended.code in codes else [f"ended with {ended.code}"]
    if any(sign in said for sign in ("Traceback (most", "Exception ignored", "Fatal Python error")):
        wrong.append("a traceback")
    if worded and ended.code in (1, 2):
        wrong += [] if "error: " in ended.err or "wrong use: " in ended.err else ["no sentence"]
        wrong += [] if not named or any(name in ended.err for name in named) else [f"names none of {named}"]
    return f"{', '.join(wrong)}: {(ended.err or ended.out).strip()[-600:]}" if wrong else ""


def environment(folder: Path) -> dict[str, str]:
    """Runs and caches of commands in a folder; nothing is fetched."""
    places = {"CIFAR_LAB_RUNS": folder / "runs", "CIFAR_LAB_CACHE": folder / "cache"}
    return {**{name: str(place) for name, place in places.items()}, "HF_HUB_OFFLINE": "1"}


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder, but for the locks."""
    files = (path for path in folder.rglob("*") if path.is_file() and "lock" not in path.name)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
