"""`reproduce`: run recipes of earlier works, and print stated and own results side by side."""

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from cifar_core.cli.evaluate import load_data_of
from cifar_core.cli.options import Add, add_data_dir, add_json, add_runs_dir
from cifar_core.cli.progress import TrainProgress
from cifar_core.cli.train import tell_of_waiting
from cifar_core.errors import LabError
from cifar_core.recipes import choose_recipes, get_recipe, list_recipes
from cifar_core.runs.results import FILE, in_order, read_results, results_table
from cifar_core.runs.store import Run, RunStore
from cifar_core.training.in_turn import train_in_turn


def add(add_parser: Add) -> None:
    """Add the command with its options."""
    words = "run recipes of earlier works, and show stated and own results"
    parser = add_parser("reproduce", help=words)
    parser.set_defaults(command=reproduce)
    words = "which recipes (default: all that have a stated result)"
    parser.add_argument("names", metavar="NAME", nargs="*", help=words)
    words = "our own recipes for the same results, in a fifth of the epochs"
    parser.add_argument("--fast", action="store_true", help=words)
    parser.add_argument("--seed", type=int, default=0, help="seed of the runs (default: 0)")
    parser.add_argument("--table", action="store_true", help="run nothing; show the results so far")
    words = "file of the results (default: results.json in the folder of the runs)"
    parser.add_argument("--results", metavar="FILE", type=Path, help=words)
    add_data_dir(parser)
    add_runs_dir(parser)
    add_json(parser)


def reproduce(options: argparse.Namespace) -> int:
    """Run the recipes that have no result yet, and print all results."""
    recipes = choose_recipes(options.names, options.fast)
    store = RunStore(options.runs_dir)
    path = options.results or store.root / FILE
    wanted = [] if options.table else recipes
    done = [_reproduced(name, options, store, path) for name in wanted]
    results = in_order((one for one in read_results(path) if one.recipe in recipes), list_recipes())
    if options.json:
        print(json.dumps([dataclasses.asdict(one) for one in results], indent=1))
    else:
        print(results_table(results) if results else "There are no results of these recipes yet.")
    return 0 if all(done) else 1


def _reproduced(name: str, options: argparse.Namespace, store: RunStore, path: Path) -> bool:
    """Train and measure one recipe; False when that failed, after a sentence on stderr."""
    from cifar_core.bench.reproduce import reproduce

    def train(run: Run) -> None:
        if options.json:
            train_in_turn(run, options.data_dir, told=tell_of_waiting)
            return
        with TrainProgress(run) as progress:
            train_in_turn(run, options.data_dir, listener=progress, told=tell_of_waiting)

    config = get_recipe(name).config.replace(seed=options.seed)
    try:
        reproduce(
            config, store, path, train, lambda card: load_data_of(card, options.data_dir), options.data_dir
        )
    except LabError as error:
        print(f"error: {name}: {error}", file=sys.stderr)
        return False
    return True
