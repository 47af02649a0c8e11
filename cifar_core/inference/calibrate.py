"""A checkpoint's temperature, "sure" and OOD threshold, fitted to images that its run set aside.

The temperature to the images as they are; the limits, which photographs shall keep to, to images changed as
photographs differ from them, each looked at twice as a large picture is.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cifar_core.checkpoint import Card, load_checkpoint, write_card, write_reference
from cifar_core.data import ImageData
from cifar_core.images.decode import open_image
from cifar_core.inference.changed import changed, inner
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.held_out import select_images, training_images
from cifar_core.inference.photographs import pictures_in
from cifar_core.metrics.calibration import (
    FEW,
    FEWEST,
    NONE_FITTED,
    ROUGH,
    calibrate,
    fit_sureness,
    probabilities,
)
from cifar_core.metrics.ood import SCORE, Measured, OodThreshold, fit_reference, threshold_for
from cifar_core.models.blocks import block_names

REFERENCE_IMAGES = 5000  # training images that stand for what the network learned


def calibrate_checkpoint(folder: Path, data: ImageData, others: Sequence[Path] = ()) -> Card:
    """Fit all to the run's validation images, write them beside the weights and return the new card.

    others: folders with pictures of other things, which are counted and never chosen by. A network without
    a chain of blocks gets a temperature only, and with fewer than FEWEST images nothing is fitted; a note in
    the card says so.

    Raises:
        CheckpointError: when the checkpoint cannot be loaded.
        ConfigError: when the run set no images aside, or a folder holds no picture.
        DataError: when the data has other classes than the network. ImageError: for an unreadable picture.
    """
    model, card = load_checkpoint(folder)
    val = select_images(card, data, "val")
    notes = [note for note in card.notes if note not in (NONE_FITTED, ROUGH)]
    if len(val) < FEW:
        notes.insert(0, NONE_FITTED if len(val) < FEWEST else ROUGH)
    card = dataclasses.replace(card, notes=notes, calibration=None, sure=None, ood=None, photographs=None)
    if len(val) < FEWEST:
        write_card(folder, card)
        return card
    classifier = Classifier(model, card, blocks=block_names(model))
    doubt = 1.0 if len(val) < FEW else 0.0
    fitted = calibrate(classifier.averaged_logits(val.images), val.targets, "val", doubt)
    looks = _looks(val.images)
    probs = np.mean([probabilities(classifier.averaged_logits(x), fitted.temperature) for x in looks], axis=0)
    sure = fit_sureness(probs, val.targets, "val")
    card = dataclasses.replace(card, calibration=fitted, sure=sure)  # photographs go: with other limits
    if classifier.blocks:
        card = _with_threshold(
            folder, classifier, card, (training_images(card, data, REFERENCE_IMAGES), val.images), others
        )
    write_card(folder, card)
    return card


def _looks(images: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The two looks at a large picture that shows one of these images (N, 3, 32, 32), changed."""
    whole = changed(images)
    return whole, inner(whole)


def _with_threshold(
    folder: Path,
    classifier: Classifier,
    card: Card,
    images: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    others: Sequence[Path],
) -> Card:
    """Return the card with an OOD threshold; writes what is usual to the network beside it.

    images: of training and of validation, each (N, 3, 32, 32).
    """
    train, plain = (classifier.measure(part) for part in images)
    looks = [classifier.measure(part) for part in _looks(images[1])]
    seen = Measured.joined([train, classifier.measure(changed(images[0], seed=1))])
    reference = fit_reference(seen, Measured.joined([plain, looks[0]]))
    scores = np.mean([reference.ood_scores(look) for look in looks], axis=0)  # (N,)
    threshold = threshold_for(scores)
    alarms = [float((one > threshold).mean()) for one in (reference.ood_scores(plain), scores)]
    ood = OodThreshold(SCORE, threshold, alarms[0], len(scores), "val", changed_alarms=alarms[1])
    judge = Classifier(classifier.model, dataclasses.replace(card, ood=ood), reference=reference)
    detected = {path.name: _detected(judge, path) for path in others}
    write_reference(folder, reference)
    return dataclasses.replace(card, ood=dataclasses.replace(ood, detected=detected))


def _detected(classifier: Classifier, folder: Path) -> dict[str, int]:
    """Return how many pictures a folder holds, and how many of them are none of the classes."""
    answers = [one for path in pictures_in(folder) for one in classifier.predict([open_image(path)])]
    return {"images": len(answers), "unknown": sum(answer.known is False for answer in answers)}
