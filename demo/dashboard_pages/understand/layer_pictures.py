"""Feature maps and filters as pictures. Pure functions of numpy arrays."""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from demo.shared.format import counted
from demo.shared.pictures import Colors, enlarged, sheet, signed, strengths

Floats = NDArray[np.floating]
COLUMNS = 8
MOST_MAPS = 64
MOST_ROWS, MOST_COLUMNS = 8, 12  # filters and channels of a layer that does not see colors
CELL = 32  # pixels a side of a map or filter in the sheet
SILENT = 0.05  # a channel with less than this share of the strongest one's answer is called silent


def strongest(values: Floats, most: int) -> NDArray[np.int64]:
    """Numbers of the entries of values (C, …) that are largest on average without their sign, in order."""
    sizes = np.abs(values).reshape(len(values), -1).mean(axis=1)
    return np.argsort(-sizes, kind="stable")[:most]


def map_sheet(maps: Floats) -> Colors:
    """The strongest of the maps (C, H, W), strongest first, each on its own scale from lowest to highest."""
    pictures = []
    for one in maps[strongest(maps, MOST_MAPS)]:
        low, high = float(one.min()), float(one.max())
        scaled = (one - low) / (high - low) if high > low else np.zeros_like(one)
        pictures.append(enlarged(strengths(scaled), CELL))
    return sheet(_rows(pictures))


def map_title(maps: Floats) -> str:
    """Say how many channels answer to the picture, in a sentence."""
    sizes = np.abs(maps).mean(axis=(1, 2))
    count, (height, width) = len(maps), maps.shape[1:]
    places = f"{counted(count, 'channel')} of {height} × {width} places"
    silent = int((sizes < SILENT * sizes.max()).sum()) if sizes.max() > 0 else count
    if silent == 0:
        return f"{places}, and all of them answer to this picture"
    return f"{places}, {silent} of them nearly silent for this picture"


def filter_sheet(weight: Floats) -> Colors:
    """Filters (C_out, C_in, R, R): as small color pictures where they see colors, else channel by channel.

    Channel by channel: a row for each of the strongest filters, a column for each of the channels that these
    weigh most; blue is negative, red positive, on one scale.
    """
    if weight.shape[1] == 3:
        chosen = weight[strongest(weight, MOST_MAPS)]
        return sheet(_rows([enlarged(_color_filter(one), CELL) for one in chosen]))
    rows = strongest(weight, MOST_ROWS)
    columns = strongest(weight[rows].transpose(1, 0, 2, 3), MOST_COLUMNS)
    shown = weight[rows][:, columns]
    largest = float(np.abs(shown).max())
    return sheet([[enlarged(signed(one, largest), CELL) for one in row] for row in shown])


def filter_reading(weight: Floats) -> str:
    """Say how to read `filter_sheet` of the same filters (C_out, C_in, R, R)."""
    if weight.shape[1] == 3:
        count = min(len(weight), MOST_MAPS)
        return (
            f"The strongest {count} of {len(weight)} filters, each as the little picture that it answers "
            "most to; gray does not matter."
        )
    rows, columns = min(len(weight), MOST_ROWS), min(weight.shape[1], MOST_COLUMNS)
    return (
        f"A row each for the strongest {rows} of {len(weight)} filters, a column each for the {columns} of "
        f"{weight.shape[1]} channels that these weigh most. Red adds, blue takes away, white does not matter."
    )


def filter_title(weight: Floats) -> str:
    """The filters (K, C_out, C_in, R, R) in a sentence; where K kernels mix, how alike they are."""
    kernels, outputs, inputs, side, _ = weight.shape
    size = f"{outputs} filters of {side} × {side} over {counted(inputs, 'channel')}"
    if kernels == 1:
        return size
    flat = weight.reshape(kernels, -1)
    flat = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12)
    alike = {(a + 1, b + 1): float(flat[a] @ flat[b]) for a, b in combinations(range(kernels), 2)}
    (one, other), most = max(alike.items(), key=lambda item: item[1])
    pair = (
        "The two kernels" if kernels == 2 else f"Of {kernels} kernels, {one} and {other} are most alike: they"
    )
    return f"{pair} have a cosine of {most:.2f} (1 is the same, 0 nothing in common); each has {size}"


def _color_filter(weight: Floats) -> Colors:
    """One filter (3, R, R) as a picture (R, R, 3), gray at 0."""
    largest = max(float(np.abs(weight).max()), 1e-12)
    return ((0.5 + weight / (2 * largest)) * 255).round().astype(np.uint8).transpose(1, 2, 0)


def _rows(pictures: list[Colors]) -> list[list[Colors]]:
    return [pictures[start : start + COLUMNS] for start in range(0, len(pictures), COLUMNS)]
