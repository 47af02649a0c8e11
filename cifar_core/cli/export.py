"""`export`: write a checkpoint as a file for other programs."""

import argparse
from pathlib import Path

from cifar_core.cli.options import Add, add_checkpoint


def add(add_parser: Add) -> None:
    """Add the command with its options."""
    parser = add_parser("export", help="write a checkpoint as a file for other programs")
    parser.set_defaults(command=export)
    add_checkpoint(parser)
    parser.add_argument("--format", choices=("onnx",), default="onnx", help="kind of file (default: onnx)")
    parser.add_argument("--output", metavar="FILE", type=Path, required=True, help="where to write it")


def export(options: argparse.Namespace) -> int:
    """Write the file, and print its size."""
    from cifar_core.checkpoint import resolve_checkpoint
    from cifar_core.inference.export import export_onnx

    path = export_onnx(resolve_checkpoint(options.checkpoint), options.output)
    size = f"{path.stat().st_size / 1e6:.1f} MB"
    print(f"{path}: {size}, checked against torch with one image and with several.")
    return 0
