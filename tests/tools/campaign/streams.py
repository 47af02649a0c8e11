"""Take standard output or error away from commands: closed, on a full disk, left by its reader.

Held: a training finishes; a listing or a result ends quietly where nobody reads, and says so on a full disk.
"""

import os
import random
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from cifar_core.files import PROJECT_ROOT
from cifar_core.runs.store import RunStore
from tests.tools.campaign.outcome import SMALL, Ended, Outcome, complaint_about

TINY = f"epochs=1 {shlex.join(SMALL)}"
TRAININGS = {
    "train": f"train --now --recipe smoke --set {TINY} --runs-dir",
    "sweep": f"sweep --now --recipe smoke --search lr=0.01:0.2 --trials 1 --set {TINY} --runs-dir",
    "lr-find": f"lr-find --recipe smoke --set {TINY} --runs-dir",
}
LISTINGS = {
    "recipes": "recipes",
    "models": "models --json",
    "runs": "runs --runs-dir",
    "report": "report mixing_lite.v1 --form lines --runs-dir",
    "predict": "predict demo/classify/examples/dog.jpg",
    "reproduce": "reproduce --table --runs-dir",
    "help": "--help",
}
# way -> (what a shell does, the exit code of a listing, of a training's result that is printed)
WAYS = {
    "closed stdout": (">&-", 0, 0),
    "closed stderr": ("2>&- >/dev/null", 0, 0),
    "both closed": (">&- 2>&-", 0, 0),
    "full stdout": (">/dev/full", 1, 1),
    "full stderr": ("2>/dev/full >/dev/null", 0, 0),
    "both full": (">/dev/full 2>&1", 1, 1),
    "left": ("2>&1 | head -1", 0, 0),
    "left at once": ("2>&1 | true", 0, 0),
}


def streams(seed: int, count: int, folder: Path) -> Iterator[Outcome]:
    """Every command in every way, or `count` drawn ones."""
    cases = [(name, way) for name in (*LISTINGS, *TRAININGS) for way in WAYS]
    random.Random(seed).shuffle(cases)
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    for number, (name, way) in enumerate(cases[:count]):
        runs = folder / str(number)
        words = {**LISTINGS, **TRAININGS}[name]
        words += f" {shlex.quote(str(runs))}" if words.endswith("--runs-dir") else ""
        line = f"set -o pipefail; {shlex.quote(sys.executable)} -m cifar_core {words} {WAYS[way][0]}"
        process = subprocess.run(
            ["bash", "-c", line], cwd=PROJECT_ROOT, env=buffered, capture_output=True, text=True
        )
        ended = Ended(process.returncode, process.stdout, process.stderr)
        yield Outcome(f"seed {seed}, {name}, {way}: {line}", _wrong(name, way, ended, runs))


def _wrong(name: str, way: str, ended: Ended, runs: Path) -> str:
    code = 0 if name == "train" else WAYS[way][1 if name in LISTINGS else 2]
    can_tell = way == "full stdout"  # elsewhere the words are what was lost, or there is nothing to tell
    wrong = complaint_about(ended, (code,), named=("No space left",), worded=can_tell)
    if name in ("train", "sweep"):
        states = [run.status().state for run in RunStore(runs).list() if not run.shipped]
        wrong += "" if states == ["finished"] else f" its runs are {states}"
    return wrong
