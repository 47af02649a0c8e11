"""Numbers as colors: one sequential scale for strengths, one diverging scale for weights. Pure functions."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from demo.charts.figure import CIVIDIS

Floats = NDArray[np.floating]
Colors = NDArray[np.uint8]
# ColorBrewer's RdBu, turned so that blue is negative and red positive.
DIVERGING = (
    "#053061", "#2166ac", "#4393c3", "#92c5de", "#d1e5f0", "#f7f7f7",
    "#fddbc7", "#f4a582", "#d6604d", "#b2182b", "#67001f",
)  # fmt: skip


def strengths(values: Floats) -> Colors:
    """Values (…) in 0..1 as colors (…, 3) of the sequential scale."""
    return between(values, CIVIDIS)


def signed(values: Floats, largest: float) -> Colors:
    """Values (…) from -largest to largest as colors (…, 3): blue, white at 0, red."""
    return between(0.5 + values / (2 * largest) if largest > 0 else np.full(values.shape, 0.5), DIVERGING)


def between(values: Floats, colors: Sequence[str]) -> Colors:
    """Values (…) in 0..1 as colors (…, 3), interpolated between "#RRGGBB" stops at equal distances."""
    stops = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in colors])
    places = np.linspace(0, 1, len(stops))
    channels = [np.interp(values, places, stops[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def heated(picture: Colors, heat: Floats) -> Colors:
    """The picture (H, W, 3) in gray under its heat map (H, W) in 0..1: bright where the network looked."""
    gray = picture.mean(axis=2, keepdims=True)
    return (0.45 * gray + 0.55 * strengths(heat)).round().astype(np.uint8)


def enlarged(picture: Colors, side: int) -> Colors:
    """The picture (H, W, 3) with each pixel repeated, about `side` pixels high."""
    times = max(1, round(side / picture.shape[0]))
    return picture.repeat(times, axis=0).repeat(times, axis=1)
