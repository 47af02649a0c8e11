"""`evaluate`: measure a checkpoint, or its heat map, on test or validation images, or on photographs."""

import argparse
import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.cli.options import Add, add_checkpoint, add_data_dir, add_json, show
from cifar_core.cli.progress import DataProgress
from cifar_core.files import require_writable
from cifar_core.format import padded, places, table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cifar_core.checkpoint import Card
    from cifar_core.data import ImageData
    from cifar_core.inference.classifier import Classifier


def add(add_parser: Add) -> None:
    """Add the command with its options."""
    parser = add_parser("evaluate", help="measure a checkpoint on test images or photographs")
    parser.set_defaults(command=evaluate)
    add_checkpoint(parser)
    words = "which images (default: test)"
    parser.add_argument("--split", choices=("test", "val"), default="test", help=words)
    words = "a folder of photographs instead: one folder a class, none_far and none_near for other things"
    parser.add_argument("--photographs", metavar="FOLDER", type=Path, help=words)
    words = "compare OOD scores on the classes of the data that the network never learned (setting classes)"
    parser.add_argument("--unknown-classes", action="store_true", help=words)
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
    from cifar_core.runs.own_traces import own_folder

    folder = resolve_checkpoint(options.checkpoint)
    if not options.photographs:
        options.data_dir = options.data_dir or own_folder(folder)
    if options.heat_map and options.unknown_classes:
        raise ConfigError("--heat-map does not go with --unknown-classes; leave one out.")
    if options.photographs and (options.unknown_classes or options.split != "test"):
        raise ConfigError("--photographs goes with neither --split nor --unknown-classes; leave these out.")
    if options.heat_map and options.photographs and options.write_card:
        raise ConfigError("--write-card keeps what a heat map does on the data set; leave --photographs out.")
    if options.write_card:
        require_writable(folder)
    if options.heat_map:
        return _evaluate_heat_map(options, folder)
    if options.photographs:
        return _evaluate_photographs(options, folder)
    if options.unknown_classes:
        return _compare_on_unknown_classes(options, folder)
    data = load_data_of(load_card(folder), options.data_dir, options.split)
    result = evaluate_checkpoint(folder, data, options.split, options.write_card)
    show(options, {"checkpoint": str(folder), "split": options.split, **result.to_json()}, _lines)
    return 0


def _evaluate_photographs(options: argparse.Namespace, folder: Path) -> int:
    from cifar_core.checkpoint import write_card
    from cifar_core.inference.classifier import Classifier
    from cifar_core.inference.photographs import evaluate_photographs

    classifier = Classifier.load(folder)
    result = evaluate_photographs(classifier, options.photographs, _learned(classifier, options.data_dir))
    if options.write_card:
        write_card(folder, dataclasses.replace(classifier.card, photographs=result.to_json()))
    document = {"checkpoint": str(folder), "photographs": str(options.photographs), **result.to_json()}
    show(options, document, _photograph_lines)
    return 0


def _learned(classifier: "Classifier", data_dir: Path | None) -> "NDArray[np.uint8] | None":
    """Training images for the kNN score; None where the data was not named and is not here."""
    from cifar_core.data import DataError, load_data
    from cifar_core.inference.held_out import config_of, training_images
    from cifar_core.metrics.ood_comparison import LEARNED

    source = config_of(classifier.card).data_set
    try:
        return training_images(classifier.card, load_data(data_dir, source=source, download=False), LEARNED)
    except DataError:
        if data_dir is not None:
            raise
        print("note: without the training images there is no kNN score (--data-dir).", file=sys.stderr)
        return None


def _compare_on_unknown_classes(options: argparse.Namespace, folder: Path) -> int:
    from cifar_core.config import ConfigError
    from cifar_core.inference.classifier import Classifier
    from cifar_core.inference.ood_comparison import compare_on_unknown_classes

    if options.write_card:
        raise ConfigError("--unknown-classes does not go with --write-card; leave that out.")
    classifier = Classifier.load(folder)
    data = load_data_of(classifier.card, options.data_dir, options.split, whole=True)
    result = compare_on_unknown_classes(classifier, data, options.split)
    show(options, {"checkpoint": str(folder), **result.to_json()}, _unknown_lines)
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


def load_data_of(
    card: "Card", data_dir: Path | None, split: str = "test", whole: bool = False
) -> "ImageData":
    """Load, with progress, the data that a network was trained on; say so where it is another copy.

    whole: with the classes that the network was not to learn.

    Raises:
        ConfigError: when the split is "val" and the run set no images aside. DataError: without data.
    """
    from cifar_core.data import load_data
    from cifar_core.inference.held_out import config_of

    config = config_of(card, split)
    source = config.data_set.whole if whole else config.data_set
    with DataProgress() as progress:
        data = load_data(data_dir, source=source, progress=progress)
    if data.fingerprint != card.data_fingerprint and not whole:
        print("note: this is not the data that the network was trained on.", file=sys.stderr)
    return data


def _photograph_lines(document: dict[str, Any]) -> str:
    from cifar_core.metrics.photographs import MEASURES, OTHERS

    lines = [f"checkpoint   {document['checkpoint']}", f"photographs  {document['photographs']}"]
    lines += [_measure_line(*words, document[key]) for key, words in MEASURES.items()]
    kinds = document["others"].items()
    for kind, others in kinds:
        for key, (name, words) in OTHERS.items():
            lines.append(_measure_line(f"{kind} {name}", words, others[key]))
    return "\n".join(
        [*lines, *_table({kind: {"ood": one["auroc"], **one["baselines"]} for kind, one in kinds})]
    )


def _unknown_lines(document: dict[str, Any]) -> str:
    lines = [f"checkpoint  {document['checkpoint']}"]
    lines += [f"{words:11} {', '.join(document[words])}" for words in ("known", "unknown")]
    return "\n".join([*lines, f"images      {document['split']}", *_table(document["auroc"])])


def _table(aurocs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The AUROC of each score (rows) against each kind of other things (columns)."""
    from cifar_core.metrics.ood_comparison import SCORES

    first = next(iter(aurocs.values()), None)
    if first is None:
        return []
    rows = [
        [words, *(_cell(aurocs[kind].get(name)) for kind in aurocs)]
        for name, words in SCORES.items()
        if first.get(name)
    ]
    return ["", table([["AUROC, %, against", *aurocs], *rows])]


def _cell(measure: Mapping[str, Any] | None) -> str:
    return (
        f"{100 * measure['value']:.1f} ± {100 * measure['error']:.1f} of {measure['n']:,}" if measure else ""
    )


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
    lines.append(f"calibration {document['calibration_error']:.2%}: expected error of the probabilities")
    if document["sure_right"] is not None:
        lines.append(
            f"sure        {document['sure']:.2%} of them, and right {document['sure_right']:.2%} of these"
        )
    if document["called_none"] is not None:
        lines.append(f"OOD         {document['called_none']:.2%} of them: wrongly called none of the classes")
    shares = document["per_class"]
    wide = max(11, *map(places, shares))
    return "\n".join(lines + [f"{padded(name, wide)} {share:.1%}" for name, share in shares.items()])
