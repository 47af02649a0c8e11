"""`report`: a run's epochs in one of two forms, or the page of what is shipped."""

import argparse
import json

from cifar_core.cli.options import Add, add_json, add_runs_dir, show
from cifar_core.files import checkpoints_dir
from cifar_core.runs.history import History
from cifar_core.runs.results import epoch_lines, extremes, extremes_table
from cifar_core.runs.store import RunStore


def add(add_parser: Add) -> None:
    """Add the command with its options."""
    words = "a run's best epochs as a table, or a JSON line for each epoch"
    parser = add_parser("report", help=words)
    parser.set_defaults(command=report)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("run", metavar="RUN", nargs="?", help="which run; `runs` lists them")
    words = "write the tables of checkpoints/README.md anew (for maintainers)"
    what.add_argument("--shipped", action="store_true", help=words)
    words = "table: lowest losses and highest accuracies (default); lines: one JSON object an epoch"
    parser.add_argument("--form", choices=("table", "lines"), default="table", help=words)
    add_runs_dir(parser)
    add_json(parser)


def report(options: argparse.Namespace) -> int:
    """Print a run's epochs, or write the page of the shipped checkpoints."""
    if options.shipped:
        from cifar_core.inference.ship import write_overview

        write_overview(checkpoints_dir())
        return 0
    history = History.of(RunStore(options.runs_dir).get(options.run), short=True)
    monitored = history.start.monitored if history.start else "val"
    if options.form == "lines":
        for line in epoch_lines(history.epochs, monitored):
            print(json.dumps(line))
    else:
        show(options, extremes(history.epochs, monitored), extremes_table)
    return 0
