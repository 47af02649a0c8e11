"""Measures of a classifier from its answers, in numpy: accuracy, confusion matrix, class by class.

targets and predictions are integer arrays (N,) of class numbers.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.metrics.uncertainty import CLEAR


def accuracy(targets: NDArray[np.int64], predictions: NDArray[np.int64]) -> float:
    """Share of right answers, 0..1; raises ValueError without any."""
    _require_pairs(targets, predictions)
    if len(targets) == 0:
        raise ValueError("There are no targets; accuracy needs one image or more.")
    return float(np.mean(targets == predictions))


def confusion_matrix(
    targets: NDArray[np.int64], predictions: NDArray[np.int64], num_classes: int
) -> NDArray[np.int64]:
    """Counts (num_classes, num_classes): rows are the true classes, columns the predicted ones.

    Raises:
        ValueError: when the arrays differ in length or hold a number that is no class.
    """
    _require_pairs(targets, predictions)
    for name, numbers in (("targets", targets), ("predictions", predictions)):
        if len(numbers) and (numbers.min() < 0 or numbers.max() >= num_classes):
            span = f"{numbers.min()} to {numbers.max()}"
            raise ValueError(f"The {name} are from {span}; they must be from 0 to {num_classes - 1}.")
    cells = np.bincount(targets * num_classes + predictions, minlength=num_classes**2)
    return cells.reshape(num_classes, num_classes)


def per_class_accuracy(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """Share of each class that was recognized (num_classes,); NaN for a class without images."""
    totals = confusion.sum(axis=1)
    with np.errstate(invalid="ignore"):
        return np.where(totals > 0, np.diag(confusion) / np.maximum(totals, 1), np.nan)


def classes_differ(confusion: NDArray[np.int64]) -> bool:
    """Return whether some classes are recognized more often than chance explains, were all equally hard.

    Pearson's chi-squared: with k classes it is k - 1 on average, and 2 sqrt(2 (k - 1)) above that in one of
    twenty cases. The best and the worst of many classes lie far apart by chance alone.
    """
    sizes = confusion.sum(axis=1)
    right, sizes = np.diag(confusion)[sizes > 0], sizes[sizes > 0]
    share = right.sum() / max(1, sizes.sum())
    if len(sizes) < 2 or share in (0, 1):
        return False
    spread = float((np.square(right - sizes * share) / (sizes * share * (1 - share))).sum())
    return spread > len(sizes) - 1 + CLEAR * math.sqrt(2 * (len(sizes) - 1))


def _require_pairs(targets: NDArray[np.int64], predictions: NDArray[np.int64]) -> None:
    if len(targets) != len(predictions):
        raise ValueError(
            f"There are {len(targets)} targets and {len(predictions)} predictions; give one for each image."
        )


@dataclass(frozen=True)
class Evaluated:
    """Accuracy (0..1), mean cross-entropy (nats), number of images, counts [true class, predicted class].

    calibration_error: the expected one of the probabilities (see calibration.Reliability); sure: the share of
    the answers that are called sure, and sure_right: of these, of right ones, NaN without any. called_none:
    share that counts as none of the classes wrongly; None where the checkpoint has no OOD score.
    All 0..1.
    """

    accuracy: float
    loss: float
    n: int
    confusion: NDArray[np.int64]
    class_names: list[str]
    calibration_error: float
    sure: float
    sure_right: float
    called_none: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `per_class` maps a name to the share of its images that were recognized."""
        shares = per_class_accuracy(self.confusion)
        recognized = {
            name: None if np.isnan(share) else float(share)
            for name, share in zip(self.class_names, shares, strict=True)
        }
        return {
            "accuracy": self.accuracy,
            "loss": self.loss,
            "n": self.n,
            "calibration_error": self.calibration_error,
            "sure": self.sure,
            "sure_right": None if np.isnan(self.sure_right) else self.sure_right,
            "called_none": self.called_none,
            "per_class": recognized,
            "confusion": self.confusion.tolist(),
        }
