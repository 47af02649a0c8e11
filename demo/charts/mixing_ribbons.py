"""Every block's mix as the network learns: a small chart a block, its kernels' shares as ribbons.

A ribbon grows with the training batches; its marks are what an epoch's end measured on validation images.
Runs of versions that noted no mixing within the epoch have ribbons from one epoch's end to the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from cifar_core.runs.history import History
from demo.charts.figure import Chart, Spec, Table
from demo.charts.mixing import TAKEN_OVER, dominance_title
from demo.shared.palette import KERNEL_COLORS, MUTED_INK, STATE_COLORS, color_of

MAX_COLUMNS = 120  # points of a ribbon
MAX_MARKS = 30  # epochs that are marked
IN_A_ROW, ON_A_PHONE = 4, 2  # blocks side by side, at most
KEY_HEIGHT, NAME_HEIGHT, TICKS_HEIGHT = 34, 20, 34  # pixels
ROW_HEIGHT = 180  # of a row of blocks, with the names above and the epochs below
GAP = 0.025  # share of the width between two blocks
EVEN = 1.15  # times an even share: less is told as an even mix
MARKED = "validation, after an epoch"

Item = TypeVar("Item")
Shares = list[list[float]]  # K columns


@dataclass(frozen=True)
class Ribbon:
    """One block: its shares (K columns) at places `x` in epochs; marks: the validation's, at their epochs."""

    block: str
    x: list[float]
    shares: Shares
    marks: tuple[list[float], Shares]
    taken: bool


def mixing_ribbons(history: History) -> Chart:
    """Each block's shares, one kernel over the other, of a history with mixing in a step or an epoch."""
    ribbons = ribbons_of(history)
    rows = -(-len(ribbons) // IN_A_ROW)
    height = KEY_HEIGHT + rows * ROW_HEIGHT
    data = [trace for place, ribbon in enumerate(ribbons, start=1) for trace in _traces(ribbon, place)]
    warm = _warm_until(history)
    wide = _layout(ribbons, -(-len(ribbons) // rows), height, warm)
    reading = (
        "One chart a block, in the network's order. The wider a ribbon, the more its kernel counts, on "
        f"average over the {'training' if _within(history) else 'validation'} pictures."
    )
    if _within(history) and history.epochs:
        reading += f" Circles: the borders on {history.monitored} pictures, which are whole and unchanged."
    if warm:
        reading += " Shaded: a temperature above 1 holds the mix close to even while the kernels take shape."
    told = sum(bool(step.mixing) for step in history.steps)
    if told > MAX_COLUMNS:
        reading += f" Drawn with {len(ribbons[0].x)} of {told:,} points; Numbers has them all."
    narrow = _layout(ribbons, ON_A_PHONE, height, warm)
    return Chart(_title(history), data, wide, reading, height, narrow, lambda: _numbers(history))


def ribbons_of(history: History) -> list[Ribbon]:
    """A ribbon for each block, from the steps where they hold the mix, otherwise from the epochs."""
    epochs = [epoch for epoch in history.epochs if epoch.mixing]
    steps = _spread([step for step in history.steps if step.mixing], MAX_COLUMNS)
    points = [(step.step, step.mixing) for step in steps]
    if not points:
        points = [
            (epoch.step, [block.mean for block in epoch.mixing]) for epoch in _spread(epochs, MAX_COLUMNS)
        ]
    if len(points) == 1:  # a ribbon has two ends
        points = [(0, points[0][1]), *points]
    marked = _spread(epochs, MAX_MARKS) if steps else []
    x = [step / history.steps_per_epoch for step, _ in points]
    ribbons = []
    for place, name in enumerate(names_of(history)):
        shares = _columns([_shares(mixing[place]) for _, mixing in points])
        measured = _columns([_shares(epoch.mixing[place].mean) for epoch in marked])
        marks = [epoch.step / history.steps_per_epoch for epoch in marked], measured
        taken = bool(epochs) and epochs[-1].mixing[place].entropy < TAKEN_OVER
        ribbons.append(Ribbon(name, x, shares, marks, taken))
    return ribbons


def names_of(history: History) -> list[str]:
    """The blocks, in the network's order."""
    told = next((epoch.mixing for epoch in reversed(history.epochs) if epoch.mixing), None)
    if told is not None:
        return [block.block for block in told]
    return list(history.start.mixing_blocks) if history.start else []


def _within(history: History) -> bool:
    """Whether the run noted its mix within the epochs."""
    return any(step.mixing for step in history.steps)


def _columns(rows: Sequence[Sequence[float]]) -> Shares:
    return [list(column) for column in zip(*rows, strict=True)]


def _shares(coefficients: Sequence[float]) -> list[float]:
    total = sum(coefficients) or 1.0  # a sigmoid's coefficients need not sum to 1
    return [value / total for value in coefficients]


def _spread(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many of them, evenly spread, the last one always among them."""
    stride = max(1, -(-len(items) // most))
    return list(items[::-1][::stride][::-1])


def _warm_until(history: History) -> float:
    """The epoch, in parts, until which the temperature was above 1; 0 where it never was."""
    warm = [step.step for step in history.steps if step.temperature > 1]
    return warm[-1] / history.steps_per_epoch if warm else 0.0


def _traces(ribbon: Ribbon, place: int) -> list[Spec]:
    """The kernels of a block, stacked, and the borders that the validation found between them."""
    axes = {"xaxis": f"x{_number(place)}", "yaxis": f"y{_number(place)}"}
    x = [round(value, 3) for value in ribbon.x]
    areas = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": f"kernel {kernel + 1}",
            "legendgroup": f"kernel {kernel + 1}",
            "showlegend": place == 1,
            "stackgroup": ribbon.block,
            "line": {"width": 0, "color": color_of(kernel, KERNEL_COLORS)},
            "fillcolor": color_of(kernel, KERNEL_COLORS),
            "x": x,
            "y": [round(value, 3) for value in column],
            "hovertemplate": f"kernel {kernel + 1}: %{{y:.2f}}<extra></extra>",
            **axes,
        }
        for kernel, column in enumerate(ribbon.shares)
    ]
    return [*areas, _borders(ribbon, place) | axes]


def _borders(ribbon: Ribbon, place: int) -> Spec:
    """Circles at the sums of the first 1, 2, …, K - 1 shares that validation measured."""
    at, columns = ribbon.marks
    x, y = [], []
    below = [0.0] * len(at)
    for column in columns[:-1]:
        below = [low + value for low, value in zip(below, column, strict=True)]
        x += [round(value, 3) for value in at]
        y += [round(value, 3) for value in below]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": MARKED,
        "legendgroup": MARKED,
        "showlegend": place == 1 and bool(x),
        "marker": {"size": 6, "color": "#FFFFFF", "line": {"color": "#1F2933", "width": 1}},
        "hoverinfo": "skip",
        "x": x,
        "y": y,
    }


def _layout(ribbons: Sequence[Ribbon], columns: int, height: int, warm: float) -> Spec:
    """Axes, names and shading of every block, in rows of so many columns; no more height on a phone."""
    rows = -(-len(ribbons) // columns)
    row = (height - KEY_HEIGHT) / rows
    layout: Spec = {"annotations": [], "shapes": []}
    for place, ribbon in enumerate(ribbons, start=1):
        down, across = divmod(place - 1, columns)
        left, right = across / columns, (across + 1) / columns - GAP
        top = 1 - down * row / (height - KEY_HEIGHT)
        upper, lower = (
            top - NAME_HEIGHT / (height - KEY_HEIGHT),
            top - (row - TICKS_HEIGHT) / (height - KEY_HEIGHT),
        )
        number = _number(place)
        layout[f"xaxis{number}"] = _epoch_axis(place, [left, right])
        layout[f"yaxis{number}"] = {
            "domain": [lower, upper],
            "anchor": f"x{number}",
            "range": [0, 1],
            "visible": False,
            "fixedrange": True,
        }
        layout["annotations"].append(_name(ribbon, left, top))
        if warm:
            layout["shapes"].append(_shade(place, warm))
    return {
        **layout,
        "margin": {"l": 8, "r": 8, "t": KEY_HEIGHT, "b": 0},
        "legend": {"orientation": "h", "x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom"},
        "hovermode": "x unified",
        "uirevision": "keep",
    }


def _epoch_axis(place: int, domain: list[float]) -> Spec:
    """A block's own axis; no `range`, which would undo the reader's zoom."""
    return {
        "domain": domain,
        "anchor": f"y{_number(place)}",
        "title": {"text": "epoch", "standoff": 0},
        **({"matches": "x"} if place > 1 else {}),
        "autorangeoptions": {"minallowed": 0},
        "nticks": 4,
        "showgrid": False,
        "zeroline": False,
        "hoverformat": ".2f",
    }


def _number(place: int) -> str:
    """An axis's number in its name: the first one has none."""
    return str(place) if place > 1 else ""


def _name(ribbon: Ribbon, left: float, top: float) -> Spec:
    name = {"text": ribbon.block, "showarrow": False, "xref": "paper", "yref": "paper", "font": {"size": 12}}
    name |= {"x": left, "y": top, "xanchor": "left", "yanchor": "top"}
    if ribbon.taken:
        name |= {
            "text": f"{ribbon.block}: one kernel alone",
            "font": {"size": 12, "color": STATE_COLORS["failed"]},
        }
    return name


def _shade(place: int, warm: float) -> Spec:
    box = {
        "type": "rect",
        "xref": f"x{_number(place)}",
        "yref": f"y{_number(place)} domain",
        "x0": 0,
        "x1": round(warm, 3),
        "y0": 0,
    }
    return {**box, "y1": 1, "fillcolor": MUTED_INK, "opacity": 0.25, "line": {"width": 0}, "layer": "above"}


def _title(history: History) -> str:
    """The block that leans most, in a sentence: by the last epoch's validation, before it by the steps."""
    epochs = [epoch for epoch in history.epochs if epoch.mixing]
    if epochs:
        return dominance_title(epochs[-1].mixing)
    blocks = {ribbon.block: [column[-1] for column in ribbon.shares] for ribbon in ribbons_of(history)}
    name = max(blocks, key=lambda block: max(blocks[block]) * len(blocks[block]))
    most = max(blocks[name])
    if most * len(blocks[name]) < EVEN:
        return "So far every block mixes its kernels almost evenly"
    return f"So far {name} leans most on one kernel: kernel {blocks[name].index(most) + 1} with {most:.2f}"


def _numbers(history: History) -> Table:
    """The coefficients of every step and epoch as they were told, a row a kernel."""
    names = names_of(history)
    rows: list[tuple[Any, ...]] = [
        ("training", step.epoch, step.step, names[place], kernel, value, step.temperature)
        for step in history.steps
        for place, values in enumerate(step.mixing)
        for kernel, value in enumerate(values, start=1)
    ]
    rows += [
        (history.monitored, epoch.epoch, epoch.step, block.block, kernel, value, None)
        for epoch in history.epochs
        for block in epoch.mixing
        for kernel, value in enumerate(block.mean, start=1)
    ]
    heads = ("pictures", "epoch", "step", "block", "kernel", "coefficient", "temperature")
    return dict(zip(heads, zip(*rows, strict=True), strict=True))
