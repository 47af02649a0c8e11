"""Errors of accuracies agree with what chance does, and clear differences are beyond it."""

import numpy as np
import pytest

from cifar_core.metrics.uncertainty import Accuracy, paired_difference


def test_the_error_is_that_of_counting_heads():
    shares = np.random.default_rng(0).binomial(400, 0.9, 20_000) / 400
    assert Accuracy(0.9, 400).error == pytest.approx(shares.std(), rel=0.03)
    assert Accuracy(1.0, 100).error == Accuracy(0.0, 100).error == pytest.approx(0.005), "half an image"


@pytest.mark.parametrize(
    ("one", "other", "clear"),
    [
        (Accuracy(0.943, 10_000), Accuracy(0.9403, 10_000), False),  # 0.27 points, error 0.33
        (Accuracy(0.926, 2_000, "validation"), Accuracy(0.916, 500, "validation"), False),
        (Accuracy(0.943, 10_000), Accuracy(0.9323, 10_000), True),
        (Accuracy(0.9, 100), Accuracy(0.9, 100), False),
        (Accuracy(1.0, 10), Accuracy(0.0, 10), True),
    ],
)
def test_a_difference_is_clear_beyond_two_standard_errors(one, other, clear):
    assert one.is_clear_of(other) is other.is_clear_of(one) is clear


def test_two_equal_networks_are_seldom_called_different():
    generator = np.random.default_rng(0)
    pairs = generator.binomial(1000, 0.9, (4000, 2)) / 1000
    called = [Accuracy(a, 1000).is_clear_of(Accuracy(b, 1000)) for a, b in pairs.tolist()]
    assert 0.03 < np.mean(called) < 0.06


def test_a_difference_counts_the_images_that_changed_sides():
    before, after = np.zeros(100, bool), np.zeros(100, bool)
    before[:60], after[10:90] = True, True  # 10 lost, 30 gained
    difference, error = paired_difference(before, after)
    assert difference == pytest.approx(0.2)
    assert error == pytest.approx(((0.4 - 0.04) / 100) ** 0.5)
    assert paired_difference(before, before) == (0, pytest.approx(0.01))
