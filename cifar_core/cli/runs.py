"""`runs`: list the runs."""

import argparse
from typing import Any

from cifar_core.cli.options import Add, add_json, add_runs_dir, show
from cifar_core.format import duration
from cifar_core.runs.history import History
from cifar_core.runs.store import Run, RunStore, Status, StoreError

NOTHING = "There are no runs yet; start one with: python -m cifar_core train --recipe smoke"


def add(add_parser: Add) -> None:
    """Add the command with its options."""
    parser = add_parser("runs", help="list the runs")
    parser.set_defaults(command=runs)
    add_json(parser)
    add_runs_dir(parser)


def runs(options: argparse.Namespace) -> int:
    """Print the runs, the newest first, then those that came with the project."""
    rows = [_row(run) for run in RunStore(options.runs_dir).list()]
    show(options, rows, lambda rows: "\n".join(_line(row) for row in rows) or NOTHING)
    return 0


def _row(run: Run) -> dict[str, Any]:
    """Return a run's state and best epoch as JSON values; a damaged run has its trouble as message."""
    status, recipe, history = run.status(), None, History()
    try:
        recipe = run.config().recipe
        history = History.of(run, short=True)
    except StoreError as error:
        status = Status("damaged", message=str(error))
    best = history.best
    return {
        "id": run.id,
        "state": status.state,
        "message": status.message,
        "recipe": recipe,
        "created": run.created,
        "epochs": len(history.epochs),
        "seconds": round(history.seconds, 1),
        "best_epoch": best.epoch if best else None,
        "best_val_accuracy": best.val_accuracy if best else None,
        "path": str(run.path),
    }


def _line(row: dict[str, Any]) -> str:
    best = f"{row['best_val_accuracy']:.2%}" if row["best_epoch"] else "–"
    took = duration(row["seconds"])
    return f"{row['id']:40}{row['state']:10}{row['epochs']:4} epochs {best:>8} val {took:>14}"
