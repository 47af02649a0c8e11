"""The effect of a mix set by hand: the answer before and after, and what each kernel is worth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from demo.charts.figure import Chart, Spec, category_axis, layout, upside_down, value_axis
from demo.shared.format import whole_percent
from demo.shared.palette import ACCENT, KERNEL_COLORS, MUTED_INK, color_of

BEFORE, AFTER = "as predicted", "with this mix"
LITTLE = 0.005  # a change that is worth no word
NAMED = 12  # classes that are shown, at most


@dataclass(frozen=True)
class Worth:
    """A share in 0..1 (a probability or an accuracy) when one kernel, counted from 0, is switched off."""

    block: str
    kernel: int
    share: float
    label: str = ""


def answer_change_chart(before: np.ndarray, after: np.ndarray, class_names: Sequence[str]) -> Chart:
    """Two bars a class: probabilities (num_classes,) as predicted, and under a mix set by hand.

    Of many classes those that are the most probable before or after.
    """
    shown = np.sort(np.argsort(-np.maximum(before, after), kind="stable")[:NAMED])
    names = [class_names[label] for label in shown]
    bars = [_bars(BEFORE, before[shown], MUTED_INK, 0.75), _bars(AFTER, after[shown], ACCENT, 1.0)]
    x_axis = value_axis("probability (%)", range=[0, 100])
    shape = layout(x_axis, upside_down(category_axis(names)), bargap=0.3)
    shape["legend"] |= {"traceorder": "normal"}
    reading = "Two bars a class: gray as the network mixes by itself, blue with the mix that you have set."
    if len(shown) < len(class_names):
        reading += f" The {len(shown)} most probable of {len(class_names)} classes."
    return Chart(change_title(before, after, class_names), bars, shape, reading, 90 + 28 * len(shown))


def change_title(before: np.ndarray, after: np.ndarray, class_names: Sequence[str]) -> str:
    """Say what the network says now, and what it said before."""
    old, new = int(before.argmax()), int(after.argmax())
    said, says = whole_percent(float(before[old])), whole_percent(float(after[new]))
    if np.array_equal(before, after):
        return f"As it mixes by itself, the network says {class_names[old]}: {said}"
    if old == new:
        return f"It still says {class_names[old]}: {says} in place of {said}"
    return f"It now says {class_names[new]} ({says}) in place of {class_names[old]} ({said})"


def worth_chart(rows: Sequence[Worth], base: float, what: str, reading: str) -> Chart:
    """A bar for each kernel of each block: how many points `what` changes when it is switched off.

    base: the share in 0..1 with all kernels on.
    """
    places = [f"{row.block}, {row.kernel + 1}" for row in rows]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": [round(100 * (row.share - base), 2) for row in rows],
        "y": list(range(len(rows))),
        "width": 0.7,
        "marker": {"color": [color_of(row.kernel, KERNEL_COLORS) for row in rows]},
        "hovertemplate": "%{y}: %{x:+.2f} points<extra></extra>",
    }
    x_axis = value_axis(f"change of the {what} (points)", zeroline=True)
    shape = layout(x_axis, upside_down(category_axis(places)))
    shape["margin"] |= {"t": 8}
    return Chart(worth_title(rows, base, what), [bars], shape, reading, 70 + 19 * len(rows))


def worth_title(rows: Sequence[Worth], base: float, what: str) -> str:
    """The kernel that is missed most, in a sentence."""
    missed = min(rows, key=lambda row: row.share)
    loss = base - missed.share
    if loss < LITTLE:
        return f"No single kernel is missed: the {what} stays within half a point of {whole_percent(base)}"
    where = f"kernel {missed.kernel + 1} of {missed.block}"
    answer = f"; the answer becomes {missed.label}" if missed.label else ""
    return f"Most is lost without {where}: the {what} falls by {100 * loss:.1f} points{answer}"


def _bars(name: str, probs: np.ndarray, color: str, opacity: float) -> Spec:
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "x": [round(100 * float(value), 2) for value in probs],
        "y": list(range(len(probs))),
        "marker": {"color": color, "opacity": opacity},
        "hovertemplate": f"%{{y}}, {name}: %{{x:.2f}} %<extra></extra>",
    }
