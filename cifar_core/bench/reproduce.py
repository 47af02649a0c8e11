"""Recipes run one after another and measured once on the test images, to be set beside what works state.

What is done is not done again: a finished run of the same settings counts, a run that was cut short goes on.
"""

from collections.abc import Callable
from pathlib import Path

from cifar_core.checkpoint import Card, load_card
from cifar_core.config import TrainConfig
from cifar_core.data import ImageData
from cifar_core.inference.evaluate import evaluate_checkpoint, result_of
from cifar_core.runs.history import History
from cifar_core.runs.results import Result, keep_result, read_results
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore, StoreError

ORDER = ("finished", "stopped", "pruned", "failed", "running", "paused", "waiting")  # from the furthest on


def reproduce(
    run: Run, results: Path, train: Callable[[Run], None], load_data: Callable[[Card], ImageData]
) -> Result:
    """Have a run finished and measured, and its result in the file `results`; returns the result.

    train: trains a run to its end. load_data: gives the data that a card names; called when it is measured.

    Raises:
        LabError: when the training or the measuring fails, or the run was stopped or changed by hand.
    """
    if run.status().state != "finished":
        train(run)
    if run.status().state != "finished":
        raise StoreError(f"Run '{run.id}' was stopped; the same command goes on with it.")
    if _changed_by_hand(run):
        raise StoreError(f"Somebody changed the learning rate of '{run.id}'; the next call starts anew.")
    kept = next((old for old in read_results(results) if old.run_id == run.id), None)
    if kept is None:
        evaluate_checkpoint(run.best_checkpoint, load_data(load_card(run.best_checkpoint)), note=True)
        kept = result_of(run)
        keep_result(results, kept)
    return kept


def find_run(store: RunStore, config: TrainConfig) -> Run | None:
    """Return the user's run of exactly these settings that is furthest, or None.

    Raises:
        StoreError: when such a run is under way in another process.
    """
    found: list[tuple[int, Run]] = []
    for run in store.list():
        state = run.status().state
        known = state in ORDER and (state == "finished" or not run.freed)
        if (
            not (run.shipped or run.imported)
            and known
            and run.config() == config
            and not _changed_by_hand(run)
        ):
            found.append((ORDER.index(state), run))
    if not found:
        return None
    run = min(found, key=lambda pair: pair[0])[1]
    if run.status().active:
        raise StoreError(f"Run '{run.id}' trains these settings now; wait for it, or stop it.")
    return run


def _changed_by_hand(run: Run) -> bool:
    """Return whether somebody changed the learning rate: the result is then not that of the settings."""
    return bool(History.of(run, short=True).lr_changes)
