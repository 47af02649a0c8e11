"""The AUROC of scores agrees with counting pairs, and its error with what repeated draws show."""

import numpy as np
import pytest

from cifar_core.metrics.ood_comparison import auroc, compare_scores


def test_auroc_counts_pairs_and_halves_ties():
    assert auroc(np.array([0.0, 1.0]), np.array([1.0, 2.0])).value == 3.5 / 4
    assert auroc(np.array([0.0, 1.0]), np.array([5.0])).value == 1
    assert auroc(np.array([1.0]), np.array([1.0])).value == 0.5
    generator = np.random.default_rng(0)
    low, high = generator.integers(0, 9, 40), generator.integers(3, 12, 30)
    pairs = (high[:, None] > low) + 0.5 * (high[:, None] == low)
    assert auroc(low, high).value == pytest.approx(pairs.mean())
    with pytest.raises(ValueError, match="0 high"):
        auroc(np.array([1.0]), np.array([]))


def test_errors_are_the_spread_over_repeated_draws():
    generator = np.random.default_rng(0)
    draws = [auroc(generator.normal(0, 1, 60), generator.normal(1, 2, 40)) for _ in range(400)]
    spread = np.std([draw.value for draw in draws])
    assert np.mean([draw.error for draw in draws]) == pytest.approx(spread, rel=0.1)


def test_each_score_is_compared_with_itself():
    known = {"energy": np.array([0.0, 1.0]), "knn": np.array([3.0, 4.0])}
    others = {"energy": np.array([2.0]), "knn": np.array([0.0])}
    compared = compare_scores(known, others)
    assert {name: one.value for name, one in compared.items()} == {"energy": 1.0, "knn": 0.0}
    assert compared["knn"].n == 3
