"""What each command does. torch is imported only by commands that need it, so that the others are quick."""

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.cli.progress import DataProgress, TrainProgress
from cifar_core.config import ConfigError, parse_changes
from cifar_core.format import duration
from cifar_core.recipes import get_recipe, list_recipes
from cifar_core.runs.events import Beat, Epoch, Event
from cifar_core.runs.queue import Withdrawn, turn
from cifar_core.runs.store import Run, RunStore, Status, StoreError
from cifar_core.training.trackers import Mirror, check_trackers, trackers_of

if TYPE_CHECKING:
    from cifar_core.training.session import Listener


def train(options: argparse.Namespace) -> int:
    """Train a recipe, or go on with a run."""
    store = RunStore(options.runs_dir)
    check_trackers(options.log)
    if options.resume:
        if options.changes:
            raise ConfigError("--set cannot change a run that has begun; start a new one with --recipe.")
        run = store.get(options.resume)
        if run.shipped:
            raise ConfigError(f"'{run.id}' came with the project and is finished; train its recipe instead.")
    else:
        config = get_recipe(options.recipe).config.replace(**parse_changes(options.changes))
        run = store.create(config, options.data_dir)
    # a run that goes on keeps its trackers
    with TrainProgress(run) as progress, Mirror(run, [*options.log, *trackers_of(run)]) as mirror:

        def listen(event: Event | Beat, status: Status) -> None:
            progress(event, status)
            mirror(event, status)

        try:
            train_in_turn(run, options.data_dir, options.now, listen)
        except Withdrawn:
            pass
        except KeyboardInterrupt:
            progress.interrupted = True
    print(_ending(run))
    return 130 if progress.interrupted else 0


def train_in_turn(run: Run, data_dir: Path | None, now: bool, listener: "Listener | None") -> None:
    """Train when the device is free, or now; raises Withdrawn, or what `train_run` raises."""
    if not run.status().active:
        run.take_request()  # one that a process before left unanswered
    with turn(run, now, lambda words: print(f"{words} --now would not wait.", file=sys.stderr, flush=True)):
        from cifar_core.training.runner import train_run  # torch: not while the run waits

        train_run(run, data_dir, listener)


def _ending(run: Run) -> str:
    row = describe_run(run)
    best = "no epoch was completed"
    if row["best_epoch"]:
        accuracy = f"best validation accuracy {row['best_val_accuracy']:.2%} at epoch {row['best_epoch']}"
        best = f"{accuracy}, kept in {run.best_checkpoint}"
    words = f"Run {run.id} {row['state']}: {best}."
    if row["state"] != "finished":
        command = shlex.join(["train", "--resume", run.id, "--runs-dir", str(run.path.parent)])
        words += f"\nGo on with: python -m cifar_core {command}"
    return words


def predict(options: argparse.Namespace) -> int:
    """Classify pictures; one that cannot be read gets its sentence and the others their answers."""
    from cifar_core.images.crop import Crop, cropped
    from cifar_core.images.decode import ImageError, open_decoded
    from cifar_core.inference.classifier import Classifier
    from cifar_core.inference.responses import error_response, prediction_response

    crop = Crop(options.turn, options.zoom, *options.shift)
    classifier = Classifier.load(options.checkpoint)
    answers: list[dict[str, Any]] = []
    for path in options.images:
        try:
            decoded = open_decoded(path)
        except ImageError as error:
            answers.append(error_response(str(path), str(error)))
            continue
        (prediction,) = classifier.predict([cropped(decoded.image, crop)], top=options.top)
        answers.append(prediction_response(str(path), prediction, classifier, crop, decoded.notes))
    failures = [answer for answer in answers if "error" in answer]
    show(options, answers, lambda rows: "\n".join(_prediction_line(row) for row in rows if "top" in row))
    for answer in failures:
        print(f"error: {answer['error']}", file=sys.stderr)
    return 1 if failures else 0


def export(options: argparse.Namespace) -> int:
    """Write a checkpoint as ONNX."""
    from cifar_core.checkpoint import resolve_checkpoint
    from cifar_core.inference.export import export_onnx

    path = export_onnx(resolve_checkpoint(options.checkpoint), options.output)
    print(
        f"{path}: {path.stat().st_size / 1e6:.1f} MB, checked against torch with one image and with several."
    )
    return 0


def _prediction_line(answer: dict[str, Any]) -> str:
    words = ", ".join(f"{guess['label']} {guess['probability']:.1%}" for guess in answer["top"])
    doubt = " (this looks like none of the classes)" if answer["known"] is False else ""
    return f"{answer['picture']}: {words}{doubt}"


def models(options: argparse.Namespace) -> int:
    """List the networks."""
    from cifar_core.inference.responses import models_response

    show(options, models_response(), lambda rows: "\n".join(_model_line(row) for row in rows))
    return 0


def _model_line(row: dict[str, Any]) -> str:
    cost = f"{row['parameters'] / 1e6:6.2f} M parameters {row['macs'] / 1e6:7.1f} MMAC"
    trained = ", ".join(checkpoint["name"] for checkpoint in row["checkpoints"])
    return f"{row['name']:14}{cost}  {row['summary']}" + (f" Trained: {trained}." if trained else "")


def recipes(options: argparse.Namespace) -> int:
    """List the recipes."""
    rows = []
    for name in list_recipes():
        recipe = get_recipe(name)
        stated = None
        if recipe.stated:
            stated = {
                "accuracy": recipe.stated.accuracy,
                "epochs": recipe.stated.epochs,
                "note": recipe.stated.note,
            }
        rows.append(
            {"name": name, "summary": recipe.summary, "stated": stated, "config": recipe.config.to_json()}
        )
    show(options, rows, lambda rows: "\n".join(f"{row['name']:22}{row['summary']}" for row in rows))
    return 0


def runs(options: argparse.Namespace) -> int:
    """List the runs."""
    rows = [describe_run(run) for run in RunStore(options.runs_dir).list()]
    nothing = "There are no runs yet; start one with: python -m cifar_core train --recipe smoke"
    show(options, rows, lambda rows: "\n".join(_run_line(row) for row in rows) or nothing)
    return 0


def describe_run(run: Run) -> dict[str, Any]:
    """Id, state, recipe, epochs and the best validation accuracy of a run, in JSON values."""
    status, recipe, epochs = run.status(), None, []
    try:
        recipe = run.config().recipe
        epochs = [event for event in run.events() if isinstance(event, Epoch)]
    except StoreError as error:
        status = Status("damaged", message=str(error))
    best = max(epochs, key=lambda event: event.val_accuracy, default=None)
    return {
        "id": run.id,
        "state": status.state,
        "message": status.message,
        "recipe": recipe,
        "created": run.created,
        "epochs": len(epochs),
        "seconds": round(sum(event.seconds for event in epochs), 1),
        "best_epoch": best.epoch if best else None,
        "best_val_accuracy": best.val_accuracy if best else None,
        "path": str(run.path),
    }


def _run_line(row: dict[str, Any]) -> str:
    best = f"{row['best_val_accuracy']:.2%}" if row["best_epoch"] else "–"
    took = duration(row["seconds"])
    return f"{row['id']:40}{row['state']:10}{row['epochs']:4} epochs {best:>8} val {took:>14}"


def data_check(options: argparse.Namespace) -> int:
    """Say what data there is."""
    from cifar_core.data import check_data, format_check

    with DataProgress() as progress:
        report = check_data(options.data_dir, source=options.source, progress=progress)
    show(options, report, format_check)
    return 0


def show(options: argparse.Namespace, document: Any, lines: Any) -> None:
    """Print a document: as JSON where that was asked for, otherwise as the words that `lines` makes of it."""
    print(json.dumps(document, indent=1) if options.json else lines(document))
