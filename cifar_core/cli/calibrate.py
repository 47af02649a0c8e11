"""`calibrate`: fit a checkpoint's temperature and its "none of these" to images that it did not train on."""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cifar_core.cli.commands import show
from cifar_core.cli.evaluate import config_of, data_of
from cifar_core.config import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cifar_core.checkpoint import Card
    from cifar_core.inference.classifier import Classifier
    from cifar_core.metrics.ood import OodThreshold

REFERENCE_IMAGES = 5000  # training images that stand for what the network learned


def calibrate(options: argparse.Namespace) -> int:
    """Write temperature and threshold into the card; say what became of pictures of other things."""
    from cifar_core.checkpoint import resolve_checkpoint

    folder = resolve_checkpoint(options.checkpoint)
    card = calibrated(folder, options.data_dir, options.others)
    fitted = {key: card.to_json().get(key) for key in ("calibration", "ood")}
    show(options, {"checkpoint": str(folder), **fitted}, _lines)
    return 0


def calibrated(folder: Path, data_dir: Path | None, others: Sequence[Path] = ()) -> "Card":
    """Fit both to the run's validation images and write them beside the weights; the new card.

    others: folders with pictures of other things, which are counted and never chosen by.

    Raises:
        CheckpointError: when it cannot be loaded, or knows other classes than the data.
        ConfigError: when the run set no images aside, or a folder holds no picture. DataError: without data.
        ImageError: when a picture cannot be read.
    """
    from cifar_core.checkpoint import load_checkpoint, write_card
    from cifar_core.inference.classifier import Classifier
    from cifar_core.metrics import calibration
    from cifar_core.models.blocks import block_names

    model, card = load_checkpoint(folder)
    train, images, targets = _pictures(card, data_dir)
    classifier = Classifier(model, card, blocks=block_names(model))
    fitted = calibration.calibrate(classifier.averaged_logits(images), targets, "val")
    card = dataclasses.replace(card, calibration=fitted)
    if classifier.blocks:
        card = _with_unknown(folder, classifier, card, (train, images), others)
    write_card(folder, card)
    return card


def _with_unknown(
    folder: Path,
    classifier: "Classifier",
    card: "Card",
    pictures: "tuple[NDArray[np.uint8], NDArray[np.uint8]]",
    others: Sequence[Path],
) -> "Card":
    """The card with a threshold for "none of these"; writes what is usual to the network beside it.

    pictures: of training and of validation.
    """
    from cifar_core.checkpoint import write_reference
    from cifar_core.inference.classifier import Classifier
    from cifar_core.metrics.ood import fit_reference

    train, held_out = (classifier.measure(images) for images in pictures)
    reference = fit_reference(train, held_out)
    unknown = _judging(reference.ood_scores(held_out))
    judge = Classifier(classifier.model, dataclasses.replace(card, ood=unknown), reference=reference)
    detected = {path.name: _detected(judge, path) for path in others}
    write_reference(folder, reference)
    return dataclasses.replace(card, ood=dataclasses.replace(unknown, detected=detected))


def _pictures(
    card: "Card", data_dir: Path | None
) -> "tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.int64]]":
    """Training images that stand for all, and the validation images with their targets."""
    import numpy as np

    from cifar_core.data import split_train_val

    config = config_of(card, "val")
    data = data_of(card, data_dir)
    train, val = split_train_val(data.train.targets, config.val_size, config.split_seed)
    train = train[: config.train_size or len(train)]
    if len(val) == 0:
        raise ConfigError(
            "This run set no validation images aside; nothing can be fitted to pictures it knows."
        )
    chosen = np.random.Generator(np.random.PCG64(0)).permutation(train)[:REFERENCE_IMAGES]
    return data.train.images[np.sort(chosen)], data.train.images[val], data.train.targets[val]


def _judging(scores: "NDArray[np.float64]") -> "OodThreshold":
    """What the card says of "none of these", by the held-out images' scores (N,)."""
    from cifar_core.metrics.ood import SCORE, OodThreshold, threshold_for

    threshold = threshold_for(scores)
    return OodThreshold(SCORE, threshold, float((scores > threshold).mean()), len(scores), "val")


def _detected(classifier: "Classifier", folder: Path) -> dict[str, int]:
    """How many of the pictures in a folder are none of the classes."""
    from cifar_core.images.decode import open_image

    pictures = sorted(path for path in folder.glob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not pictures:
        raise ConfigError(f"{folder} holds no JPEG or PNG picture; give a folder with some.")
    answers = classifier.predict([open_image(path) for path in pictures])
    return {"images": len(answers), "unknown": sum(answer.known is False for answer in answers)}


def _lines(document: dict[str, Any]) -> str:
    fit, unknown = document["calibration"], document["ood"]
    before, after = (f"{fit[key]:.2%}" for key in ("ece_before", "ece_after"))
    images = f"{fit['images']:,} validation images"
    lines = [
        f"checkpoint   {document['checkpoint']}",
        f"temperature  {fit['temperature']:.3f}: calibration error {before}, then {after}, on {images}",
    ]
    if unknown is None:
        return "\n".join([*lines, "threshold    none: the network has no chain of blocks to look at"])
    share = f"{unknown['false_alarms']:.1%} of {images} lie above it"
    lines.append(f"threshold    {unknown['threshold']:.3f}: {share}")
    for name, counts in unknown["detected"].items():
        lines.append(f"{name:11}  {counts['unknown']} of {counts['images']} pictures called none of these")
    return "\n".join(lines)
