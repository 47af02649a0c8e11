"""A network's mix as it learns: each block's coefficients with their spread over classes, and the entropy."""

from collections.abc import Sequence

import numpy as np

from cifar_core.runs.events import Epoch
from demo.charts.figure import THICK, Chart, Spec, Table, layout, line, value_axis
from demo.charts.mixing import TAKEN_OVER, dominance_title
from demo.shared.format import listed
from demo.shared.palette import CIVIDIS, KERNEL_COLORS, STATE_COLORS, color_of

MARKED = 2  # with so few epochs a line alone would hardly be seen
BAND = 0.18  # opacity of the spread over classes
ENTROPY_HEIGHT = 320  # pixels of the whole chart
ENTROPY_TOP = 12  # above the axis
ENTROPY_PIXELS = 250  # of its axis, from 1 down to 0
LABEL_PIXELS = 14  # a line of letters
DEEPEST_COLOR = 7  # of CIVIDIS; what comes after is too light for a line on white


def shares_over_time(epochs: Sequence[Epoch], block: int) -> Chart:
    """Mean coefficient of each kernel of the block at this place, and a band over the classes.

    `epochs` all have mixing; not empty.
    """
    own = [epoch.mixing[block] for epoch in epochs]
    means = np.array([item.mean for item in own])  # (E, K)
    classes = np.array([item.per_class for item in own])  # (E, classes, K)
    lowest, highest = classes.min(axis=1), classes.max(axis=1)
    x = [epoch.epoch for epoch in epochs]
    data = [
        trace
        for kernel in range(means.shape[1])
        for trace in _kernel_traces(kernel, x, means[:, kernel], lowest[:, kernel], highest[:, kernel])
    ]
    y_axis = value_axis("mean share", range=[0, 1], tickvals=[0, 0.5, 1])
    shape = layout(_epoch_axis(), y_axis, showlegend=False, hovermode="x unified")
    shape["margin"] |= {"t": 10}
    numbers = lambda: _numbers(epochs, block)  # noqa: E731
    reading = "Line: mean over the validation pictures. Band: from the lowest class to the highest."
    return Chart(share_title(own[0].block, epochs, means), data, shape, reading, 190, None, numbers)


def entropy_over_time(epochs: Sequence[Epoch]) -> Chart:
    """Entropy of each block's mix over epochs, with the line below which one kernel does the work."""
    last, x = epochs[-1], [epoch.epoch for epoch in epochs]
    data, names = [], []
    for place, shift in enumerate(label_shifts([item.entropy for item in last.mixing])):
        color = CIVIDIS[place * DEEPEST_COLOR // max(1, len(last.mixing) - 1)]
        y, name = [epoch.mixing[place].entropy for epoch in epochs], last.mixing[place].block
        data.append(line(name, x, y, color, 2, marked=len(x) <= MARKED, hovertemplate="%{y:.3f}"))
        end = {"x": last.epoch, "y": y[-1], "text": name, "xanchor": "left", "xshift": 6, "yshift": -shift}
        names.append({**end, "showarrow": False})
    y_axis = value_axis("entropy of the mix", range=[0, 1])
    shape = layout(_epoch_axis(), y_axis, annotations=names, shapes=[_collapse_line()], showlegend=False)
    shape["hovermode"] = "x unified"
    room = 16 + 7 * max(len(block.block) for block in last.mixing)
    shape["margin"] = {
        "l": 8,
        "r": room,
        "t": ENTROPY_TOP,
        "b": ENTROPY_HEIGHT - ENTROPY_PIXELS - ENTROPY_TOP,
    }
    reading = (
        "1: a block uses its kernels evenly for each picture. 0: one kernel alone. Under the dashed line "
        f"({TAKEN_OVER}) mixing has collapsed. The first blocks are blue, the last ones yellow."
    )
    return Chart(collapse_title(epochs), data, shape, reading, ENTROPY_HEIGHT)


def share_title(block: str, epochs: Sequence[Epoch], means: np.ndarray) -> str:
    """Say which kernel leads a block and since when; means (E, K)."""
    leaders = means.argmax(axis=1)
    last = int(leaders[-1])
    since = len(leaders) - 1
    while since > 0 and leaders[since - 1] == last:
        since -= 1
    if means[-1].max() - means[-1].min() < 0.05:
        return f"{block}: all kernels count nearly alike, on average"
    when = "from the start" if since == 0 else f"since epoch {epochs[since].epoch}"
    return f"{block}: kernel {last + 1} leads {when}, now {means[-1, last]:.2f}"


def collapse_title(epochs: Sequence[Epoch]) -> str:
    """Say which blocks have collapsed and when, or which comes closest; a warning where it has happened."""
    fallen = []
    for place, block in enumerate(epochs[-1].mixing):
        if block.entropy < TAKEN_OVER:
            first = next(epoch.epoch for epoch in epochs if epoch.mixing[place].entropy < TAKEN_OVER)
            fallen.append(f"{block.block} (since epoch {first})")
    if fallen:
        return f"Warning: one kernel has taken over in {listed(fallen)}"
    lowest = min(epochs[-1].mixing, key=lambda block: block.entropy)
    return (
        f"No block has collapsed; {lowest.block} is nearest to one kernel alone, entropy {lowest.entropy:.2f}"
    )


def describe_warning(epoch: Epoch) -> str:
    """Describe what to do about blocks where one kernel has taken over; "" where none has."""
    if not any(block.entropy < TAKEN_OVER for block in epoch.mixing):
        return ""
    return (
        f"{dominance_title(epoch.mixing)}: the other kernels are hardly used, so the block costs more than a "
        "plain convolution and gives no more. A higher mixing temperature at the start, or a lower learning "
        "rate of the coefficients, lets all kernels learn first."
    )


def _epoch_axis() -> Spec:
    return value_axis("epoch", tickformat="d", showgrid=False)


def _collapse_line() -> Spec:
    red = STATE_COLORS["failed"]
    label = {"text": "one kernel alone", "textposition": "start", "font": {"color": red}, "yanchor": "bottom"}
    ends = {"x0": 0, "x1": 1, "xref": "x domain", "y0": TAKEN_OVER, "y1": TAKEN_OVER}
    return {"type": "line", **ends, "line": {"color": red, "width": 1, "dash": "dash"}, "label": label}


def _kernel_traces(
    kernel: int, x: Sequence[int], mean: np.ndarray, lowest: np.ndarray, highest: np.ndarray
) -> list[Spec]:
    """A line, and under it a band: there along the highest class, and back along the lowest."""
    color = color_of(kernel, KERNEL_COLORS)
    band = {
        "type": "scatter",
        "mode": "lines",
        "name": f"kernel {kernel + 1}, classes",
        "x": [*x, *reversed(x)],
        "y": _rounded([*highest, *lowest[::-1]]),
        "fill": "toself",
        "fillcolor": color,
        "line": {"width": 0, "color": color},
        "opacity": BAND,
        "hoverinfo": "skip",
    }
    marked = len(x) <= MARKED
    name, hover = f"kernel {kernel + 1}", "%{y:.3f}"
    return [band, line(name, x, mean.tolist(), color, THICK, marked=marked, hovertemplate=hover)]


def _numbers(epochs: Sequence[Epoch], block: int) -> Table:
    rows = [
        (epoch.epoch, kernel + 1, value, min(own), max(own))
        for epoch in epochs
        for item in [epoch.mixing[block]]
        for kernel, value in enumerate(item.mean)
        for own in [[row[kernel] for row in item.per_class]]
    ]
    heads = ("epoch", "kernel", "mean", "lowest class", "highest class")
    return dict(zip(heads, zip(*rows, strict=True), strict=True))


def label_shifts(values: Sequence[float]) -> list[float]:
    """Return how many pixels down each label at the end of a line must go so that no two of them overlap.

    values: in 0..1, where the lines end on an axis of ENTROPY_PIXELS.
    """
    gap = min(LABEL_PIXELS, ENTROPY_PIXELS / len(values))
    wanted = [ENTROPY_PIXELS * (1 - value) for value in values]
    order = sorted(range(len(values)), key=wanted.__getitem__)
    tops: dict[int, float] = {}
    lowest, highest = 0.0, float(ENTROPY_PIXELS)
    for place in order:
        tops[place] = lowest = max(lowest, wanted[place])
        lowest += gap
    for place in reversed(order):  # what was pushed past the axis goes back up
        tops[place] = min(tops[place], highest)
        highest = tops[place] - gap
    return [round(tops[place] - wanted[place], 1) for place in range(len(values))]


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(float(value), 4) for value in values]
