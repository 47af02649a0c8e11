"""Options that several commands share, and the one way to print a document."""

import argparse
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

Add = Callable[..., argparse.ArgumentParser]  # what `add_subparsers().add_parser` is


def add_json(parser: argparse.ArgumentParser) -> None:
    """--json"""
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")


def add_checkpoint(parser: argparse.ArgumentParser) -> None:
    """--checkpoint"""
    words = "a folder, or a name in checkpoints/ (default: the shipped mixing network)"
    parser.add_argument("--checkpoint", metavar="C", help=words)


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """--data-dir"""
    words = "folder of the data (default: CIFAR_DATA, then a download)"
    parser.add_argument("--data-dir", metavar="P", type=Path, help=words)


def add_runs_dir(parser: argparse.ArgumentParser) -> None:
    """--runs-dir"""
    words = "folder of the runs (default: CIFAR_LAB_RUNS, then runs/ in the project)"
    parser.add_argument("--runs-dir", metavar="P", type=Path, help=words)


def add_changes(parser: argparse.ArgumentParser, example: str) -> None:
    """--set"""
    words = f"change settings of the recipe, such as {example}"
    parser.add_argument(
        "--set", metavar="KEY=VALUE", dest="changes", action="extend", nargs="+", default=[], help=words
    )


def whole_number(lowest: int, highest: float = math.inf) -> Callable[[str], int]:
    """Return the type of an option that takes a whole number within limits."""
    allowed = f"from {lowest} to {highest}" if math.isfinite(highest) else f"of at least {lowest}"

    def number_in(text: str) -> int:
        number = int(text) if text.isascii() and text.isdecimal() else lowest - 1
        if not lowest <= number <= highest:
            raise argparse.ArgumentTypeError(f"'{text}' must be a whole number {allowed}")
        return number

    return number_in


def number(text: str) -> float:
    """The type of an option that takes a number; float() alone takes the digits of other scripts too."""
    try:
        return float(text if text.isascii() else "")
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from None


def show(options: argparse.Namespace, document: Any, lines: Callable[[Any], str]) -> None:
    """Print a document: as JSON where that was asked for, otherwise as the text that `lines` makes of it."""
    print(json.dumps(document, indent=1) if options.json else lines(document))
