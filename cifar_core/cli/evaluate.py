"""`evaluate`: measure a checkpoint on the test or the validation images."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.cli.options import Add, add_checkpoint, add_data_dir, add_json, show
from cifar_core.cli.progress import DataProgress

if TYPE_CHECKING:
    from cifar_core.checkpoint import Card
    from cifar_core.data import ImageData


def add(add_parser: Add) -> None:
    """Add the command with its options."""
    parser = add_parser("evaluate", help="measure a checkpoint on the test or validation images")
    parser.set_defaults(command=evaluate)
    add_checkpoint(parser)
    words = "which images (default: test)"
    parser.add_argument("--split", choices=("test", "val"), default="test", help=words)
    parser.add_argument("--write-card", action="store_true", help="keep the figures in the checkpoint's card")
    add_data_dir(parser)
    add_json(parser)


def evaluate(options: argparse.Namespace) -> int:
    """Measure a checkpoint, and print its figures."""
    from cifar_core.checkpoint import load_card, resolve_checkpoint
    from cifar_core.inference.evaluate import evaluate_checkpoint

    folder = resolve_checkpoint(options.checkpoint)
    data = load_data_of(load_card(folder), options.data_dir, options.split)
    result = evaluate_checkpoint(folder, data, options.split, options.write_card)
    show(options, {"checkpoint": str(folder), "split": options.split, **result.to_json()}, _lines)
    return 0


def load_data_of(card: "Card", data_dir: Path | None, split: str = "test") -> "ImageData":
    """Load, with progress, the data that a network was trained on; say so where it is another copy.

    Raises:
        ConfigError: when the split is "val" and the run set no images aside. DataError: without data.
    """
    from cifar_core.data import load_data
    from cifar_core.inference.held_out import config_of

    config = config_of(card, split)
    with DataProgress() as progress:
        data = load_data(data_dir, source=config.data, progress=progress)
    if data.fingerprint != card.data_fingerprint:
        print("note: this is not the data that the network was trained on.", file=sys.stderr)
    return data


def _lines(document: dict[str, Any]) -> str:
    lines = [
        f"checkpoint  {document['checkpoint']}",
        f"accuracy    {document['accuracy']:.2%} of {document['n']:,} {document['split']} images",
        f"loss        {document['loss']:.4f}",
    ]
    if document["called_none"] is not None:
        lines.append(f"OOD         {document['called_none']:.2%} of them: wrongly called none of the classes")
    return "\n".join(lines + [f"{name:11} {share:.1%}" for name, share in document["per_class"].items()])
