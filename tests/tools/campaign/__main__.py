"""Run the campaign: `python -m tests.tools.campaign [--seed S] [--only kills …] [--kills 200]`.

Prints for each kind of fault how many were tried and how many held, each that did not with what repeats it,
and ends with 1 where one did not.
"""

import argparse
import importlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from tests.tools.campaign.outcome import Outcome

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported: forks have one thread

# kind -> how many of its faults are drawn
KINDS = {"kills": 200, "damaged": 60, "commands": 500, "streams": 40, "signals": 40}


def tally(kind: str, outcomes: Iterable[Outcome]) -> bool:
    """Print what did not hold as it comes, and the sums; True when all held."""
    tried, held, began = 0, 0, time.monotonic()
    for outcome in outcomes:
        tried += outcome.tried
        held += 0 if outcome.wrong else outcome.tried
        if outcome.wrong:
            print(f"NOT HELD {kind}: {outcome.name}: {outcome.wrong}", flush=True)
    print(f"{kind}: tried {tried}, held {held} ({time.monotonic() - began:.0f} s)", flush=True)
    return held == tried > 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.campaign", description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=KINDS, default=list(KINDS))
    for kind, count in KINDS.items():
        words = "how many faults of this kind (default: %(default)s)"
        parser.add_argument(f"--{kind}", type=int, default=count, metavar="N", help=words)
    options = parser.parse_args(arguments)
    good = []
    for kind in options.only:
        fault = getattr(importlib.import_module(f"tests.tools.campaign.{kind}"), kind)
        folder = Path(tempfile.mkdtemp(prefix=f"campaign-{kind}-"))
        good.append(tally(kind, fault(options.seed, getattr(options, kind), folder)))
        if good[-1]:
            shutil.rmtree(folder)
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
