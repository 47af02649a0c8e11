"""`ship`: put a finished run among the checkpoints that travel with the project, and its result with them."""

import argparse
import dataclasses
import re
import shutil
from pathlib import Path

from cifar_core.cli.calibrate import calibrated
from cifar_core.cli.evaluate import measured
from cifar_core.cli.overview import write_overview
from cifar_core.cli.reproduce import changed_by_hand, result_of
from cifar_core.config import ConfigError
from cifar_core.files import checkpoints_dir
from cifar_core.runs.results import FILE, keep_result
from cifar_core.runs.store import Run, RunStore

MAX_BYTES = 10_000_000  # of a checkpoint's folder
NAME = re.compile(r"[a-z0-9_]+\.v\d+")


def ship(options: argparse.Namespace) -> int:
    """Copy weights, card, settings and events; fit the copy, and measure it on the test images, once."""
    run = RunStore(options.runs_dir).get(options.run)
    if not NAME.fullmatch(options.name):
        raise ConfigError(f"'{options.name}' is no name for a checkpoint; write it as mixing_lite.v2.")
    folder = checkpoints_dir() / options.name
    _check(run, folder)
    new = _copy(run, folder, options.half, options.note)
    if run.config().monitored == "val":
        calibrated(new, options.data_dir)
    result = measured(new, "test", options.data_dir, note=True)
    size = sum(path.stat().st_size for path in new.iterdir())
    if size > MAX_BYTES:
        shutil.rmtree(new)
        raise ConfigError(f"The checkpoint has {size / 1e6:.1f} MB; at most 10 may be shipped: try --half.")
    new.rename(folder)
    keep_result(checkpoints_dir() / FILE, result_of(Run(folder)))
    write_overview(checkpoints_dir())
    print(f"{folder.name}: {result.accuracy:.2%} of {result.n:,} test images, {size / 1e6:.1f} MB.")
    return 0


def _check(run: Run, folder: Path) -> None:
    if folder.exists():
        raise ConfigError(f"There is a checkpoint '{folder.name}' already; give the next version's number.")
    if run.shipped or run.status().state != "finished":
        raise ConfigError(f"Run '{run.id}' is not a finished run of your own; only such can be shipped.")
    if changed_by_hand(run):
        raise ConfigError(f"Somebody changed the learning rate of '{run.id}': its recipe does not repeat it.")


def _copy(run: Run, folder: Path, half: bool, notes: list[str]) -> Path:
    """The run's best checkpoint with its settings and events, beside the place that it shall take."""
    from cifar_core.checkpoint import load_checkpoint, new_folder, write_checkpoint

    model, card = load_checkpoint(run.best_checkpoint)
    words = ["Weights are stored in 16 bits; the figures are those of the stored ones."] if half else []
    card = dataclasses.replace(card, notes=[*card.notes, *words, *notes])
    new = new_folder(folder)
    write_checkpoint(new, model, card, half)
    for name in ("config.json", "events.jsonl"):
        shutil.copyfile(run.path / name, new / name)
    return new
