"""A small drawn data set that needs no files: ten shapes and textures on noisy grounds.

It is there to try the machinery, not to measure a network: its classes are shapes, and its names say so.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.dataset import ImageData, Split, fingerprint_of
from cifar_core.datasets import SYNTHETIC

Floats = NDArray[np.float64]
SHAPE_NAMES = SYNTHETIC.class_names
USUAL_COLOR = 0.6  # share of figures in the color of their class
SOURCE = "synthetic: ten drawn shapes and textures (not CIFAR-10, no photographs)"


def _square(u: Floats, v: Floats, half: float) -> NDArray[np.bool_]:
    return np.maximum(np.abs(u), np.abs(v)) < half


# Each shape says where it is, from coordinates u (right) and v (down) that run from -1 to 1 across it.
# All look the same in a mirror, so that horizontal flips keep the class.
_SHAPES: dict[str, Callable[[Floats, Floats], NDArray[np.bool_]]] = {
    "disk": lambda u, v: u * u + v * v < 0.8,
    "ring": lambda u, v: np.abs(u * u + v * v - 0.65) < 0.3,
    "square": lambda u, v: _square(u, v, 0.8),
    "frame": lambda u, v: _square(u, v, 0.88) & ~_square(u, v, 0.52),
    "diamond": lambda u, v: np.abs(u) + np.abs(v) < 1.0,
    "triangle": lambda u, v: (v < 0.75) & (2 * np.abs(u) < v + 0.95),
    "plus": lambda u, v: (np.minimum(np.abs(u), np.abs(v)) < 0.22) & _square(u, v, 0.95),
    "saltire": lambda u, v: (np.abs(np.abs(u) - np.abs(v)) < 0.28) & _square(u, v, 0.85),
    "stripes": lambda u, v: (np.sin(9 * v) > 0) & _square(u, v, 1.0),
    "checks": lambda u, v: (np.sin(7 * u) * np.sin(7 * v) > 0) & _square(u, v, 1.0),
}


def make_synthetic(
    seed: int = 0, train_size: int = SYNTHETIC.train_images, test_size: int = SYNTHETIC.test_images
) -> ImageData:
    """The drawn set: the same pixels for the same seed and sizes; ten equal classes in mixed order."""
    generator = np.random.Generator(np.random.PCG64(seed))
    train, test = _draw(train_size, generator), _draw(test_size, generator)
    return ImageData(train, test, SHAPE_NAMES, SOURCE, fingerprint_of(train, test), SOURCE)


def _draw(count: int, generator: np.random.Generator) -> Split:
    targets = np.arange(count, dtype=np.int64) % len(_SHAPES)
    targets = targets[np.argsort(generator.random(count), kind="stable")]  # (N,)
    masks = _masks(targets, generator)[:, None]  # (N, 1, 32, 32)
    ground, figure = _colors(targets, generator)  # (N, 3, 1, 1)
    noise = generator.uniform(-0.2, 0.2, (count, 3, 32, 32))
    images = np.where(masks, figure, ground) + noise  # (N, 3, 32, 32)
    return Split((np.clip(images, 0, 1) * 255).round().astype(np.uint8), targets)


def _colors(targets: NDArray[np.int64], generator: np.random.Generator) -> tuple[Floats, Floats]:
    """Ground and figure, each (N, 3, 1, 1), apart in every channel.

    Most figures are near the hue of their class, so that a few steps of training already show; the others
    have any color, so that only the shapes lead to the end.
    """
    count = len(targets)
    turns = (np.array([[5.0], [3.0], [1.0]]) + 6 * targets / len(_SHAPES)) % 6  # (3, N)
    hues = (1 - np.clip(np.minimum(turns, 4 - turns), 0, 1)).T  # (N, 3), the hue circle in RGB
    usual = generator.random((count, 1)) < USUAL_COLOR
    jitter = generator.uniform(-0.25, 0.25, (count, 3))
    figure = np.where(usual, np.clip(hues + jitter, 0, 1), generator.random((count, 3)))
    distance = generator.uniform(0.25, 0.6, (count, 3))
    ground = np.where(figure > 0.5, figure - distance, figure + distance)
    return ground[:, :, None, None], figure[:, :, None, None]


def _masks(targets: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.bool_]:
    """(N, 32, 32): the shape of each target, somewhere, of some size, a little turned."""
    count = len(targets)
    axis = np.arange(32) - 15.5
    center = generator.uniform(-4, 4, (2, count, 1, 1))
    radius = generator.uniform(7, 13, (count, 1, 1))
    angle = generator.uniform(-0.2, 0.2, (count, 1, 1))
    x = (axis[None, None, :] - center[0]) / radius  # (N, 1, 32)
    y = (axis[None, :, None] - center[1]) / radius  # (N, 32, 1)
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)  # (N, 32, 32)
    masks = np.zeros((count, 32, 32), bool)
    for label, name in enumerate(SHAPE_NAMES):
        masks[targets == label] = _SHAPES[name](u[targets == label], v[targets == label])
    return masks
