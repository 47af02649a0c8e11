"""`data check`: say what data there is."""

import argparse

from cifar_core.cli.options import Add, add_data_dir, add_json, show
from cifar_core.cli.progress import DataProgress
from cifar_core.datasets import DATA_SETS, OWN


def add(add_parser: Add) -> None:
    """Add the command with its options."""
    data = add_parser("data", help="look at the data set").add_subparsers(required=True, metavar="check")
    check = data.add_parser("check", help="say what data there is: counts, mean, std, fingerprint")
    check.set_defaults(command=data_check)
    words = "which data set; own: the classes of your own folder (default: auto, CIFAR-10)"
    check.add_argument("--source", choices=("auto", *DATA_SETS, OWN.name), default="auto", help=words)
    add_data_dir(check)
    add_json(check)


def data_check(options: argparse.Namespace) -> int:
    """Load the data, and print what it is."""
    from cifar_core.data import check_data, format_check

    with DataProgress() as progress:
        report = check_data(options.data_dir, source=options.source, progress=progress)
    show(options, report, format_check)
    return 0
