"""The colors stay apart for every kind of color vision, and text on them stays readable."""

import itertools

import numpy as np
import pytest

from demo.shared import palette

# Machado, Oliveira, Fernandes 2009, severity 1.0, on linear RGB.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
# Ottosson 2020, https://bottosson.github.io/posts/oklab/
TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def oklab(color: str, vision: np.ndarray) -> np.ndarray:
    values = np.array([int(color[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return np.asarray(TO_LAB @ np.cbrt(TO_CONES @ np.clip(vision @ linear, 0, 1)))


def smallest_distance(colors: tuple[str, ...], vision: np.ndarray) -> float:
    points = [oklab(color, vision) for color in colors]
    return min(float(np.linalg.norm(a - b)) for a, b in itertools.combinations(points, 2))


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize(
    ("colors", "least"),
    [
        (palette.CLASS_COLORS, 0.12),
        (palette.KERNEL_COLORS, 0.07),
        (palette.KERNEL_COLORS[:6], 0.10),
        (palette.RUN_COLORS, 0.07),
    ],
)
def test_colors_stay_apart(colors: tuple[str, ...], least: float, vision: str) -> None:
    assert smallest_distance(colors, VISIONS[vision]) >= least


def test_a_color_for_each_class_and_for_six_kernels() -> None:
    assert len(palette.CLASS_COLORS) == 10
    assert len(palette.KERNEL_COLORS) >= 6


def contrast(one: str, other: str) -> float:
    low, high = sorted((palette.luminance(one), palette.luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_text_is_readable_on_every_color() -> None:
    for color in palette.CLASS_COLORS + palette.KERNEL_COLORS + palette.RUN_COLORS:
        assert contrast(color, palette.ink_on(color)) >= 4.5, color
    for color in (palette.INK, palette.MUTED_INK, palette.ACCENT, *palette.STATE_COLORS.values()):
        assert contrast(color, "#FFFFFF") >= 4.5, color


def test_on_a_dark_page_every_color_is_seen_and_stays_apart() -> None:
    assert palette.on_dark("#FFAA11") == "#FFAA11", "what stands out stays as it is"
    assert contrast(palette.on_dark("#000000"), palette.DARK_PAGE) > 10, "the strongest one stays strong"
    for colors, least in (
        (palette.CLASS_COLORS, 0.08),
        (palette.KERNEL_COLORS, 0.065),
        (palette.RUN_COLORS, 0.07),
    ):
        seen = tuple(map(palette.on_dark, colors))
        assert all(contrast(color, palette.DARK_PAGE) >= palette.SEEN for color in seen)
        assert all(smallest_distance(seen, vision) >= least for vision in VISIONS.values())
    for color in (palette.INK, palette.MUTED_INK, *palette.STATE_COLORS.values()):
        assert contrast(palette.on_dark(color, palette.READ), palette.DARK_PAGE) >= 4.5, color


def test_colors_repeat_past_the_end() -> None:
    assert palette.color_of(11, palette.CLASS_COLORS) == palette.CLASS_COLORS[1]
