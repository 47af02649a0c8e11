"""Calibration: how far a network's probabilities can be believed, and the temperature that mends them.

Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv 1706.04599. logits are (N, num_classes),
targets integer class numbers (N,).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15  # as in the paper
# Share of the answers called sure that is right on changed images: 95 of 100 are promised for photographs,
# which differ in more ways than can be imitated.
RIGHT_WHEN_SURE = 0.98
LOWEST, HIGHEST = 0.05, 20.0  # temperatures that are tried
FEWEST = 10  # held-out images; with fewer one odd picture decides all limits
FEW = 200  # below it, an answer that is wrong by chance weighs more than what is fitted can bear
NONE_FITTED = (
    "So few pictures were set aside that nothing was fitted to them: its probabilities are as they come, no "
    "answer is called sure, and no picture none of the classes."
)
ROUGH = "Its temperature and its limits are rough: they were fitted to fewer than 200 pictures."
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """A card's temperature, fitted on `images` held-out images of `split`.

    ece_before, ece_after: the expected calibration error there (see Reliability), 0..1.
    """

    temperature: float
    split: str
    images: int
    ece_before: float
    ece_after: float

    def complaint(self) -> str | None:
        """The fault in these values, in words that end a sentence, or None."""
        if not LOWEST <= self.temperature <= HIGHEST:
            return f"the temperature {self.temperature}, which must be {LOWEST} to {HIGHEST:.0f}"
        return None


@dataclass(frozen=True)
class Sureness:
    """A card's word for its answers: from which probability on one may be called sure.

    right: the share of the answers from `probability` on that is right, and said: their share of all, 0..1,
    of `images` held-out images of `split`, changed as photographs differ from them.
    """

    probability: float
    right: float
    said: float
    images: int
    split: str

    def complaint(self) -> str | None:
        """The fault in these values, in words that end a sentence, or None."""
        if not 0 < self.probability <= 1:
            return f"sure answers from the probability {self.probability}, which must be above 0, to 1"
        return None


def fit_sureness(probs: NDArray[np.floating], targets: NDArray[np.int64], split: str) -> Sureness:
    """Find the lowest top probability from which on answers are right for a share of RIGHT_WHEN_SURE.

    probs are (N, num_classes). Where no answers are right so often, only those of the highest probability
    are sure.

    Raises:
        ValueError: without any image.
    """
    if len(targets) == 0:
        raise ValueError("There are no targets; a limit needs one image or more.")
    top = probs.max(axis=1)
    order = np.argsort(-top, kind="stable")
    right = np.cumsum((probs.argmax(axis=1) == targets)[order]) / np.arange(1, len(top) + 1)
    enough = np.flatnonzero(right >= RIGHT_WHEN_SURE)
    limit = float(top[order[enough[-1] if len(enough) else 0]])
    sure = top >= limit
    share = float((probs.argmax(axis=1) == targets)[sure].mean())
    return Sureness(limit, round(share, 5), round(float(sure.mean()), 5), len(targets), split)


def calibrate(
    logits: NDArray[np.floating], targets: NDArray[np.int64], split: str, doubt: float = 0.0
) -> Calibration:
    """Fit the temperature on held-out images, as `fit_temperature`; raises ValueError without any."""
    temperature = fit_temperature(logits, targets, doubt)
    before, after = (reliability(probabilities(logits, t), targets).ece for t in (1.0, temperature))
    return Calibration(round(temperature, 4), split, len(targets), round(before, 5), round(after, 5))


def probabilities(logits: NDArray[np.floating], temperature: float = 1.0) -> Floats:
    """softmax(logits / temperature), (N, num_classes)."""
    return np.exp(_log_probabilities(logits, temperature))


def picture_losses(
    logits: NDArray[np.floating], targets: NDArray[np.int64], temperature: float = 1.0
) -> Floats:
    """Cross-entropy of each image (N,), in nats."""
    log_probs = _log_probabilities(logits, temperature)
    return np.asarray(-log_probs[np.arange(len(targets)), targets])


def fit_temperature(logits: NDArray[np.floating], targets: NDArray[np.int64], doubt: float = 0.0) -> float:
    """The temperature between 0.05 and 20 with the lowest mean cross-entropy on these images.

    doubt: so many more images, any class of which is as likely: a few answers that happen to be all right
    would ask for the lowest temperature. The loss is convex in 1/temperature, so its slope changes sign once,
    and bisection over log T finds where.

    Raises:
        ValueError: without any image.
    """
    if len(targets) == 0:
        raise ValueError("There are no targets; a temperature needs one image or more.")
    low, high = math.log(LOWEST), math.log(HIGHEST)
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (
            (middle, high) if _is_too_sure(logits, targets, math.exp(middle), doubt) else (low, middle)
        )
    return math.exp((low + high) / 2)


def _is_too_sure(
    logits: NDArray[np.floating], targets: NDArray[np.int64], temperature: float, doubt: float
) -> bool:
    """True where a higher temperature lowers the loss: the logits expected exceed those of the targets."""
    expected = (probabilities(logits, temperature) * logits).sum(axis=1)
    slope = (expected - logits[np.arange(len(targets)), targets]).sum()
    return bool(slope + doubt * (expected - logits.mean(axis=1)).mean() > 0)


@dataclass(frozen=True)
class Reliability:
    """Images sorted into bins of equal width by the probability of the likeliest class.

    counts: images a bin (BINS,); confidence: their mean probability; accuracy: their share of right answers;
    both NaN where a bin is empty. ece: the expected calibration error, the mean distance of the two over all
    images, 0..1.
    """

    counts: NDArray[np.int64]
    confidence: Floats
    accuracy: Floats
    ece: float


def reliability(probs: NDArray[np.floating], targets: NDArray[np.int64], bins: int = BINS) -> Reliability:
    """Compare how sure a network is with how often it is right; probs are (N, num_classes).

    Raises:
        ValueError: without any image.
    """
    if len(targets) == 0:
        raise ValueError("There are no targets; a calibration needs one image or more.")
    top = probs.max(axis=1)
    right = probs.argmax(axis=1) == targets
    places = np.clip(np.ceil(top * bins).astype(np.int64) - 1, 0, bins - 1)  # bins are (low, high]
    counts = np.bincount(places, minlength=bins)
    sums = [np.bincount(places, weights=values, minlength=bins) for values in (top, right)]
    with np.errstate(invalid="ignore"):
        confidence, accuracy = (np.where(counts > 0, total / np.maximum(counts, 1), np.nan) for total in sums)
    ece = float(np.abs(sums[0] - sums[1]).sum() / len(targets))
    return Reliability(counts, confidence, accuracy, ece)


def _log_probabilities(logits: NDArray[np.floating], temperature: float) -> Floats:
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    scaled = scaled - scaled.max(axis=1, keepdims=True)
    return np.asarray(scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True)))
