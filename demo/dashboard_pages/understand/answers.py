"""A network's answers to many pictures: computed in parts with progress, and kept."""

import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cifar_core.format import describe_remaining, remaining_seconds
from cifar_core.inference.held_out import HeldOut
from cifar_core.metrics.calibration import picture_losses, probabilities
from cifar_core.metrics.classification import confusion_matrix

if TYPE_CHECKING:
    from cifar_core.inference.classifier import Classifier

PART = 50  # pictures at a time: the bar moves every second or so on a slow machine
KEPT = 16  # sets of answers, of at most 400 kB each
Parts = dict[int, NDArray[np.float32]]  # where a part begins -> its logits


@dataclass(frozen=True)
class Answers:
    """Logits (N, num_classes) beside targets (N,), and what follows from them.

    logits: with all views that the card asks for, as in every other place where the network answers.
    temperature: what the network's card divides its logits by, here as on every other page.
    """

    logits: NDArray[np.float32]
    targets: NDArray[np.int64]
    temperature: float = 1.0

    @cached_property
    def probs(self) -> NDArray[np.float64]:
        """(N, num_classes)."""
        return probabilities(self.logits, self.temperature)

    @cached_property
    def predictions(self) -> NDArray[np.int64]:
        """The likeliest class of each picture (N,)."""
        return self.logits.argmax(axis=1)

    @cached_property
    def losses(self) -> NDArray[np.float64]:
        """Cross-entropy of each picture (N,), in nats."""
        return picture_losses(self.logits, self.targets, self.temperature)

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """Counts [true class, predicted class]."""
        return confusion_matrix(self.targets, self.predictions, self.logits.shape[1])

    @property
    def accuracy(self) -> float:
        """Share of right answers, 0..1."""
        return float((self.predictions == self.targets).mean())


@st.cache_resource(show_spinner=False)
def kept_answers() -> "OrderedDict[tuple, Parts]":
    """The newest answers, kept for everyone: (weights, pictures) -> their parts."""
    return OrderedDict()


def parts_for(key: tuple) -> Parts:
    """The parts that are kept under a key; the oldest answers make room for new ones."""
    kept = kept_answers()
    parts = kept.setdefault(key, {})
    kept.move_to_end(key)
    while len(kept) > KEPT:
        kept.popitem(last=False)
    return parts


def compute(classifier: "Classifier", pictures: HeldOut, parts: Parts) -> Iterator[int]:
    """Fill in the parts that are missing; yields how many pictures are done after each."""
    for start in range(0, len(pictures), PART):
        if start not in parts:
            parts[start] = classifier.averaged_logits(pictures.images[start : start + PART])
            yield min(start + PART, len(pictures))


def answers_of(classifier: "Classifier", weights: tuple, pictures: HeldOut) -> Answers:
    """The network's answers, with a bar while they are computed; what is known is not asked again."""
    parts = parts_for((*weights, pictures.key))
    began, known = time.monotonic(), sum(map(len, parts.values()))
    place = st.empty()
    for done in compute(classifier, pictures, parts):
        left = describe_remaining(remaining_seconds(done, len(pictures), time.monotonic() - began, known))
        words = f"The network looks at picture {done:,} of {len(pictures):,}{left}"
        place.progress(done / len(pictures), text=words)
    place.empty()
    logits = np.concatenate([parts[start] for start in sorted(parts)])
    calibration = classifier.card.calibration
    return Answers(logits, pictures.targets, calibration.temperature if calibration else 1.0)
