"""A network's mix as it learns: each block's coefficients with their spread over classes, and the entropy."""

from collections.abc import Sequence

import numpy as np

from cifar_core.runs.events import Epoch
from demo.charts.mixing import TAKEN_OVER, dominance_title
from demo.charts.old_figure import Chart, Option, category_axis, plain_option, value_axis
from demo.shared.format import listed
from demo.shared.palette import CIVIDIS, KERNEL_COLORS, STATE_COLORS, color_of

MARKED = 2  # with so few epochs a line alone would hardly be seen
ENTROPY_HEIGHT = 320  # pixels of the whole chart
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
    series: list[Option] = []
    for kernel in range(means.shape[1]):
        band = highest[:, kernel] - lowest[:, kernel]
        series += _kernel_series(kernel, means[:, kernel], lowest[:, kernel], band)
    y_axis = value_axis("coefficient", vertical=True, min=0, max=1, interval=0.5)
    option = plain_option(_epoch_axis(epochs), y_axis, series)
    option["grid"] |= {"top": 10}
    reading = "Line: mean over the validation pictures. Band: from the lowest class to the highest."
    return Chart(share_title(own[0].block, epochs, means), option, reading, 190)


def entropy_over_time(epochs: Sequence[Epoch]) -> Chart:
    """Entropy of each block's mix over epochs, with the line below which one kernel does the work."""
    shifts = label_shifts([item.entropy for item in epochs[-1].mixing])
    lines = [_block_line(epochs, place, shift) for place, shift in enumerate(shifts)]
    red = STATE_COLORS["failed"]
    lines[0]["markLine"] = {
        "silent": True,
        "symbol": "none",
        "data": [{"yAxis": TAKEN_OVER}],
        "lineStyle": {"color": red, "type": "dashed"},
        "label": {"formatter": "one kernel alone", "position": "insideStartTop", "color": red},
    }
    y_axis = value_axis("entropy of the mix", vertical=True, min=0, max=1)
    option = plain_option(_epoch_axis(epochs), y_axis, lines)
    option["grid"] |= {"top": 12, "right": 40}
    reading = (
        "1: a block uses its kernels evenly for each picture. 0: one kernel alone. Under the dashed line "
        f"({TAKEN_OVER}) mixing has collapsed. The first blocks are blue, the last ones yellow."
    )
    return Chart(collapse_title(epochs), option, reading, ENTROPY_HEIGHT)


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


def _epoch_axis(epochs: Sequence[Epoch]) -> Option:
    axis = category_axis([str(epoch.epoch) for epoch in epochs], name="epoch", boundaryGap=False)
    return axis | {"nameLocation": "middle", "nameGap": 26, "axisLabel": {"hideOverlap": True}}


def _kernel_series(kernel: int, mean: np.ndarray, lowest: np.ndarray, band: np.ndarray) -> list[Option]:
    """A line, and under it a band made of an unseen line with a filled one stacked on it."""
    color = color_of(kernel, KERNEL_COLORS)
    unseen = {
        "type": "line",
        "stack": f"band {kernel + 1}",
        "symbol": "none",
        "silent": True,
        "lineStyle": {"opacity": 0},
        "tooltip": {"show": False},
    }
    fill = {"color": color, "opacity": 0.18}
    line = {
        "type": "line",
        "name": f"kernel {kernel + 1}",
        "data": _rounded(mean),
        "lineStyle": {"color": color, "width": 2.5},
        "itemStyle": {"color": color},
        "showSymbol": len(mean) <= MARKED,
        "symbol": "circle",
    }
    return [
        {**unseen, "name": f"kernel {kernel + 1}, lowest class", "data": _rounded(lowest)},
        {**unseen, "name": f"kernel {kernel + 1}, spread", "data": _rounded(band), "areaStyle": fill},
        line,
    ]


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


def _block_line(epochs: Sequence[Epoch], place: int, shift: float) -> Option:
    color = CIVIDIS[place * DEEPEST_COLOR // max(1, len(epochs[-1].mixing) - 1)]
    return {
        "type": "line",
        "name": epochs[-1].mixing[place].block,
        "data": _rounded(np.array([epoch.mixing[place].entropy for epoch in epochs])),
        "lineStyle": {"color": color, "width": 2},
        "itemStyle": {"color": color},
        "showSymbol": len(epochs) <= MARKED,
        "endLabel": {"show": True, "formatter": "{a}", "offset": [0, shift]},
    }


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(value), 4) for value in values]
