"""Two accuracies on the very same images, and whether they differ by more than chance."""

import math

import numpy as np
from numpy.typing import NDArray

CLEAR = 2.0  # standard errors of a difference; chance alone goes beyond them once in twenty times


def paired_difference(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> tuple[float, float]:
    """How much larger the share of right answers is after than before, and its standard error, both 0..1.

    before, after: (N,), N 1 or more, the same images. Only images that changed sides count (McNemar 1947);
    the error is never below that of one such image, since none may be chance as well.
    """
    gained, lost = int((after & ~before).sum()), int((before & ~after).sum())
    difference = (gained - lost) / len(before)
    variance = max(gained + lost, 1) / len(before) - difference**2
    return difference, math.sqrt(max(variance, 0.0) / len(before))
