"""`lr-find`: which learning rate suits a recipe? A range test that waits in line with the trainings."""

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Any

from cifar_core.cli.options import Add, add_changes, add_data_dir, add_json, add_runs_dir, show
from cifar_core.cli.streams import lasting
from cifar_core.config import ConfigError, parse_changes
from cifar_core.recipes import get_recipe
from cifar_core.runs.lr_finder import SearchFolder
from cifar_core.runs.store import RunStore
from cifar_core.training.in_turn import find_lr_in_turn


def add(add_parser: Add) -> None:
    """Add the command with its options."""
    words = "find the learning rate that suits a recipe, by a range test of 80 steps"
    parser = add_parser("lr-find", help=words)
    parser.set_defaults(command=lr_find)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--recipe", metavar="NAME", help="which recipe; `recipes` lists them")
    what.add_argument("--folder", metavar="P", type=Path, help=argparse.SUPPRESS)  # a page's search
    add_changes(parser, "batch_size=64")
    add_data_dir(parser)
    add_runs_dir(parser)
    add_json(parser)


def lr_find(options: argparse.Namespace) -> int:
    """Run the test, and print what it found."""
    if options.folder:
        if options.changes:
            raise ConfigError("--set belongs to --recipe; a folder has its settings.")
        with lasting():
            find_lr_in_turn(SearchFolder(options.folder), lambda folder: not folder.watched, _progress)
        return 0
    config = get_recipe(options.recipe).config.replace(**parse_changes(options.changes))
    folder = SearchFolder.create(RunStore(options.runs_dir), config, options.data_dir)
    with lasting():
        find_lr_in_turn(folder, progress=_progress)
    show(options, dataclasses.asdict(folder.read()), _sentence)
    return 0


def _sentence(found: dict[str, Any]) -> str:
    steps = len(found["points"])
    if found["suggestion"] is None:
        words = f"The loss hardly fell in {steps} steps; there is no rate to suggest. {found['message']}"
        return words.strip()
    take = f"Take about {found['suggestion']:.2g} (the recipe has {found['base']:g})"
    return f"{take}: there the loss fell most steeply, in {steps} steps of growing rates."


def _progress(what: str, done: int, total: int) -> None:
    if done == 0:
        print(f"{what}: {total:,}", file=sys.stderr, flush=True)
