"""The same picture made brighter, blurred or rotated, and what the network makes of every step of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from demo.charts.mixing import mixing_per_level
from demo.widgets.chart import show_chart
from demo.widgets.choice import choose

if TYPE_CHECKING:
    from cifar_core.explain.mixing import WhatIf
    from cifar_core.inference.prediction import Prediction

KEPT = "changed-picture"  # in the session: what the network answered to the levels
AS_IT_IS = "as it is"
CHANGES = {"none": "As it is", "brightness": "Brightness", "blur": "Blur", "rotation": "Rotation"}
LEVELS: dict[str, tuple[float, ...]] = {  # in the unit of cifar_core/explain/corruptions.py; 0 is as it is
    "brightness": (-0.5, -0.4, -0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3, 0.4, 0.5),
    "blur": (0, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 2.5, 3),
    "rotation": (-90, -60, -45, -30, -15, 0, 15, 30, 45, 60, 90),
}
WORDS = {"brightness": "{:+.1f}", "blur": "{:g} pixels", "rotation": "{:+g}°"}


@dataclass(frozen=True)
class Changed:
    """The picture at the chosen level, (1, 3, 32, 32), and the network's answer at every level.

    names: of the levels; now: the place of the chosen one.
    """

    images: NDArray[np.uint8]
    answers: "list[Prediction]"
    names: list[str]
    now: int


def choose_change(what_if: "WhatIf", picture: NDArray[np.uint8], whose: tuple[object, ...]) -> Changed | None:
    """The change that the reader chooses for a picture (32, 32, 3), and how much of it; None without one.

    whose: names the network and the picture, so that the slider moves what was answered once.
    """
    kind = choose("change", "Change", list(CHANGES), "none", CHANGES)
    if kind == "none":
        return None
    kept = st.session_state.get(KEPT)
    if kept is None or kept[0] != (*whose, kind):
        images = changed_pictures(picture, kind)
        kept = st.session_state[KEPT] = ((*whose, kind), images, what_if.predict(images))
    names = [WORDS[kind].format(level).replace("-", "−") if level else AS_IT_IS for level in LEVELS[kind]]
    now = names.index(choose("level", CHANGES[kind], names, AS_IT_IS, widget="slider"))
    return Changed(kept[1][now : now + 1], kept[2], names, now)


def changed_pictures(picture: NDArray[np.uint8], kind: str) -> NDArray[np.uint8]:
    """The picture (32, 32, 3) at every level of a change, (levels, 3, 32, 32)."""
    from cifar_core.explain.corruptions import corrupt_by  # torch

    image = np.ascontiguousarray(picture.transpose(2, 0, 1))[None]
    return np.concatenate([corrupt_by(image, kind, level or None) for level in LEVELS[kind]])


def show_levels(changed: Changed) -> None:
    """The shares at every level."""
    chart = mixing_per_level([answer.mixing for answer in changed.answers], changed.names, changed.now)
    show_chart(chart, "levels", "Chart: the shares of every block at each level of the change")
