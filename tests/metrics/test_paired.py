"""The difference of two accuracies on the same images, and its standard error."""

import numpy as np
import pytest

from cifar_core.metrics.paired import paired_difference


def test_a_difference_counts_the_images_that_changed_sides():
    before, after = np.zeros(100, bool), np.zeros(100, bool)
    before[:60], after[10:90] = True, True  # 10 lost, 30 gained
    difference, error = paired_difference(before, after)
    assert difference == pytest.approx(0.2)
    assert error == pytest.approx(((0.4 - 0.04) / 100) ** 0.5)
    assert paired_difference(before, before) == (0, pytest.approx(0.01))
