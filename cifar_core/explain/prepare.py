"""What belongs beside a shipped network's weights: robustness, portraits of kernels, averages of classes."""

import dataclasses
from collections.abc import Generator, Iterator
from pathlib import Path

from cifar_core.checkpoint import load_card
from cifar_core.data import ImageData
from cifar_core.device import find_device
from cifar_core.explain.portraits import find_portraits, read_portraits, write_portraits
from cifar_core.explain.robustness import FILE as ROBUSTNESS
from cifar_core.explain.robustness import Robustness, cells_left, keep, load, measure
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.held_out import config_of, select_images, splits_of
from cifar_core.runs.history import MIXING, averages_are_of, class_averages, write_class_averages
from cifar_core.training.batches import Batches
from cifar_core.training.evaluation import Evaluation, evaluate

DAMAGED = (
    200,
    1000,
)  # images under damage, as the Understand page offers them: its usual choice, its largest


def prepare(folder: Path, data: ImageData) -> Iterator[str]:
    """Measure what is not there yet for these weights and keep it beside them; yields what is done, in words.

    Images are those that the network's run set aside, or the test images where it set none aside. What was
    cut short goes on where it stopped.

    Raises:
        CheckpointError: when the checkpoint cannot be loaded, or its answers are not finite.
        ConfigError, DataError: when its images cannot be had.
    """
    classifier = Classifier.load(folder)
    split = splits_of(config_of(classifier.card))[0]
    for count in DAMAGED:
        held_out = select_images(classifier.card, data, split, count)
        path = folder / ROBUSTNESS
        start = Robustness(held_out.key, len(held_out), classifier.version)
        kept = [one for one in load(path) if (one.pictures, one.weights) == (start.pictures, start.weights)]
        for known in measure(classifier, held_out.images, held_out.targets, kept[0] if kept else start):
            keep(path, known)
            yield f"robustness on {len(held_out):,} images: {len(cells_left(known))} measurements left"
        yield f"robustness on {len(held_out):,} images: whole"
    if classifier.model.mixing_blocks():
        yield from _prepare_mixing(folder, classifier, data, split)


def _prepare_mixing(folder: Path, classifier: Classifier, data: ImageData, split: str) -> Iterator[str]:
    card = load_card(folder)
    known = class_averages(folder, card.epoch, card.class_names)
    if not known or not averages_are_of(folder, classifier.version):
        held_out = select_images(card, data, split)
        batches = Batches(held_out.images, held_out.targets, classifier.normalize, 500, classifier.device)
        device = dataclasses.replace(find_device("fp32"), torch_device=classifier.device)
        measuring = evaluate(classifier.model, batches.in_order(), device)
        write_class_averages(folder, _result(measuring).mixing, classifier.version)
        yield f"class averages of mixing: measured on {len(held_out):,} images, in {MIXING}"
    yield "class averages of mixing: there"
    if read_portraits(folder) is None:
        held_out = select_images(card, data, split)
        yield f"portraits: looking through {len(held_out):,} images"
        write_portraits(folder, find_portraits(classifier, held_out))
    yield "portraits: there"


def _result(measuring: Generator[None, None, Evaluation]) -> Evaluation:
    while True:
        try:
            next(measuring)
        except StopIteration as done:
            result: Evaluation = done.value
            return result
