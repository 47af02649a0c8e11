"""A finished run among the shipped checkpoints: copied, calibrated, measured, and in their tables."""

import dataclasses
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from cifar_core.checkpoint import Card, load_card, load_checkpoint, new_folder, write_checkpoint
from cifar_core.config import ConfigError
from cifar_core.data import ImageData
from cifar_core.files import read_text, write_bytes
from cifar_core.hub.overview import fill_in, heat_maps_table, load_cards, networks_table, notes_list
from cifar_core.inference.calibrate import calibrate_checkpoint
from cifar_core.inference.evaluate import evaluate_checkpoint, result_of
from cifar_core.metrics.classification import Evaluated
from cifar_core.recipes import list_recipes
from cifar_core.runs.history import History
from cifar_core.runs.results import FILE, in_order, keep_result, read_results, repeats_table, results_table
from cifar_core.runs.run import Run

MAX_BYTES = 10_000_000  # of a file: git refuses larger ones on the Hub without LFS
HALF = "Weights are stored in 16 bits; the figures are those of the stored ones."
_NAME = re.compile(r"[a-z0-9_]+\.v\d+")


def ship(
    run: Run,
    into: Path,
    name: str,
    load_data: Callable[[Card], ImageData],
    half: bool = False,
    notes: Sequence[str] = (),
) -> Evaluated:
    """Copy a run's best weights with its settings and events to `into`/`name`, and measure the copy.

    The copy is calibrated where the run set images aside, and measured on the test images, once; its result
    joins results.json in `into`, and the tables of README.md there are written anew.
    half: store the weights in 16 bits. load_data: gives the data that a card names, after all checks.

    Raises:
        ConfigError: for a name that is none or is taken, a run that is not finished or was changed by hand,
            or a checkpoint that is too large. CheckpointError, DataError: as `evaluate_checkpoint`.
    """
    _check(run, name)
    folder = into / name
    if folder.exists():
        raise ConfigError(f"There is a checkpoint '{name}' already; give the next version's number.")
    new = _copy(run, folder, half, notes)
    data = load_data(load_card(new))
    if run.config().monitored == "val":
        calibrate_checkpoint(new, data)
    result = evaluate_checkpoint(new, data, note=True)
    largest = max(new.iterdir(), key=lambda path: path.stat().st_size)
    if (size := largest.stat().st_size) > MAX_BYTES:
        shutil.rmtree(new)
        raise ConfigError(f"{largest.name} has {size / 1e6:.1f} MB; a file may have 10 at most: try --half.")
    new.rename(folder)
    keep_result(into / FILE, result_of(Run(folder)))
    write_overview(into)
    return result


def _check(run: Run, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigError(f"'{name}' is no name for a checkpoint; write it as mixing_lite.v2.")
    if run.shipped or run.status().state != "finished":
        raise ConfigError(f"Run '{run.id}' is not a finished run of your own; only such can be shipped.")
    if History.of(run, short=True).lr_changes:
        raise ConfigError(f"Somebody changed the learning rate of '{run.id}': its recipe does not repeat it.")


def _copy(run: Run, folder: Path, half: bool, notes: Sequence[str]) -> Path:
    """Write the run's best checkpoint, settings and events beside the place that they shall take."""
    model, card = load_checkpoint(run.best_checkpoint)
    card = dataclasses.replace(card, notes=[*card.notes, *([HALF] if half else []), *notes])
    new = new_folder(folder)
    write_checkpoint(new, model, card, half)
    for name in ("config.json", "events.jsonl"):
        shutil.copyfile(run.path / name, new / name)
    return new


def write_overview(folder: Path) -> None:
    """Write the tables and notes of a checkpoints folder's README.md anew, where there is such a page."""
    page = folder / "README.md"
    if page.exists():
        write_bytes(page, fill_in(read_text(page), overview_parts(folder)).encode())


def overview_parts(folder: Path) -> dict[str, str]:
    """Return the generated parts of a checkpoints folder's README.md by their names."""
    cards = load_cards(folder)
    starts = {name: History.of(Run(folder / name), short=True).start for name in cards}
    train_images = {name: start.train_images for name, start in starts.items() if start}
    results = in_order(read_results(folder / FILE), list_recipes())
    return {
        "networks": networks_table(cards, train_images),
        "notes": notes_list(cards),
        "heat-maps": heat_maps_table(folder, cards),
        "stated": results_table([result for result in results if result.stated is not None]),
        "own": repeats_table([result for result in results if result.stated is None]),
    }
