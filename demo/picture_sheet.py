"""Many small pictures as one: rows of a data set's classes, or one picture changed many times. Pure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

GAP = 2  # pixels between pictures, white


def random_rows(
    targets: NDArray[np.int64], num_classes: int, seed: int, count: int = 10
) -> list[NDArray[np.int64]]:
    """For each class the numbers of `count` different images, drawn by the seed; fewer where it has fewer."""
    generator = np.random.default_rng(seed)
    return [generator.permutation(np.flatnonzero(targets == label))[:count] for label in range(num_classes)]


def sheet(rows: Sequence[Sequence[NDArray[np.uint8]]]) -> NDArray[np.uint8]:
    """Rows of pictures (H, W, 3), all of one size, with white between: (H', W', 3)."""
    height, width, _ = rows[0][0].shape
    columns = max(len(row) for row in rows)
    size = (len(rows) * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3)
    whole = np.full(size, 255, np.uint8)
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            top, left = i * (height + GAP), j * (width + GAP)
            whole[top : top + height, left : left + width] = picture
    return whole
