"""`evaluate`: a checkpoint measured on the test or the validation images."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.cli.commands import show
from cifar_core.cli.progress import DataProgress
from cifar_core.config import ConfigError, TrainConfig

if TYPE_CHECKING:
    from cifar_core.checkpoint import Card
    from cifar_core.data import ImageData
    from cifar_core.inference.classifier import Evaluated


def evaluate(options: argparse.Namespace) -> int:
    """Measure a checkpoint, and note it in its card where that is asked for."""
    from cifar_core.checkpoint import resolve_checkpoint

    folder = resolve_checkpoint(options.checkpoint)
    result = measured(folder, options.split, options.data_dir, note=options.write_card)
    document = {"checkpoint": str(folder), "split": options.split, **result.to_json()}
    show(options, document, _lines)
    return 0


def measured(folder: Path, split: str, data_dir: Path | None, note: bool) -> "Evaluated":
    """The network in `folder` on all images of the split; note: keep the figures in its card.

    Raises:
        CheckpointError: when it cannot be loaded, or knows other classes than the data.
        ConfigError: when the split is "val" and the run set no images aside. DataError: without data.
    """
    from cifar_core.checkpoint import write_card
    from cifar_core.data import held_out
    from cifar_core.inference.classifier import Classifier

    classifier = Classifier.load(folder)
    config = config_of(classifier.card, split)
    data = data_of(classifier.card, data_dir)
    source, places = held_out(data, split, config.val_size, config.split_seed)
    result = classifier.evaluate(source.images[places], source.targets[places])
    if note:
        write_card(folder, classifier.card.with_metrics(split, result.accuracy, result.loss, result.n))
    return result


def data_of(card: "Card", data_dir: Path | None) -> "ImageData":
    """The data that a network was trained on; says so on stderr where it is another copy.

    Raises:
        CheckpointError: when the network knows other classes than the data. DataError: without data.
    """
    from cifar_core.checkpoint import CheckpointError
    from cifar_core.data import load_named

    with DataProgress() as progress:
        data = load_named(config_of(card).data, data_dir, progress)
    if list(data.class_names) != card.class_names:
        names = ", ".join(card.class_names)
        raise CheckpointError(f"The network knows other classes than the data: {names}.")
    if data.fingerprint != card.data_fingerprint:
        print("note: this is not the data that the network was trained on.", file=sys.stderr)
    return data


def config_of(card: "Card", split: str = "test") -> TrainConfig:
    """The settings of the run that a network comes from.

    Raises:
        ConfigError: when the split is "val" and the run set no images aside, or a setting is unknown.
    """
    config = TrainConfig.from_json(card.config)
    if split == "val" and config.monitored == "test":
        raise ConfigError("This run set no validation images aside: measure it with --split test.")
    return config


def _lines(document: dict[str, Any]) -> str:
    lines = [
        f"checkpoint  {document['checkpoint']}",
        f"accuracy    {document['accuracy']:.2%} of {document['n']:,} {document['split']} images",
        f"loss        {document['loss']:.4f}",
    ]
    if document["called_none"] is not None:
        lines.append(f"strange     {document['called_none']:.2%} of them: wrongly called none of the classes")
    return "\n".join(lines + [f"{name:11} {share:.1%}" for name, share in document["per_class"].items()])
