"""Measures of a network on photographs: of its classes, and of other things that it should call none of them.

Each comes with its standard error and the number of photographs it rests on, for such sets are small. In
numpy; probabilities are (N, num_classes), targets class numbers (N,).
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.metrics.calibration import reliability
from cifar_core.metrics.classification import confusion_matrix, per_class_accuracy
from cifar_core.metrics.ood_comparison import OOD, Measure, Scores, compare_scores
from cifar_core.metrics.uncertainty import Accuracy

RESAMPLES = 200
MEASURES = {  # of Photographs -> a name for each, and what the share is of
    "accuracy": ("right", "also where called none of the classes"),
    "balanced_accuracy": ("balanced", "right, as the mean over classes"),
    "called_none": ("called none", "wrongly"),
    "right_and_shown": ("shown right", "right, and not called none"),
    "sure": ("sure", "answered as sure"),
    "sure_right": ("sure, right", "of these answers: right"),
    "calibration_error": ("calibration", "expected error of the probabilities"),
}
OTHERS = {  # of Others, likewise
    "called_none": ("none", "called none, rightly"),
    "sure": ("sure", "answered as a class, and sure"),
}
Floats = NDArray[np.floating]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Answers:
    """A network's answers to N photographs.

    probs: (N, num_classes). sure: whether the network is sure of each (N,). scores: of OOD, by name. none:
    whether each is called none of the classes; None where the checkpoint has no OOD score.
    """

    probs: Floats
    sure: Flags
    scores: Scores
    none: Flags | None

    @property
    def shown(self) -> Flags:
        """Whether each answer names a class (N,)."""
        return np.ones(len(self.probs), np.bool_) if self.none is None else ~self.none


@dataclass(frozen=True)
class Others:
    """Photographs of other things than the classes.

    called_none and auroc (of the OOD score, against the photographs of the classes): None where the
    checkpoint has no OOD score. sure: the share of them that the network is sure to be of a class.
    baselines: AUROC of the other scores, by name.
    """

    called_none: Measure | None
    auroc: Measure | None
    sure: Measure
    baselines: dict[str, Measure]


@dataclass(frozen=True)
class Photographs:
    """Of photographs of the classes, by what share of them each is defined, and of other things by kind.

    accuracy, balanced_accuracy (the mean over classes): right, also where called none. right_and_shown: right
    and not called none. sure: share that the network is sure of; sure_right: share of these that is right,
    None where there are none. calibration_error: the expected one over 15 bins (see calibration.Reliability),
    its standard error that of RESAMPLES drawings with replacement.
    """

    accuracy: Measure
    balanced_accuracy: Measure
    called_none: Measure | None
    right_and_shown: Measure
    sure: Measure
    sure_right: Measure | None
    calibration_error: Measure
    others: dict[str, Others]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values: each measure with `value`, `error` and `n`, or null."""
        return asdict(self)


def measure_photographs(
    known: Answers, targets: NDArray[np.int64], others: Mapping[str, Answers]
) -> Photographs:
    """Measure on at least one photograph of the classes, and any number of each kind of other things.

    Raises:
        ValueError: without a photograph, or with another number of targets.
    """
    if not 0 < len(targets) == len(known.probs):
        raise ValueError(
            f"There are {len(targets)} targets for {len(known.probs)} answers; give one for each."
        )
    predictions = known.probs.argmax(axis=1)
    right = predictions == targets
    confusion = confusion_matrix(targets, predictions, known.probs.shape[1])
    return Photographs(
        accuracy=_share(right),
        balanced_accuracy=_balanced(confusion),
        called_none=None if known.none is None else _share(known.none),
        right_and_shown=_share(right & known.shown),
        sure=_share(known.sure),
        sure_right=_share(right[known.sure]) if known.sure.any() else None,
        calibration_error=_calibration_error(known.probs, targets),
        others={kind: _others(known, answers) for kind, answers in others.items() if len(answers.probs)},
    )


def complaint_about(document: Mapping[str, Any]) -> str | None:
    """The fault in what `Photographs.to_json` gave, in words that end a sentence, or None; {} is none."""
    measures = [(key, one) for key, one in document.items() if key != "others"]
    others = document.get("others", {})
    if not isinstance(others, dict) or not all(isinstance(one, dict) for one in others.values()):
        return "photographs of other things that are no table"
    for kind, table in others.items():
        measures += [(f"{kind} {key}", one) for key, one in table.items() if key != "baselines"]
    for name, one in measures:
        if one is not None and not _is_measure(one):
            return f"the measure '{name:.60}' of photographs, which is none"
    return None


def _is_measure(one: Any) -> bool:
    numbers = [one.get(key) for key in ("value", "error", "n")] if isinstance(one, dict) else [None]
    return all(isinstance(number, int | float) and math.isfinite(number) for number in numbers)


def _others(known: Answers, answers: Answers) -> Others:
    aurocs = compare_scores(known.scores, answers.scores)
    called_none = None if answers.none is None else _share(answers.none)
    return Others(called_none, aurocs.pop(OOD, None), _share(answers.sure), aurocs)


def _calibration_error(probs: Floats, targets: NDArray[np.int64]) -> Measure:
    generator = np.random.default_rng(0)
    drawn = [generator.integers(len(targets), size=len(targets)) for _ in range(RESAMPLES)]
    errors = [reliability(probs[rows], targets[rows]).ece for rows in drawn]
    return Measure(reliability(probs, targets).ece, float(np.std(errors)), len(targets))


def _share(flags: Flags) -> Measure:
    share = Accuracy(float(flags.mean()), len(flags))
    return Measure(share.share, share.error, share.n)


def _balanced(confusion: NDArray[np.int64]) -> Measure:
    """The mean over the classes that have photographs; its error from those of the classes."""
    sizes = confusion.sum(axis=1)
    shares = per_class_accuracy(confusion)[sizes > 0]
    errors = [Accuracy(share, n).error for share, n in zip(shares, sizes[sizes > 0], strict=True)]
    return Measure(float(shares.mean()), math.hypot(*errors) / len(shares), int(sizes.sum()))
