"""`reproduce`: run recipes one after another, measure each once on the test images, show the results.

What is done is not done again: a finished run of the same settings counts, a run that was cut short goes on.
"""

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from cifar_core.cli.commands import train_in_turn
from cifar_core.cli.evaluate import measured
from cifar_core.cli.overview import write_overview
from cifar_core.cli.progress import TrainProgress
from cifar_core.config import TrainConfig
from cifar_core.errors import LabError
from cifar_core.files import checkpoints_dir
from cifar_core.recipes import FAST, get_recipe, list_recipes, list_works
from cifar_core.runs.events import Epoch, RunStart
from cifar_core.runs.history import History
from cifar_core.runs.results import (
    FILE,
    Result,
    epoch_lines,
    extremes,
    extremes_table,
    in_order,
    keep_result,
    read_results,
    results_table,
)
from cifar_core.runs.store import Run, RunStore, StoreError


def reproduce(options: argparse.Namespace) -> int:
    """Run the recipes that are named, or all that have a stated result."""
    recipes = chosen_recipes(options.names, options.fast)
    store = RunStore(options.runs_dir)
    path = options.results or store.root / FILE
    failures = []
    if not options.table:
        failures = [name for name in recipes if not _done(name, options, store, path)]
    results = in_order((one for one in read_results(path) if one.recipe in recipes), list_recipes())
    if options.json:
        print(json.dumps([dataclasses.asdict(one) for one in results], indent=1))
    else:
        print(results_table(results) if results else "There are no results of these recipes yet.")
    return 1 if failures else 0


def chosen_recipes(names: list[str], fast: bool) -> list[str]:
    """The recipes that the words of the command line mean; raises ConfigError for one that is none."""
    if not names:
        return list_works(fast)
    wanted = [name + FAST if fast and not name.endswith(FAST) else name for name in names]
    return [get_recipe(name).name for name in wanted]


def _done(name: str, options: argparse.Namespace, store: RunStore, path: Path) -> bool:
    """Train and measure one recipe; False when that failed, with a sentence."""
    config = get_recipe(name).config.replace(seed=options.seed)
    try:
        run = run_of(store, config) or store.create(config, options.data_dir)
        if run.status().state != "finished":
            _train(run, options, quiet=options.json)
        if run.status().state != "finished":
            raise StoreError(f"Run '{run.id}' was stopped; the same command goes on with it.")
        if changed_by_hand(run):
            raise StoreError(f"Somebody changed the learning rate of '{run.id}'; the next call starts anew.")
        if all(old.run_id != run.id for old in read_results(path)):
            keep_result(path, measure(run, options.data_dir))
    except LabError as error:
        print(f"error: {name}: {error}", file=sys.stderr)
        return False
    return True


def run_of(store: RunStore, config: TrainConfig) -> Run | None:
    """The user's run of exactly these settings that is furthest; None without one, or where one is at work.

    Raises:
        StoreError: when such a run is under way in another process.
    """
    order = ("finished", "stopped", "failed", "running", "paused", "waiting")
    found: list[tuple[int, Run]] = []
    for run in store.list():
        state = run.status().state
        if not run.shipped and state in order and run.config() == config and not changed_by_hand(run):
            found.append((order.index(state), run))
    if not found:
        return None
    run = min(found, key=lambda pair: pair[0])[1]
    if run.status().active:
        raise StoreError(f"Run '{run.id}' trains these settings now; wait for it, or stop it.")
    return run


def changed_by_hand(run: Run) -> bool:
    """Whether somebody changed the learning rate on the way: its result is not that of its settings."""
    return bool(History.of(run, short=True).lr_changes)


def _train(run: Run, options: argparse.Namespace, quiet: bool) -> None:
    if quiet:
        train_in_turn(run, options.data_dir, False, None)
        return
    with TrainProgress(run) as progress:
        train_in_turn(run, options.data_dir, False, progress)


def measure(run: Run, data_dir: Path | None) -> Result:
    """The result of a finished run: its kept weights on all test images, once, noted in their card."""
    measured(run.best_checkpoint, "test", data_dir, note=True)
    return result_of(run)


def result_of(run: Run) -> Result:
    """The result of a run whose card holds what was measured on the test images."""
    from cifar_core.checkpoint import load_card

    card = load_card(run.best_checkpoint)
    recipe = get_recipe(card.recipe)
    events = run.events()
    start = next(event for event in events if isinstance(event, RunStart))
    test = card.metrics["test"]
    return Result(
        recipe=recipe.name,
        run_id=run.id,
        seed=card.seed,
        epochs=sum(isinstance(event, Epoch) for event in events),
        accuracy=test["accuracy"],
        n=int(test["n"]),
        stated=recipe.stated.accuracy if recipe.stated else None,
        stated_epochs=recipe.stated.epochs if recipe.stated else None,
        seconds=card.wall_time_seconds,
        device=card.device,
        precision=card.precision,
        model=card.model,
        parameters=start.parameters,
        macs=start.macs,
        tta=card.tta,
    )


def report(options: argparse.Namespace) -> int:
    """A run's epochs in one of two forms, or the page of what is shipped."""
    if options.shipped:
        write_overview(checkpoints_dir())
        return 0
    run = RunStore(options.runs_dir).get(options.run)
    events = run.events()
    epochs = [event for event in events if isinstance(event, Epoch)]
    starts = [event for event in events if isinstance(event, RunStart)]
    monitored = starts[0].monitored if starts else "val"
    if options.form == "lines":
        for line in epoch_lines(epochs, monitored):
            print(json.dumps(line))
        return 0
    rows = extremes(epochs, monitored)
    print(json.dumps(rows, indent=1) if options.json else extremes_table(rows))
    return 0
