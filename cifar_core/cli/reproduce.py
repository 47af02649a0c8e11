"""`reproduce`: run recipes of earlier works, and print stated and own results side by side."""

import argparse
import dataclasses
import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_core.cli.evaluate import load_data_of
from cifar_core.cli.options import Add, add_data_dir, add_json, add_runs_dir, whole_number
from cifar_core.cli.progress import TrainProgress
from cifar_core.cli.streams import lasting
from cifar_core.cli.train import tell_of_waiting
from cifar_core.errors import LabError
from cifar_core.recipes import choose_recipes, get_recipe, list_recipes
from cifar_core.runs.results import FILE, Result, in_order, read_results, results_table
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore
from cifar_core.sweep.storage import require_optuna
from cifar_core.training.in_turn import train_in_turn

if TYPE_CHECKING:
    from cifar_core.sweep.recipes import Hold


def add(add_parser: Add) -> None:
    """Add the command with its options."""
    words = "run recipes of earlier works, and show stated and own results"
    parser = add_parser("reproduce", help=words)
    parser.set_defaults(command=reproduce)
    words = "which recipes (default: all that have a stated result)"
    parser.add_argument("names", metavar="NAME", nargs="*", help=words)
    words = "our own recipes for the same results, in a fifth of the epochs"
    parser.add_argument("--fast", action="store_true", help=words)
    parser.add_argument("--seed", type=whole_number(0), default=0, help="seed of the runs (default: 0)")
    parser.add_argument("--table", action="store_true", help="run nothing; show the results so far")
    words = "file of the results (default: results.json in the folder of the runs)"
    parser.add_argument("--results", metavar="FILE", type=Path, help=words)
    words = (
        "spread the recipes over all machines that name this journal file or database, each recipe once "
        "(default: this machine does all)"
    )
    parser.add_argument("--storage", metavar="URL", help=words)
    add_data_dir(parser)
    add_runs_dir(parser)
    add_json(parser)


def reproduce(options: argparse.Namespace) -> int:
    """Run the recipes that have no result yet, and print all results."""
    recipes = choose_recipes(options.names, options.fast)
    wanted, store = [] if options.table else recipes, RunStore(options.runs_dir)
    path = options.results or store.root / FILE
    with lasting():
        if options.storage is None:
            done = [_reproduced(name, options, store, path) for name in wanted]
            found = read_results(path)
        else:
            found = _shared(wanted, options, store, path)
            done = [any(one.recipe == name for one in found) for name in wanted]
    results = in_order((one for one in found if one.recipe in recipes), list_recipes())
    if options.json:
        print(json.dumps([dataclasses.asdict(one) for one in results], indent=1))
    else:
        print(results_table(results) if results else "There are no results of these recipes yet.")
    return 0 if all(done) else 1


def _shared(wanted: list[str], options: argparse.Namespace, store: RunStore, path: Path) -> list[Result]:
    """Do what no other machine does; returns the results of all machines."""
    require_optuna()
    from cifar_core.sweep.recipes import share_recipes

    with share_recipes(options.storage, store, wanted, options.seed) as shared:
        for name, hold in shared.each(lambda words: print(words, file=sys.stderr, flush=True)):
            _reproduced(name, options, store, path, hold)
        return shared.results()


def _reproduced(
    name: str,
    options: argparse.Namespace,
    store: RunStore,
    path: Path,
    hold: "Hold" = lambda run: nullcontext(lambda result: None),
) -> bool:
    """Train and measure one recipe, held while its run is worked on; False after a sentence on stderr."""
    from cifar_core.bench.reproduce import find_run, reproduce

    def train(run: Run) -> None:
        if options.json:
            train_in_turn(run, options.data_dir, told=tell_of_waiting)
            return
        with TrainProgress(run) as progress:
            train_in_turn(run, options.data_dir, listener=progress, told=tell_of_waiting)

    config = get_recipe(name).config.replace(seed=options.seed)
    try:
        run = find_run(store, config) or store.create(config, options.data_dir)
        with hold(run) as tell:
            tell(reproduce(run, path, train, lambda card: load_data_of(card, options.data_dir)))
    except LabError as error:
        print(f"error: {name}: {error}", file=sys.stderr)
        return False
    return True
