"""OOD scores side by side: how well each tells images of the classes from other things, as an AUROC.

The project's own (metrics/ood.py) stands beside three that are usual: the likeliest class's probability
(Hendrycks and Gimpel 2017, arXiv 1610.02136), the energy of the logits, and the distance to the k-th nearest
training image (Sun et al. 2022). All are higher for what is stranger. In numpy.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
# Score -> its name in a text.
OOD = "ood"
SCORES = {OOD: "OOD score", "max_softmax": "max softmax", "energy": "energy", "knn": "kNN"}
# Sun et al. take the 50th of CIFAR-10's 50,000 training images; of a tenth of them it is the fifth.
NEIGHBOR, LEARNED = 5, 5000


@dataclass(frozen=True)
class Measure:
    """A value (0..1) with its standard error, measured on `n` images."""

    value: float
    error: float
    n: int


Scores = Mapping[str, Floats]  # a name of SCORES -> the score of each image (N,)


def compare_scores(known: Scores, others: Scores) -> dict[str, Measure]:
    """Return the AUROC of each score, of images of the classes against other things: one or more of each."""
    return {name: auroc(scores, others[name]) for name, scores in known.items()}


def auroc(low: Floats, high: Floats) -> Measure:
    """The chance that one of the scores `high` (M,) lies above one of `low` (N,); a tie counts half.

    Its standard error is that of DeLong et al. 1988 (Biometrics 44, 837): from the spread of each score's
    rank among those of the other side. n counts both sides.

    Raises:
        ValueError: when one side is empty.
    """
    if not len(low) or not len(high):
        raise ValueError(f"There are {len(low)} low and {len(high)} high scores; give one or more of each.")
    above = _shares_below(high, low)
    error = math.sqrt(_variance(above) + _variance(_shares_below(low, high)))
    return Measure(float(above.mean()), error, len(low) + len(high))


def _shares_below(values: Floats, others: Floats) -> NDArray[np.float64]:
    """The share of `others` (M,) that lies below each of `values` (N,); a tie counts half."""
    ordered = np.sort(others)
    places = ordered.searchsorted(values, "left") + ordered.searchsorted(values, "right")
    return np.asarray(places / (2 * len(ordered)))


def _variance(values: NDArray[np.float64]) -> float:
    """Of the mean of these values, 0 for a single one."""
    return float(values.var(ddof=1)) / len(values) if len(values) > 1 else 0.0
