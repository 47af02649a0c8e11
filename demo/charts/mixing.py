"""A network's mix: for each class, and how even the mix is (entropy)."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cifar_core.runs.events import BlockMixing, Epoch
from cifar_core.runs.history import Shares
from demo.charts.figure import Chart, Spec, Table, category_axis, layout, upside_down, value_axis
from demo.shared.format import counted, listed
from demo.shared.palette import ACCENT, INK, KERNEL_COLORS, STATE_COLORS, color_of

TAKEN_OVER = 0.1  # normalized entropy below which one kernel does the work (K = 4: its share is about 98 %)
NEARLY_EVEN = 0.97
LITTLE = 0.05  # a difference of shares that is worth no word
NEUTRAL = "#F7F7F7"  # an even mix of two kernels
ROW, LEAST, MOST = 27, 190, 640  # pixels of a class, and of the whole chart
LETTERS = 15  # pixels of a line of letters
WRITTEN = 26  # classes up to which a cell has room for its number
HOVER = "%{customdata[2]}<br>%{customdata[0]}, kernel %{customdata[1]}: %{customdata[3]} %<extra></extra>"
KEY = {  # to the colors of a heat map: a bar above it
    "orientation": "h",
    "thickness": 8,
    "lenmode": "pixels",
    "len": 240,
    "x": 0,
    "xanchor": "left",
    "xpad": 0,
    "y": 1,
    "yanchor": "bottom",
    "ypad": 4,
    "outlinewidth": 0,
}
BAR = 0.86  # share of a block's place that its bars take


def mixing_per_class(epoch: Epoch, class_names: Sequence[str]) -> Chart:
    """One epoch's mix: a row for each class, a place for each block.

    Two kernels are told by one cell, colored after the one that leads; more of them by a small stacked bar.
    A point's `customdata` is [block, kernel from 1, class, share in %], of a cell for the kernel that leads.
    """
    names = class_labels(epoch.mixing, class_names)
    reading = f"After epoch {epoch.epoch}, mean over the validation pictures of a class."
    return _rows_chart(class_title(epoch.mixing, names), epoch.mixing, names, reading)


def mixing_per_level(used: Sequence[Shares], names: Sequence[str], now: int) -> Chart:
    """The mix for one picture that is changed more and more: a row for each level, a place for each block.

    used: block -> K coefficients at each level; names: of the levels; now: the level that is marked.
    """
    mixing = [
        BlockMixing(block, list(used[now][block]), [list(at[block]) for at in used], 0.0) for block in used[0]
    ]
    chart = _rows_chart(
        level_title(mixing, names), mixing, names, "A row for each level; the frame is the one above."
    )
    frame = {"type": "rect", "xref": "paper", "x0": 0, "x1": 1, "y0": now - 0.5, "y1": now + 0.5}
    chart.layout["shapes"] = [{**frame, "line": {"color": INK, "width": 2}}]
    return chart


def _rows_chart(title: str, mixing: Sequence[BlockMixing], names: Sequence[str], reading: str) -> Chart:
    pair = all(len(block.mean) == 2 for block in mixing)
    data, marks, how = (_pair_cells if pair else _stacked_bars)(mixing, names)
    blocks = category_axis([block.block for block in mixing], ticks="")
    shape = layout(blocks, upside_down(class_axis(names)), **marks)
    numbers = partial(_numbers, mixing, names)
    return Chart(title, data, shape, f"{reading} {how}", rows_height(len(names)), None, numbers)


def entropy_chart(mixing: Sequence[BlockMixing]) -> Chart:
    """Bars: the entropy of each block's mix, 1 is even and 0 one kernel alone."""
    entropies = [round(block.entropy, 3) for block in mixing]
    colors = [STATE_COLORS["failed"] if entropy < TAKEN_OVER else ACCENT for entropy in entropies]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": entropies,
        "y": list(range(len(mixing))),
        "marker": {"color": colors},
        "width": 0.6,
        "texttemplate": "%{x:.2f}",
        "textposition": "outside",
        "hovertemplate": "%{y}: %{x:.3f}<extra></extra>",
    }
    x_axis = value_axis(
        "entropy (0 one kernel alone, 1 even)", range=[0, 1.15], tickvals=[0, 0.25, 0.5, 0.75, 1]
    )
    shape = layout(x_axis, upside_down(category_axis([block.block for block in mixing])))
    shape["margin"] |= {"t": 8}
    reading = "How evenly a block spreads its weight over its kernels: mean over the validation pictures."
    return Chart(entropy_title(mixing), [bars], shape, reading, 80 + 24 * len(mixing))


def dominance_title(mixing: Sequence[BlockMixing]) -> str:
    """Say which blocks have settled on one kernel, in a sentence."""
    taken = [block for block in mixing if block.entropy < TAKEN_OVER]
    if taken:
        return f"In {listed([block.block for block in taken])} one kernel has taken over"
    if min(block.entropy for block in mixing) > NEARLY_EVEN:
        return "Every block still mixes its kernels almost evenly"
    leaning = max(mixing, key=lambda block: max(block.mean))
    kernel, share = int(np.argmax(leaning.mean)) + 1, max(leaning.mean)
    return f"{leaning.block} leans most on one kernel: kernel {kernel} with {share:.2f} on average"


def class_title(mixing: Sequence[BlockMixing], names: Sequence[str]) -> str:
    """Say where the classes differ the most, in a sentence."""
    spread, block, kernel = max(
        (max(row[k] for row in block.per_class) - min(row[k] for row in block.per_class), index, k)
        for index, block in enumerate(mixing)
        for k in range(len(block.mean))
    )
    if spread < LITTLE:
        return "So far every class gets nearly the same mix"
    column = [row[kernel] for row in mixing[block].per_class]
    most, least = int(np.argmax(column)), int(np.argmin(column))
    where = f"Kernel {kernel + 1} of {mixing[block].block}"
    high, low = f"{names[most]} most ({column[most]:.2f})", f"{names[least]} least ({column[least]:.2f})"
    return f"{where} serves {high} and {low}"


def level_title(mixing: Sequence[BlockMixing], names: Sequence[str]) -> str:
    """Say which kernel's share moves the most along the levels, in a sentence."""
    columns = [
        (np.array([row[kernel] for row in block.per_class]), block.block, kernel)
        for block in mixing
        for kernel in range(len(block.mean))
    ]
    values, block, kernel = max(columns, key=lambda column: float(np.ptp(column[0])))
    low, high = int(values.argmin()), int(values.argmax())
    if values[high] - values[low] < LITTLE:
        return "The shares hardly move"
    where = f"Kernel {kernel + 1} of {block}"
    return f"{where} moves most: from {values[low]:.2f} ({names[low]}) to {values[high]:.2f} ({names[high]})"


def entropy_title(mixing: Sequence[BlockMixing]) -> str:
    """Say how many blocks still use several kernels, in a sentence."""
    taken = sum(block.entropy < TAKEN_OVER for block in mixing)
    if taken:
        return f"{counted(taken, 'block')} of {len(mixing)} use{'s' if taken == 1 else ''} one kernel alone"
    lowest, highest = min(block.entropy for block in mixing), max(block.entropy for block in mixing)
    return f"All {len(mixing)} blocks use several kernels: entropy from {lowest:.2f} to {highest:.2f}"


def class_labels(mixing: Sequence[BlockMixing], class_names: Sequence[str]) -> list[str]:
    """The class names if there are as many as rows, otherwise "class 0", "class 1" and so on."""
    count = len(mixing[0].per_class)
    return list(class_names) if len(class_names) == count else [f"class {row}" for row in range(count)]


def class_axis(names: Sequence[str]) -> Spec:
    """An axis of class names; of more than have room for theirs every second, third, … is named."""
    room = (rows_height(len(names)) - 80) / len(names)
    stride = max(1, -(-LETTERS // max(1, int(room))))
    axis = category_axis(names, ticks="", ticklabelstandoff=4)
    return axis | {"tickvals": axis["tickvals"][::stride], "ticktext": axis["ticktext"][::stride]}


def rows_height(count: int) -> int:
    """Pixels of a chart with so many classes as rows."""
    return min(MOST, max(LEAST, 80 + ROW * count))


def shares_of(coefficients: Sequence[float]) -> NDArray[np.float64]:
    """Each coefficient's part of the sum (K,): a sigmoid's need not sum to 1. Even where all are 0."""
    values = np.asarray(coefficients, dtype=np.float64)
    total = values.sum()
    return values / total if total > 0 else np.full(len(values), 1 / len(values))


def _pair_cells(mixing: Sequence[BlockMixing], names: Sequence[str]) -> tuple[list[Spec], Spec, str]:
    """A cell for each class and block: the share of kernel 1 minus an even one."""
    first = np.array([[shares_of(block.per_class[row])[0] for block in mixing] for row in range(len(names))])
    cells = {
        "type": "heatmap",
        "z": np.round(first - 0.5, 3).tolist(),
        "coloraxis": "coloraxis",
        "xgap": 3,
        "ygap": 1,
        "customdata": [
            [
                [block.block, 1 if share >= 0.5 else 2, name, round(100 * max(share, 1 - share), 1)]
                for block, share in zip(mixing, row, strict=True)
            ]
            for name, row in zip(names, first.tolist(), strict=True)
        ],
        "hovertemplate": HOVER,
    }
    if len(names) <= WRITTEN:
        cells |= {"text": np.round(100 * first).astype(int).tolist(), "texttemplate": "%{text}"}
    ends = {"tickvals": [-0.5, 0, 0.5], "ticktext": ["only 2", "even", "only 1"]}
    scale = {
        "cmin": -0.5,
        "cmax": 0.5,
        "colorscale": [[0, KERNEL_COLORS[1]], [0.5, NEUTRAL], [1, KERNEL_COLORS[0]]],
        "colorbar": KEY | ends,
    }
    written = " The number is the share of kernel 1 in %." if len(names) <= WRITTEN else ""
    return [cells], {"coloraxis": scale}, f"The color is that of the kernel that leads.{written}"


def _stacked_bars(mixing: Sequence[BlockMixing], names: Sequence[str]) -> tuple[list[Spec], Spec, str]:
    """A bar for each class and block, made of the shares of its kernels."""
    bars = []
    for kernel in range(max(len(block.mean) for block in mixing)):
        parts = [
            (row, place, *_part(block.per_class[row], kernel), [block.block, kernel + 1, name])
            for row, name in enumerate(names)
            for place, block in enumerate(mixing)
            if kernel < len(block.mean)
        ]
        bars.append(
            {
                "type": "bar",
                "orientation": "h",
                "name": f"kernel {kernel + 1}",
                "y": [row for row, *_ in parts],
                "base": [round(place - BAR / 2 + BAR * start, 4) for _, place, start, _, _ in parts],
                "x": [round(BAR * share, 4) for *_, share, _ in parts],
                "width": 0.8,
                "marker": {"color": color_of(kernel, KERNEL_COLORS), "line": {"width": 0}},
                "customdata": [[*whose, round(100 * share, 1)] for *_, share, whose in parts],
                "hovertemplate": HOVER,
            }
        )
    return bars, {"barmode": "overlay"}, "The longer a color, the more its kernel counts."


def _part(coefficients: Sequence[float], kernel: int) -> tuple[float, float]:
    """Where a kernel's part of a bar of length 1 begins, and how long it is."""
    shares = shares_of(coefficients)
    return float(shares[:kernel].sum()), float(shares[kernel])


def _numbers(mixing: Sequence[BlockMixing], names: Sequence[str]) -> Table:
    rows = [
        (name, block.block, kernel, value)
        for row, name in enumerate(names)
        for block in mixing
        for kernel, value in enumerate(block.per_class[row], start=1)
    ]
    return dict(zip(("class", "block", "kernel", "coefficient"), zip(*rows, strict=True), strict=True))
