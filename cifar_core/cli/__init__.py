"""The command line: python -m cifar_core train | evaluate | predict | models | recipes | runs | data."""

from cifar_core.cli.main import main

__all__ = ["main"]
