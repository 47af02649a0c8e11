"""Send SIGINT, SIGTERM and SIGHUP to commands at random moments, from the first 0.1 s on.

Held: no traceback; the process has ended by the signal, or with 130 where it could still save, or with 0
where it was done before or in that very instant; a run that was cut off goes on to its end.
"""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import onnx

from cifar_core.cli import main
from cifar_core.files import PROJECT_ROOT
from cifar_core.runs.store import RunStore
from tests.tools.campaign.outcome import HANGING_SECONDS, SMALL, Ended, Outcome, complaint_about, in_fork

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = 130
LONGEST_SECONDS = 6.0
LAST_SECONDS = 0.3  # what a process takes to leave at most, once nothing can change its exit code


def signals(seed: int, count: int, folder: Path) -> Iterator[Outcome]:
    """`count` signals, the commands in turn; the moments are drawn."""
    commands = {
        "train": ["train", "--now", "--recipe", "smoke", "--set", *SMALL, "epochs=30", "--runs-dir"],
        "predict": ["predict", "demo/classify/examples/dog.jpg"],
        "train again": ["train", "--now", "--recipe", "smoke", "--set", *SMALL, "epochs=30", "--runs-dir"],
        "export": ["export", "--output"],
        "recipes": ["recipes"],
    }
    draw = random.Random(seed)
    for number in range(count):
        name, words = list(commands.items())[number % len(commands)]
        place, what = folder / f"{number}", SIGNALS[draw.randrange(len(SIGNALS))]
        words = [*words, str(place)] if words[-1].startswith("--") else words
        seconds = round(0.1 if draw.random() < 0.1 else draw.uniform(0.1, LONGEST_SECONDS), 2)
        ended, is_done = _signaled(words, what, seconds)
        starting = "Traceback" in ended.err and "cifar_core" not in ended.err  # Python itself
        wrong = "" if starting else complaint_about(ended, (INTERRUPTED, -what, *[0] * is_done))
        if name == "export" and place.exists():  # written in one step: where it is there, it is whole
            onnx.checker.check_model(onnx.load(place))
        if name.startswith("train"):
            wrong += _unresumed(place)
        yield Outcome(f"seed {seed}, {what.name} after {seconds} s: {' '.join(words)}", wrong)


def _signaled(words: list[str], what: signal.Signals, seconds: float) -> tuple[Ended, bool]:
    """How the command ended, and whether it was done when the signal came."""
    with subprocess.Popen(
        [sys.executable, "-m", "cifar_core", *words],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: [signal.signal(each, signal.SIG_DFL) for each in SIGNALS],  # as in a terminal
    ) as process:
        time.sleep(seconds)
        before, sent = process.poll(), time.monotonic()
        process.send_signal(what)
        try:
            out, err = process.communicate(timeout=HANGING_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
    is_done = before is not None or time.monotonic() - sent < LAST_SECONDS
    return Ended(process.returncode, out, err), is_done


def _unresumed(place: Path) -> str:
    """Go on with what the signal left; a process that ended before has no run."""
    for run in (run for run in RunStore(place).list() if not run.shipped):
        ended = in_fork(partial(main, ["train", "--now", "--resume", run.id, "--runs-dir", str(place)]))
        if ended.code or run.status().state != "finished":
            return f" resuming ended with {ended}"
    return ""
