"""`ship`: put a finished run among the checkpoints that travel with the project."""

import argparse

from cifar_core.cli.evaluate import load_data_of
from cifar_core.cli.options import Add, add_data_dir, add_runs_dir
from cifar_core.files import checkpoints_dir
from cifar_core.runs.store import RunStore


def add(add_parser: Add) -> None:
    """Add the command with its options."""
    words = "put a finished run among the project's checkpoints (for its maintainers)"
    parser = add_parser("ship", help=words)
    parser.set_defaults(command=ship)
    parser.add_argument("run", metavar="RUN", help="which finished run; `runs` lists them")
    parser.add_argument("name", metavar="NAME", help="its name there, such as mixing_lite.v2")
    parser.add_argument("--half", action="store_true", help="store the weights in 16 bits")
    words = "a sentence for the card; may be repeated"
    parser.add_argument("--note", action="append", default=[], help=words)
    add_data_dir(parser)
    add_runs_dir(parser)


def ship(options: argparse.Namespace) -> int:
    """Ship a run, and print what its copy reaches."""
    from cifar_core.inference.ship import ship
    from cifar_core.runs.trash import folder_bytes

    run = RunStore(options.runs_dir).get(options.run)
    into, name = checkpoints_dir(), options.name
    result = ship(
        run, into, name, lambda card: load_data_of(card, options.data_dir), options.half, options.note
    )
    size = folder_bytes(into / name) / 1e6
    print(f"{name}: {result.accuracy:.2%} of {result.n:,} test images, {size:.1f} MB in all.")
    return 0
