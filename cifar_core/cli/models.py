"""`models`: list the networks."""

import argparse
from typing import Any

from cifar_core.cli.options import Add, add_json, show


def add(add_parser: Add) -> None:
    """Add the command with its options."""
    parser = add_parser("models", help="list the networks")
    parser.set_defaults(command=models)
    add_json(parser)


def models(options: argparse.Namespace) -> int:
    """Print the networks with their sizes, and which of them are trained."""
    from cifar_core.inference.responses import models_response

    show(options, models_response(), lambda rows: "\n".join(_line(row) for row in rows))
    return 0


def _line(row: dict[str, Any]) -> str:
    cost = f"{row['parameters'] / 1e6:6.2f} M parameters {row['macs'] / 1e6:7.1f} MMAC"
    trained = ", ".join(checkpoint["name"] for checkpoint in row["checkpoints"])
    return f"{row['name']:14}{cost}  {row['summary']}" + (f" Trained: {trained}." if trained else "")
