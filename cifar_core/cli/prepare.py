"""`prepare`: make all that belongs to a checkpoint which the pages show first."""

import argparse

from cifar_core.cli.evaluate import load_data_of
from cifar_core.cli.options import Add, add_data_dir
from cifar_core.files import require_writable


def add(add_parser: Add) -> None:
    """Add the command with its options."""
    words = "measure what the pages show of a checkpoint: robustness, portraits of kernels, class averages"
    parser = add_parser("prepare", help=words, description=f"{words.capitalize()}. Kept beside its weights.")
    parser.set_defaults(command=prepare)
    parser.add_argument("checkpoint", metavar="NAME", help="a folder, or a name in checkpoints/")
    add_data_dir(parser)


def prepare(options: argparse.Namespace) -> int:
    """Measure what is not there yet, and say what is."""
    from cifar_core.checkpoint import load_card, resolve_checkpoint
    from cifar_core.explain.prepare import prepare
    from cifar_core.inference.held_out import config_of, splits_of
    from cifar_core.runs.own_traces import own_folder

    folder = resolve_checkpoint(options.checkpoint)
    require_writable(folder)
    card = load_card(folder)
    split = splits_of(config_of(card))[0]
    data = load_data_of(card, options.data_dir or own_folder(folder), split)
    for words in prepare(folder, data):
        print(words, flush=True)
    return 0
