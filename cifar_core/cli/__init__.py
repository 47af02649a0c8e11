"""The command line: train, evaluate, predict, models, recipes, runs, data, bench."""

from cifar_core.cli.main import main

__all__ = ["main"]
