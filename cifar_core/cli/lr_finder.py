"""`lr-find`: which learning rate suits a recipe? A range test that waits in line with the trainings."""

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.config import ConfigError, parse_changes
from cifar_core.recipes import get_recipe
from cifar_core.runs.lr_finder import LrFinder, SearchFolder
from cifar_core.runs.queue import Withdrawn, line_name, wait_for_place
from cifar_core.runs.store import RunStore

if TYPE_CHECKING:
    from cifar_core.training.lr_finder import Point

WRITE_SECONDS = 0.5


def add_lr_finder(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.set_defaults(command=lr_finder)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--recipe", metavar="NAME", help="which recipe; `recipes` lists them")
    what.add_argument("--folder", metavar="P", type=Path, help=argparse.SUPPRESS)  # a page's search
    words = "change settings of the recipe, such as batch_size=64"
    parser.add_argument(
        "--set", metavar="KEY=VALUE", dest="changes", action="extend", nargs="+", default=[], help=words
    )


def lr_finder(options: argparse.Namespace) -> int:
    """Search, and say what was found."""
    if options.folder:
        if options.changes:
            raise ConfigError("--set belongs to --recipe; a folder has its settings.")
        search(SearchFolder(options.folder), lambda folder: not folder.watched)
        return 0
    config = get_recipe(options.recipe).config.replace(**parse_changes(options.changes))
    folder = SearchFolder.create(RunStore(options.runs_dir), config, options.data_dir)
    search(folder, lambda folder: False)
    found = folder.read()
    print(json.dumps(dataclasses.asdict(found), indent=1) if options.json else describe_found(found))
    return 0


def describe_found(found: LrFinder) -> str:
    """The result in a sentence."""
    steps = len(found.points)
    if found.suggestion is None:
        return f"The loss hardly fell in {steps} steps; there is no rate to suggest. {found.message}".strip()
    take = f"Take about {found.suggestion:.2g} (the recipe has {found.base:g})"
    return f"{take}: there the loss fell most steeply, in {steps} steps of growing rates."


def search(folder: SearchFolder, ended: Callable[[SearchFolder], bool]) -> None:
    """Wait for the device, test, keep the outcome; a failure is kept as its sentence and raised."""
    store = RunStore(folder.path.parent.parent)
    place = wait_for_place(store, line_name(), "the search for a learning rate", lambda: ended(folder))
    try:
        with folder.lock(), place:
            _test(folder, ended)
    except Withdrawn:
        folder.change(state="stopped", message="Stopped.")
    except KeyboardInterrupt:
        folder.change(state="stopped", message="Stopped.")
        raise
    except BaseException as error:
        folder.change(state="failed", message=str(error) or type(error).__name__)
        raise


def _test(folder: SearchFolder, ended: Callable[[SearchFolder], bool]) -> None:
    from cifar_core.training.lr_finder import Point, flat, run_lr_finder
    from cifar_core.training.setup import prepare

    folder.change(state="running")
    ready = prepare(flat(folder.config()), folder.data_dir(), _progress)
    points: list[Point] = []
    written = time.monotonic()
    for point in run_lr_finder(ready.trainer, ready.train):
        points.append(point)
        if time.monotonic() - written > WRITE_SECONDS:
            folder.change(**_found(points))
            written = time.monotonic()
        if ended(folder):
            raise Withdrawn("Nobody watches.")
    folder.change(state="finished", **_found(points))


def _found(points: "list[Point]") -> dict[str, Any]:
    from cifar_core.training.lr_finder import suggestion

    return {
        "points": [list(dataclasses.astuple(point)) for point in points],
        "suggestion": suggestion(points),
    }


def _progress(what: str, done: int, total: int) -> None:
    if done == 0:
        print(f"{what}: {total:,}", file=sys.stderr, flush=True)
