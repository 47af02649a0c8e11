"""`bench`: ratios against plain baselines, and how long a recipe would take on this machine."""

import argparse
import dataclasses
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from cifar_core.cli.options import Add, add_changes, add_json, add_runs_dir, number, whole_number
from cifar_core.cli.progress import DataProgress
from cifar_core.config import TrainConfig, parse_changes
from cifar_core.estimate.speed import FULL_SIZE, about, estimate_seconds, phases_of
from cifar_core.format import duration
from cifar_core.recipes import DEFAULT_RECIPE, get_recipe, list_recipes
from cifar_core.runs.store import RunStore

if TYPE_CHECKING:
    from cifar_core.bench.report import Report

SECONDS, ESTIMATE_SECONDS = 30.0, 5.0  # that is measured, about
Run = Callable[[argparse.Namespace], int]


def add(add_parser: Add) -> None:
    """Add the benchmarks with their options."""
    words = "how fast this machine is, and how long it would train"
    commands = add_parser("bench", help=words).add_subparsers(required=True, metavar="WHAT")

    def add_one(name: str, run: Run, words: str, seconds: float = SECONDS) -> argparse.ArgumentParser:
        parser = commands.add_parser(name, help=words)
        parser.set_defaults(command=run)
        words = f"how long to measure, about (default: {seconds:g})"
        parser.add_argument("--seconds", metavar="S", type=_seconds, default=seconds, help=words)
        add_runs_dir(parser)
        add_json(parser)
        return parser

    words = "the mixing step beside the loop of K convolutions and a plain one"
    mixing = add_one("mixing", bench_mixing, words)
    which = mixing.add_mutually_exclusive_group()
    which.add_argument("--model", metavar="NAME", default="mixing_6", help="network (default: mixing_6)")
    words = "a recipe instead: its network and optimizer, and its batch"
    which.add_argument("--recipe", metavar="NAME", help=words)
    words = "images in a step (default: 128, or the recipe's number)"
    mixing.add_argument("--batch", metavar="N", type=whole_number(2, 8192), help=words)
    words = f"side of the images in pixels (default: {FULL_SIZE})"
    mixing.add_argument("--size", metavar="S", type=whole_number(16, 64), default=FULL_SIZE, help=words)
    words = "a recipe's training step beside a tutorial's; how long recipes take here"
    train = add_one("train", bench_train, words)
    words = f"whose step, and whose time (default: the step of {DEFAULT_RECIPE}, the times of all)"
    train.add_argument("--recipe", metavar="NAME", help=words)
    infer = add_one("infer", bench_infer, "from a picture's bytes to the answer")
    words = "a folder, or a name in checkpoints/ (default: the shipped mixing network)"
    infer.add_argument("--checkpoint", metavar="C", help=words)
    words = "how long a training would take here; kept for the next time"
    estimate = add_one("estimate", bench_estimate, words, ESTIMATE_SECONDS)
    words = f"which recipe (default: {DEFAULT_RECIPE})"
    estimate.add_argument("--recipe", metavar="NAME", default=DEFAULT_RECIPE, help=words)
    add_changes(estimate, "epochs=5 batch_size=64")


def bench_mixing(options: argparse.Namespace) -> int:
    """Print what mixing costs."""
    if options.recipe:
        config = get_recipe(options.recipe).config
    else:
        config = TrainConfig(model=options.model, batch_size=128, lr=0.01, schedule="constant")
    config = config.replace(batch_size=options.batch or config.batch_size)
    from cifar_core.bench.mixing import bench_mixing

    with DataProgress() as progress:
        store = RunStore(options.runs_dir)
        report = bench_mixing(config, options.size, options.seconds, store, progress)
    return _print(options, report)


def bench_train(options: argparse.Namespace) -> int:
    """Print how quick a training step is, and how long recipes take."""
    recipe = get_recipe(options.recipe or DEFAULT_RECIPE)
    estimated = [recipe] if options.recipe else [get_recipe(name) for name in list_recipes()]
    from cifar_core.bench.training import bench_train

    with DataProgress() as progress:
        store = RunStore(options.runs_dir)
        report = bench_train(recipe, estimated, options.seconds, store, progress)
    return _print(options, report)


def bench_infer(options: argparse.Namespace) -> int:
    """Print how quick an answer is."""
    from cifar_core.bench.inference import bench_infer

    with DataProgress() as progress:
        store = RunStore(options.runs_dir)
        report = bench_infer(options.checkpoint, options.seconds, store, progress)
    return _print(options, report)


def _print(options: argparse.Namespace, report: "Report") -> int:
    print(json.dumps(report.to_json(), indent=1) if options.json else report.to_text())
    return 0


def bench_estimate(options: argparse.Namespace) -> int:
    """Print how long a training with these settings would take."""
    from cifar_core.estimate.store import find_speed  # numpy: not for the other commands

    config = get_recipe(options.recipe).config.replace(**parse_changes(options.changes))
    speed = find_speed(config, RunStore(options.runs_dir), options.seconds)
    seconds = estimate_seconds(config, speed)
    if options.json:
        phases = [{"share": share, "size": size} for share, size in phases_of(config)]
        document = {"seconds": seconds, "phases": phases, "config": config.to_json()}
        print(json.dumps({**document, "speed": dataclasses.asdict(speed)}, indent=1))
        return 0
    size = f"{speed.parameters / 1e6:.2f} M parameters, {speed.macs / 1e6:.1f} MMAC an image"
    print(f"{config.model}: {size}; {speed.device}, {speed.precision}")
    pace = 1 / speed.at(FULL_SIZE).seconds
    print(f"{pace:,.0f} images a second in training, {1 / speed.val_seconds:,.0f} in validation")
    busy = "; other programs were at work while it was measured" if speed.busy else ""
    print(f"{config.epochs} epochs would take about {about(seconds)} here ({duration(seconds)}){busy}.")
    return 0


def _seconds(text: str) -> float:
    seconds = number(text)
    if not 0 < seconds <= 3600:  # nor is NaN
        raise argparse.ArgumentTypeError(f"'{text}' must be a number of seconds above 0, at most 3600")
    return seconds
