"""`evaluate`: measure a checkpoint, or its heat map, on test or validation images, or on photographs."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.cli.options import Add, add_checkpoint, add_data_dir, add_json, show
from cifar_core.cli.progress import DataProgress

if TYPE_CHECKING:
    from cifar_core.checkpoint import Card
    from cifar_core.data import ImageData


def add(add_parser: Add) -> None:
    """Add the command with its options."""
    parser = add_parser("evaluate", help="measure a checkpoint on test images or photographs")
    parser.set_defaults(command=evaluate)
    add_checkpoint(parser)
    words = "which images (default: test)"
    parser.add_argument("--split", choices=("test", "val"), default="test", help=words)
    words = "a folder of photographs instead: one folder a class, none_far and none_near for other things"
    parser.add_argument("--photographs", metavar="FOLDER", type=Path, help=words)
    words = "measure the heat map instead: how far the answer falls when its hottest quarter is blurred"
    parser.add_argument("--heat-map", action="store_true", help=words)
    words = "keep the figures in the checkpoint's card, those of the heat map beside it"
    parser.add_argument("--write-card", action="store_true", help=words)
    add_data_dir(parser)
    add_json(parser)


def evaluate(options: argparse.Namespace) -> int:
    """Measure a checkpoint, and print its figures."""
    from cifar_core.checkpoint import load_card, resolve_checkpoint
    from cifar_core.config import ConfigError
    from cifar_core.inference.evaluate import evaluate_checkpoint

    folder = resolve_checkpoint(options.checkpoint)
    if options.photographs and (options.write_card or options.split != "test"):
        raise ConfigError("--photographs goes with neither --split nor --write-card; leave these out.")
    if options.heat_map:
        return _evaluate_heat_map(options, folder)
    if options.photographs:
        return _evaluate_photographs(options, folder)
    data = load_data_of(load_card(folder), options.data_dir, options.split)
    result = evaluate_checkpoint(folder, data, options.split, options.write_card)
    show(options, {"checkpoint": str(folder), "split": options.split, **result.to_json()}, _lines)
    return 0


def _evaluate_photographs(options: argparse.Namespace, folder: Path) -> int:
    from cifar_core.inference.classifier import Classifier
    from cifar_core.inference.photographs import evaluate_photographs

    result = evaluate_photographs(Classifier.load(folder), options.photographs)
    document = {"checkpoint": str(folder), "photographs": str(options.photographs), **result.to_json()}
    show(options, document, _photograph_lines)
    return 0


def _evaluate_heat_map(options: argparse.Namespace, folder: Path) -> int:
    from cifar_core.explain.deletion import COUNT, measure_deletion, pixels_of
    from cifar_core.files import write_json
    from cifar_core.hub.overview import DELETION
    from cifar_core.inference.classifier import Classifier
    from cifar_core.inference.held_out import select_images

    classifier = Classifier.load(folder)
    if options.photographs:
        result = measure_deletion(classifier, pixels_of(classifier, options.photographs), "photographs")
    else:
        data = load_data_of(classifier.card, options.data_dir, options.split)
        chosen = select_images(classifier.card, data, options.split, COUNT)
        result = measure_deletion(classifier, chosen.images, chosen.key)
    if options.write_card:
        write_json(folder / DELETION, result.to_json())
    show(options, {"checkpoint": str(folder), **result.to_json()}, _heat_map_lines)
    return 0


def load_data_of(card: "Card", data_dir: Path | None, split: str = "test") -> "ImageData":
    """Load, with progress, the data that a network was trained on; say so where it is another copy.

    Raises:
        ConfigError: when the split is "val" and the run set no images aside. DataError: without data.
    """
    from cifar_core.data import load_data
    from cifar_core.inference.held_out import config_of

    config = config_of(card, split)
    with DataProgress() as progress:
        data = load_data(data_dir, source=config.data, progress=progress)
    if data.fingerprint != card.data_fingerprint:
        print("note: this is not the data that the network was trained on.", file=sys.stderr)
    return data


PHOTOGRAPHS = {  # key -> its line's first and last words
    "accuracy": ("right", "also where called none of the classes"),
    "balanced_accuracy": ("balanced", "right, as the mean over classes"),
    "called_none": ("called none", "wrongly"),
    "right_and_shown": ("shown right", "right, and not called none"),
    "sure": ("sure", "answered as sure"),
    "sure_right": ("sure, right", "of these answers: right"),
}


def _photograph_lines(document: dict[str, Any]) -> str:
    lines = [f"checkpoint   {document['checkpoint']}", f"photographs  {document['photographs']}"]
    lines += [_measure_line(*words, document[key]) for key, words in PHOTOGRAPHS.items()]
    for kind, others in document["others"].items():
        lines.append(_measure_line(f"{kind} none", "called none, rightly", others["called_none"]))
        lines.append(_measure_line(f"{kind} AUROC", "of the OOD score, against the classes", others["auroc"]))
        lines.append(_measure_line(f"{kind} sure", "answered as a class, and sure", others["sure"]))
    return "\n".join(lines)


def _measure_line(first: str, last: str, measure: dict[str, Any] | None) -> str:
    """One measure with its standard error."""
    if measure is None:
        return f"{first:12} not measured"
    value, error = 100 * measure["value"], 100 * measure["error"]
    return f"{first:12} {value:.1f} ± {error:.1f} % of {measure['n']:,}: {last}"


def _heat_map_lines(document: dict[str, Any]) -> str:
    before = f"{document['probability']:.1%} of {document['n']:,} answers on average, {document['images']}"
    lines = [f"checkpoint      {document['checkpoint']}", f"probability     {before}"]
    for method, fall in document["falls"].items():
        points = f"{100 * fall['value']:.1f} ± {100 * fall['error']:.1f} points"
        lines.append(f"{method:15} {points} less with a quarter of the pixels blurred")
    return "\n".join(lines)


def _lines(document: dict[str, Any]) -> str:
    lines = [
        f"checkpoint  {document['checkpoint']}",
        f"accuracy    {document['accuracy']:.2%} of {document['n']:,} {document['split']} images",
        f"loss        {document['loss']:.4f}",
    ]
    if document["called_none"] is not None:
        lines.append(f"OOD         {document['called_none']:.2%} of them: wrongly called none of the classes")
    return "\n".join(lines + [f"{name:11} {share:.1%}" for name, share in document["per_class"].items()])
