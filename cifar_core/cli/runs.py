"""`runs`: list the runs, free disk space that they no longer need, write one to a file, and bring one in."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cifar_core.cli.options import Add, add_json, add_runs_dir, show
from cifar_core.config import ConfigError
from cifar_core.errors import LabError
from cifar_core.files import replace_path
from cifar_core.format import duration, file_size, table
from cifar_core.runs.disk import Disk, describe_disk, disk_of, free_states, freed_bytes
from cifar_core.runs.history import History
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore, Status, StoreError

COLUMNS = ("run", "state", "network", "states", "events", "all")
NOTHING = "There are no runs yet; start one with: python -m cifar_core train --recipe smoke"


def add(add_parser: Add) -> None:
    """Add the command with its options."""
    parser = add_parser("runs", help="list the runs, free what they no longer need, export and import one")
    parser.set_defaults(command=runs)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--disk", action="store_true", help="show how much of the disk the runs take")
    words = "free the states of finished runs, or of these runs; networks, curves and reports stay"
    what.add_argument("--free", metavar="RUN", nargs="*", help=words)
    what.add_argument("--export", metavar="RUN", help="write a whole run, without its states, as a zip")
    what.add_argument("--import", metavar="FILE", type=Path, dest="incoming", help="bring such a zip in")
    words = "with --free: stopped, pruned and failed runs too, which can then no longer be resumed"
    parser.add_argument("--unfinished", action="store_true", help=words)
    words = "with --export: where to write it (default: RUN.zip here)"
    parser.add_argument("--output", metavar="FILE", type=Path, help=words)
    add_json(parser)
    add_runs_dir(parser)


def runs(options: argparse.Namespace) -> int:
    """Do what was asked; without more, print the runs, the newest first, then the shipped ones."""
    for option, verb in (("unfinished", "free"), ("output", "export")):
        if getattr(options, option) and getattr(options, verb) is None:
            raise ConfigError(f"--{option} belongs to --{verb}.")
    store = RunStore(options.runs_dir)
    if options.disk:
        disk = disk_of(store)
        show(options, asdict(disk), lambda _: _disk_lines(disk))
    elif options.free is not None:
        return _free(options, store)
    elif options.export is not None or options.incoming:
        path = _import(options, store) if options.incoming else _export(options, store)
        show(options, {"path": str(path)}, lambda found: found["path"])
    else:
        rows = [_row(run) for run in store.list()]
        show(options, rows, lambda rows: "\n".join(_line(row) for row in rows) or NOTHING)
    return 0


def _disk_lines(disk: Disk) -> str:
    rows = [
        (run.id, run.state, *map(file_size, (run.best, run.states, run.events, run.total)))
        for run in disk.runs
    ]
    finished, more = (freed_bytes(disk.to_free(unfinished)) for unfinished in (False, True))
    free = f" --free frees {file_size(finished)}; with --unfinished, {file_size(more)}." if more else ""
    return f"{table([COLUMNS, *rows])}\n{describe_disk(disk)}{free}"


def _free(options: argparse.Namespace, store: RunStore) -> int:
    """Free the named runs, or all that may be; goes on after one that cannot, and says why."""
    ids = dict.fromkeys(options.free or [run.id for run in disk_of(store).to_free(options.unfinished)])
    freed = {}
    for run_id in ids:
        try:
            freed[run_id] = free_states(store, store.get(run_id), options.unfinished)
        except LabError as error:
            print(f"error: {error}", file=sys.stderr)
    show(options, freed, lambda freed: f"Freed {file_size(sum(freed.values()))}.")
    return int(len(freed) < len(ids))


def _export(options: argparse.Namespace, store: RunStore) -> Path:
    from cifar_core.runs.archive import write_archive

    run = store.get(options.export)
    path: Path = options.output or Path()
    if path.is_dir():
        path /= f"{run.id}.zip"
    new = path.with_name(f".{path.name}.new")
    try:
        with open(new, "wb") as file:
            write_archive(run, file)
        replace_path(new, path)
    finally:
        new.unlink(missing_ok=True)
    return path


def _import(options: argparse.Namespace, store: RunStore) -> Path:
    from cifar_core.checkpoint import check_checkpoint
    from cifar_core.runs.archive import bring_in

    with open(options.incoming, "rb") as file:
        return bring_in(store, file, check_checkpoint).path


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
