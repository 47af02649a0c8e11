"""`bench`: ratios against plain baselines, and how long a recipe would take on this machine."""

import argparse
import dataclasses
import json
import math
from typing import Any

from cifar_core.cli.progress import DataProgress
from cifar_core.config import TrainConfig, parse_changes
from cifar_core.estimate.speed import FULL_SIZE, Speed, about, estimate_seconds, phases_of
from cifar_core.format import duration
from cifar_core.recipes import DEFAULT_RECIPE, get_recipe, list_recipes
from cifar_core.runs.store import RunStore

SECONDS = 30.0  # that a benchmark takes


def add_bench(parser: argparse.ArgumentParser, add_common: Any) -> None:
    """The five benchmarks with their options; `add_common` adds --json and --runs-dir."""
    add = parser.add_subparsers(required=True, metavar="WHAT").add_parser
    mixing = add("mixing", help="the mixing step beside the loop of K convolutions and a plain one")
    mixing.set_defaults(command=bench_mixing)
    mixing.add_argument("--model", metavar="NAME", default="mixing_6", help="network (default: mixing_6)")
    mixing.add_argument(
        "--batch", metavar="N", type=_batch, default=128, help="images in a step (default: 128)"
    )
    train = add("train", help="a recipe's training step beside a tutorial's; how long recipes take here")
    train.set_defaults(command=bench_train)
    words = f"whose step, and whose time (default: the step of {DEFAULT_RECIPE}, the times of all)"
    train.add_argument("--recipe", metavar="NAME", help=words)
    infer = add("infer", help="from a picture's bytes to the answer")
    infer.set_defaults(command=bench_infer)
    words = "a folder, or a name in checkpoints/ (default: the shipped mixing network)"
    infer.add_argument("--checkpoint", metavar="C", help=words)
    inputs = add("input", help="the batches of an epoch beside torchvision's DataLoader")
    inputs.set_defaults(command=bench_input)
    estimate = add("estimate", help="how long a training would take here; kept for the next time")
    estimate.set_defaults(command=bench_estimate)
    estimate.add_argument("--recipe", metavar="NAME", default=DEFAULT_RECIPE, help="which recipe")
    words = "change settings of the recipe, such as epochs=5 batch_size=64"
    estimate.add_argument(
        "--set", metavar="KEY=VALUE", dest="changes", action="extend", nargs="+", default=[], help=words
    )
    for one in (mixing, train, infer, inputs, estimate):
        default = 5.0 if one is estimate else SECONDS
        words = f"how long to measure, about (default: {default:g})"
        one.add_argument("--seconds", metavar="S", type=_seconds, default=default, help=words)
        add_common(one)


def bench_mixing(options: argparse.Namespace) -> int:
    """What mixing costs."""
    from cifar_core.bench.mixing import bench_mixing

    with DataProgress() as progress:
        store = RunStore(options.runs_dir)
        report = bench_mixing(options.model, options.batch, options.seconds, store, progress)
    return _print(options, report)


def bench_train(options: argparse.Namespace) -> int:
    """How quick a training step is, and how long recipes take."""
    recipe = get_recipe(options.recipe or DEFAULT_RECIPE)
    estimated = [recipe] if options.recipe else [get_recipe(name) for name in list_recipes()]
    from cifar_core.bench.training import bench_train

    with DataProgress() as progress:
        store = RunStore(options.runs_dir)
        report = bench_train(recipe, estimated, options.seconds, store, progress)
    return _print(options, report)


def bench_infer(options: argparse.Namespace) -> int:
    """How quick an answer is."""
    from cifar_core.bench.inference import bench_infer

    with DataProgress() as progress:
        store = RunStore(options.runs_dir)
        report = bench_infer(options.checkpoint, options.seconds, store, progress)
    return _print(options, report)


def bench_input(options: argparse.Namespace) -> int:
    """How quickly batches come."""
    from cifar_core.bench.inputs import bench_input

    with DataProgress() as progress:
        report = bench_input(options.seconds, RunStore(options.runs_dir), progress)
    return _print(options, report)


def _print(options: argparse.Namespace, report: Any) -> int:
    print(json.dumps(report.to_json(), indent=1) if options.json else report.to_text())
    return 0


def bench_estimate(options: argparse.Namespace) -> int:
    """How long a training with these settings would take."""
    config = get_recipe(options.recipe).config.replace(**parse_changes(options.changes))
    speed = _find_speed(config, RunStore(options.runs_dir), options.seconds)
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


def _find_speed(config: TrainConfig, store: RunStore, seconds: float) -> Speed:
    """The speed that is kept, or a measured one; torch is only imported to measure."""
    from cifar_core.estimate.store import load_speed, refuse_beside_training

    if (kept := load_speed(config)) is not None:
        return kept
    refuse_beside_training(store)
    from cifar_core.estimate.measure import measure_and_keep

    return measure_and_keep(config, store, seconds)


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 3600 or not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"'{text}' must be a number of seconds above 0, at most 3600")
    return number


def _batch(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if not 2 <= number <= 8192:
        raise argparse.ArgumentTypeError(f"'{text}' must be a whole number from 2 to 8192")
    return number
