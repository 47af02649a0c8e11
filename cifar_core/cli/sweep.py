"""`sweep`: many trainings that look for good settings, shared by any number of machines."""

import argparse
import dataclasses
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_core.cli.options import Add, add_changes, add_data_dir, add_json, add_runs_dir, show, whole_number
from cifar_core.cli.progress import TrainProgress
from cifar_core.cli.streams import lasting
from cifar_core.config import ConfigError, parse_changes
from cifar_core.format import table
from cifar_core.recipes import get_recipe
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore
from cifar_core.settings import as_text
from cifar_core.sweep.ranges import FORMS, MOST_TRIALS, TRIALS_BY_DEFAULT, parse_search
from cifar_core.sweep.storage import VARIABLE, default_storage, describe_storage, require_optuna

if TYPE_CHECKING:
    from cifar_core.sweep.study import Plan, Sweep
    from cifar_core.training.session import Listener


def add(add_parser: Add) -> None:
    """Add the command with its options."""
    words = "search for good settings: many trainings, shared by any number of machines"
    parser = add_parser("sweep", help=words, description=f"{words[0].upper()}{words[1:]}. Optuna chooses.")
    parser.set_defaults(command=sweep)
    parser.add_argument("--recipe", metavar="NAME", help="what all trials begin with; `recipes` lists them")
    add_changes(parser, "epochs=5, for all trials")
    words = f"settings to search, each in a range or among choices: {FORMS}"
    parser.add_argument(
        "--search", metavar="KEY=RANGE", action="extend", nargs="+", default=[], help=words.replace("%", "%%")
    )
    words = f"trials of the study in all, on all machines (default: {TRIALS_BY_DEFAULT})"
    parser.add_argument("--trials", metavar="N", type=whole_number(1, MOST_TRIALS), help=words)
    words = "name of the study (default: the recipe's); alone it goes on with what the study remembers"
    parser.add_argument("--study", metavar="NAME", help=words)
    words = (
        "a journal file, or a database such as postgresql+psycopg://user:password@host/name, that all "
        f"machines reach (default: {VARIABLE}, then a journal file in the folder of the runs)"
    )
    parser.add_argument("--storage", metavar="URL", help=words)
    words = "train every trial to its end, also one that is worse than the median of those before"
    parser.add_argument("--no-prune", action="store_true", help=words)
    words = "train beside another training, instead of waiting until it has ended"
    parser.add_argument("--now", action="store_true", help=words)
    parser.add_argument("--table", action="store_true", help="train nothing; show the trials so far")
    add_data_dir(parser)
    add_runs_dir(parser)
    add_json(parser)


def sweep(options: argparse.Namespace) -> int:
    """Begin, join or go on with a study, and print its trials."""
    require_optuna()
    from cifar_core.sweep.study import open_sweep
    from cifar_core.sweep.worker import Worker

    store = RunStore(options.runs_dir)
    storage, plan = options.storage or default_storage(store.root), _plan(options)
    name = options.study or options.recipe
    with open_sweep(storage, name, plan, options.trials) as found:
        with lasting():
            _say(f"Study {name} in {describe_storage(storage)}: {found.total} trials.")
            try:
                if not options.table:
                    shown = _shown(options.json)
                    Worker(found, store, options.data_dir, shown, _say, options.now).work()
            except KeyboardInterrupt:
                _say(f"The study is kept. Go on with: {_command(options, name)}")
                raise
        rows = found.rows()
        document = {"study": name, "trials": found.total, "rows": [dataclasses.asdict(row) for row in rows]}
        show(options, document, lambda _: _report(found, options.data_dir))
        return 0 if options.table or found.best() else 1


def _plan(options: argparse.Namespace) -> "Plan | None":
    """What the arguments say of the trials; None where they say nothing but the study's name."""
    from cifar_core.sweep.study import Plan

    if options.recipe is None:
        if options.study is None:
            raise ConfigError("Give --recipe and --search to begin a study, or --study to go on with one.")
        if options.search or options.changes or options.no_prune:
            raise ConfigError(
                f"What the study '{options.study}' searches is remembered and cannot change; leave out "
                "--search, --set and --no-prune, or begin another with --recipe."
            )
        return None
    config = get_recipe(options.recipe).config.replace(**parse_changes(options.changes))
    return Plan(config, parse_search(options.search, config), not options.no_prune)


def _shown(silent: bool) -> Callable[[Run], AbstractContextManager["Listener"]]:
    @contextmanager
    def shown(run: Run) -> Iterator["Listener"]:
        if silent:
            yield lambda event, status: None
            return
        with TrainProgress(run) as progress:
            yield progress

    return shown


def _report(sweep: "Sweep", data_dir: Path | None) -> str:
    """The trials, the best one, and how to train and measure it."""
    from cifar_core.sweep.rows import table_rows

    rows, best = sweep.rows(), sweep.best()
    if best is None:
        return f"{table(table_rows(rows))}\n\nNo trial is finished yet."
    changes = sweep.config_of(best.params).differences(get_recipe(sweep.plan.config.recipe).config)
    again = ["train", "--recipe", sweep.plan.config.recipe]
    for name, (value, _) in changes.items():
        again += ["--set", f"{name}={as_text(value)}"]
    again += ["--data-dir", str(data_dir)] if data_dir else []
    return (
        f"{table(table_rows(rows))}\n\n"
        f"Best: trial {best.number}, run {best.run} on {best.host}. It was chosen by validation images, so "
        "its accuracy there is flattering; `evaluate` measures it on the test images, once.\n"
        f"The same again: python -m cifar_core {shlex.join(again)}"
    )


def _command(options: argparse.Namespace, name: str) -> str:
    words = ["sweep", "--study", name]
    shown = describe_storage(options.storage) if options.storage else None
    for option, given in (("storage", shown), ("data-dir", options.data_dir), ("runs-dir", options.runs_dir)):
        words += [f"--{option}", str(given)] if given is not None else []
    words += ["--now"] if options.now else []
    hidden = "" if shown == options.storage else f" (with its user and password, or with {VARIABLE})"
    return f"python -m cifar_core {shlex.join(words)}{hidden}"


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
