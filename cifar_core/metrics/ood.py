"""The OOD score: how little an image looks like those that a network learned from, if like "none of these".

What is strange to a network shows in every block, not only in its answer: in each, a picture's channel
statistics are compared with the nearest of some centers of the training images' (k-means on vectors of length
1: deep nearest neighbors, Sun et al. 2022, arXiv 2204.06507, with centers for neighbors). Added to that is
how undecided the answer is (GEN: generalized entropy, Liu et al. 2023, CVPR), and where a network mixes, the
same distance for its mixing coefficients. No gradients and no pictures of other things: those would teach a
network what the pictures of one source look like. In numpy.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

SCORE = "entropy+mixing+blocks"
SCORES = (SCORE, "energy+mixing+blocks")  # the latter with the energy of the logits, in earlier checkpoints
CENTERS = 100
ROUNDS = 12  # of k-means
FALSE_ALARMS = 0.10  # share of changed held-out images that may be called unknown
ENTROPY, ENERGY, MIXING = "entropy", "energy", "mixing"
# Of what stands beside the mean of the blocks, as far as a reference has it. Chosen on validation images of
# networks that knew six of CIFAR-10's classes, against the other four: see cifar_core/README.md.
WEIGHTS = {ENTROPY: 2.0, ENERGY: 0.5, MIXING: 0.25}
GAMMA = 0.1  # of the generalized entropy, as in the paper
Floats = NDArray[np.floating]


@dataclass(frozen=True)
class OodThreshold:
    """A card's threshold for "none of these".

    An image is unknown where its OOD score (`score` names the kind) lies above `threshold`; false_alarms:
    share of `images` of `split` above it; changed_alarms: of the same changed as photographs differ from
    them, by which it was set (None in earlier cards, where it was set by false_alarms). detected: pictures of
    other things -> {"images", "unknown"}.
    """

    score: str
    threshold: float
    false_alarms: float
    images: int
    split: str
    detected: dict[str, dict[str, int]] = field(default_factory=dict)
    changed_alarms: float | None = None

    def complaint(self) -> str | None:
        """The fault in these values, in words that end a sentence, or None."""
        if self.score not in SCORES:
            return f"the score '{self.score:.60}', where only {' and '.join(SCORES)} are known"
        if not math.isfinite(self.threshold) or not 0 <= self.false_alarms <= 1:
            return f"the threshold {self.threshold} with {self.false_alarms} false alarms"
        return None


@dataclass(frozen=True)
class Measured:
    """Of some images: logits (N, num_classes) and those of the answer, which may be of several views, mixing
    coefficients (N, M) or None, and each block's statistics (N, F)."""

    logits: Floats
    answer: Floats
    mixing: Floats | None
    blocks: Mapping[str, Floats]

    def parts(self) -> dict[str, Floats]:
        """All that is compared with centers."""
        return dict(self.blocks) if self.mixing is None else {MIXING: self.mixing, **self.blocks}

    @classmethod
    def joined(cls, several: Sequence["Measured"]) -> "Measured":
        """The images of several, at least one, one after the other."""
        first = several[0]
        mixing = None if first.mixing is None else np.concatenate([one.mixing for one in several])
        blocks = {name: np.concatenate([one.blocks[name] for one in several]) for name in first.blocks}
        logits = np.concatenate([one.logits for one in several])
        answer = np.concatenate([one.answer for one in several])
        return cls(logits, answer, mixing, blocks)


@dataclass(frozen=True)
class Reference:
    """The look of the known classes' images to one network.

    centers: part -> (K, F) unit vectors; scales: "entropy" (in earlier checkpoints "energy") and each part ->
    [mean, standard deviation] over held-out images.
    """

    centers: dict[str, Floats]
    scales: dict[str, Floats]

    @property
    def blocks(self) -> list[str]:
        """Names of the blocks that are looked at, in the network's order."""
        return [name for name in self.centers if name != MIXING]

    def ood_scores(self, measured: Measured) -> NDArray[np.float64]:
        """The score of each image (N,), about 0 for usual ones; the higher, the stranger."""
        raw = raw_scores(self.centers, measured)
        scores = {name: (raw[name] - mean) / deviation for name, (mean, deviation) in self.scales.items()}
        beside = sum(weight * scores[name] for name, weight in WEIGHTS.items() if name in scores)
        return np.asarray(beside + np.mean([scores[name] for name in self.blocks], axis=0), np.float64)

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Arrays by name, for a file; centers in 16 bits."""
        centers = {
            f"{n:03d}.{name}": array.astype(np.float16)
            for n, (name, array) in enumerate(self.centers.items())
        }
        return {
            **centers,
            **{f"scale.{name}": np.asarray(pair, np.float32) for name, pair in self.scales.items()},
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> "Reference":
        """The reference that `to_arrays` took apart.

        Raises:
            ValueError: when something is missing, of another shape, or not finite.
        """
        centers: dict[str, Floats] = {}
        scales: dict[str, Floats] = {}
        for key in sorted(arrays):
            kind, _, name = key.partition(".")
            (scales if kind == "scale" else centers)[name] = np.asarray(
                arrays[key], np.float64
            )  # once, not with each image
        parts = [*centers.values(), *scales.values()]
        wanted = [centers.keys() | {beside} for beside in (ENTROPY, ENERGY)]
        if not centers.keys() - {MIXING} or scales.keys() not in wanted:
            raise ValueError(f"it holds centers of {sorted(centers)} and scales of {sorted(scales)}")
        if not all(array.ndim == 2 for array in centers.values()) or not all(
            np.isfinite(x).all() for x in parts
        ):
            raise ValueError("its centers are no tables of finite numbers")
        if not all(pair.shape == (2,) and pair[1] > 0 for pair in scales.values()):
            raise ValueError("its scales are no pairs of a mean and a deviation above 0")
        return cls(centers, scales)


def raw_scores(centers: Mapping[str, Floats], measured: Measured) -> dict[str, NDArray[np.float64]]:
    """Entropy, energy and each part's distance (N,) to its nearest center, not yet on one scale."""
    parts = measured.parts()
    distances = {name: distance_to_nearest(parts[name], table) for name, table in centers.items()}
    return {ENTROPY: entropy(measured.answer), ENERGY: energy(measured.logits), **distances}


def entropy(logits: Floats) -> NDArray[np.float64]:
    """Generalized entropy of the answer in logits (N, num_classes): (N,), low where one class stands out."""
    numbers = np.asarray(logits, np.float64)
    probs = np.exp(numbers + energy(numbers)[:, None])
    return np.asarray((np.maximum(probs * (1 - probs), 0) ** GAMMA).sum(axis=1))


def energy(logits: Floats) -> NDArray[np.float64]:
    """-log of the sum of exp of logits (N, num_classes): (N,), high where no class stands out."""
    numbers = np.asarray(logits, np.float64)
    top = numbers.max(axis=1)
    return np.asarray(-top - np.log(np.exp(numbers - top[:, None]).sum(axis=1)))


def distance_to_nearest(features: Floats, centers: Floats, nth: int = 1) -> NDArray[np.float64]:
    """Features (N, F), first brought to length 1, -> distance (N,) to the nth nearest of the centers (K, F).

    Where there are fewer than that, to the farthest.
    """
    squares = _squares(unit(features), np.asarray(centers, np.float64))  # (N, K)
    place = min(nth, squares.shape[1]) - 1
    return np.sqrt(np.partition(squares, place, axis=1)[:, place])


def fit_reference(train: Measured, held_out: Measured, seed: int = 0) -> Reference:
    """Centers from training images, scales from held-out ones: at least one image of each.

    Raises:
        ValueError: when the network has no block to look at.
    """
    if not train.blocks:
        raise ValueError("The network has no chain of blocks, in which an OOD score could show.")
    centers: dict[str, Floats] = {
        name: _rounded(k_means(features, CENTERS, seed)) for name, features in train.parts().items()
    }
    raw = raw_scores(centers, held_out)
    return Reference(centers, {name: _scale(raw[name]) for name in (ENTROPY, *centers)})


def _scale(scores: Floats) -> Floats:
    """Mean and deviation (2,) of scores, rounded as the file will hold them."""
    return np.array([scores.mean(), max(scores.std(), 1e-6)], np.float32).astype(np.float64)


def threshold_for(scores: Floats, false_alarms: float = FALSE_ALARMS) -> float:
    """The lowest threshold above which at most a share `false_alarms` of the scores (N,) lies."""
    allowed = math.floor(false_alarms * len(scores))
    return float(np.sort(scores)[len(scores) - 1 - allowed])


def k_means(features: Floats, count: int, seed: int = 0) -> Floats:
    """Centers (count, F), or fewer where there are fewer features (N, F), which are brought to length 1."""
    points = unit(features)
    generator = np.random.Generator(np.random.PCG64(seed))
    centers = points[np.sort(generator.permutation(len(points))[:count])].copy()
    for _ in range(ROUNDS):
        nearest = _squares(points, centers).argmin(axis=1)
        for number in np.unique(nearest):
            centers[number] = points[nearest == number].mean(axis=0)
    return centers


def unit(features: Floats) -> NDArray[np.float64]:
    """Features (N, F), each brought to length 1."""
    numbers = np.asarray(features, np.float64)
    return np.asarray(numbers / np.maximum(np.linalg.norm(numbers, axis=1, keepdims=True), 1e-9))


def _squares(points: NDArray[np.float64], centers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared distances (N, K) of points (N, F) to centers (K, F)."""
    products = points @ centers.T
    lengths = (points**2).sum(axis=1)[:, None] + (centers**2).sum(axis=1)
    return np.asarray(np.maximum(lengths - 2 * products, 0))


def _rounded(centers: Floats) -> Floats:
    """As the file will hold them, so that scales fit what is read back."""
    return centers.astype(np.float16).astype(np.float64)
