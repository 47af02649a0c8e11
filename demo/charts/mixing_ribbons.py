"""Every block's mix as the network learns: a small chart a block, its kernels' shares as ribbons."""

from collections.abc import Sequence

from cifar_core.runs.events import BlockMixing, Epoch
from demo.charts.mixing import TAKEN_OVER, dominance_title
from demo.charts.old_figure import Chart, Option
from demo.shared.palette import KERNEL_COLORS, STATE_COLORS, color_of

MAX_COLUMNS = 120  # epochs that are drawn of a long run
IN_A_ROW, ON_A_PHONE = 4, 2  # blocks side by side, at most
PHONE = 520  # pixels: a narrower chart is a phone's
KEY_HEIGHT = 30  # pixels
ROW_HEIGHT = 170  # of a row of blocks, with the names above and the epochs below
NAME_HEIGHT, EPOCHS_HEIGHT = 20, 30


def mixing_ribbons(epochs: Sequence[Epoch]) -> Chart:
    """Each block's mean shares, one kernel over the other; `epochs` all have mixing; not empty."""
    shown = _spread(epochs)
    blocks = shown[-1].mixing
    rows = -(-len(blocks) // IN_A_ROW)
    places = range(len(blocks))
    names = [_kernel_name(kernel) for kernel in range(max(len(block.mean) for block in blocks))]
    option = {
        "animation": False,
        "tooltip": {"trigger": "axis", "valueFormatter": "%.2f", "confine": True},
        "legend": {"data": names, "top": 0, "left": 0, "icon": "rect", "type": "scroll"},
        "xAxis": [_epoch_axis(shown, place) for place in places],
        "yAxis": [{"type": "value", "gridIndex": place, "max": 1, "show": False} for place in places],
        "series": [series for place in places for series in _ribbons(shown, place)],
        **_frames(blocks, -(-len(blocks) // rows), ROW_HEIGHT),
        "media": [{"query": {"maxWidth": PHONE}, "option": _on_a_phone(blocks, rows * ROW_HEIGHT)}],
    }
    reading = (
        "One chart a block, in the network's order. The wider a ribbon, the more its kernel counts, on "
        "average over the validation pictures."
    )
    return Chart(dominance_title(blocks), option, reading, KEY_HEIGHT + rows * ROW_HEIGHT)


def _on_a_phone(blocks: Sequence[BlockMixing], height: int) -> Option:
    """Names and frames in no more height. Not the axes: ECharts 6 fails on those of several grids here."""
    rows = -(-len(blocks) // ON_A_PHONE)
    return _frames(blocks, ON_A_PHONE, height / rows)


def _frames(blocks: Sequence[BlockMixing], columns: int, row_height: float) -> Option:
    """Return where the name and the ribbons of each block stand, in rows of so many columns."""
    option: Option = {"title": [], "grid": []}
    for place, block in enumerate(blocks):
        row, column = divmod(place, columns)
        left, top = f"{100 * column / columns:.2f}%", round(KEY_HEIGHT + row * row_height)
        option["title"].append(_name(block) | {"left": left, "top": top})
        size = {
            "width": f"{100 / columns - 2.5:.2f}%",
            "height": round(row_height - NAME_HEIGHT - EPOCHS_HEIGHT),
        }
        option["grid"].append({"left": left, "top": top + NAME_HEIGHT, **size})
    return option


def _name(block: BlockMixing) -> Option:
    style: Option = {"fontSize": 12, "fontWeight": "normal"}
    if block.entropy >= TAKEN_OVER:
        return {"text": block.block, "textStyle": style, "padding": 0}
    red = {"color": STATE_COLORS["failed"]}
    return {"text": f"{block.block}: one kernel alone", "textStyle": style | red, "padding": 0}


def _epoch_axis(epochs: Sequence[Epoch], place: int) -> Option:
    """The first and the last epoch at its ends; a single one has its ribbon between two ends as well."""
    numbers = [str(epoch.epoch) for epoch in epochs]
    numbers = numbers if len(numbers) > 1 else ["", *numbers]
    ends = {"interval": len(numbers) - 2, "alignMinLabel": "left", "alignMaxLabel": "right", "margin": 4}
    return {
        "type": "category",
        "gridIndex": place,
        "data": numbers,
        "boundaryGap": False,
        "axisTick": {"show": False},
        "axisLine": {"show": False},
        "axisLabel": ends,
        "name": "epoch",
        "nameLocation": "middle",
        "nameGap": 1,
    }


def _ribbons(epochs: Sequence[Epoch], place: int) -> list[Option]:
    """The kernels of the block at this place, stacked: each its part of the coefficients' sum."""
    shares = [_shares(epoch.mixing[place].mean) for epoch in epochs]
    if len(shares) == 1:
        shares *= 2  # a ribbon has two ends
    return [
        {
            "type": "line",
            "name": _kernel_name(kernel),
            "xAxisIndex": place,
            "yAxisIndex": place,
            "stack": f"block {place + 1}",
            "symbol": "none",
            "lineStyle": {"width": 0, "color": color},
            "itemStyle": {"color": color},
            "areaStyle": {"opacity": 1, "color": color},
            "data": [round(share[kernel], 3) for share in shares],
        }
        for kernel in range(len(shares[0]))
        for color in [color_of(kernel, KERNEL_COLORS)]
    ]


def _shares(coefficients: Sequence[float]) -> list[float]:
    total = sum(coefficients) or 1.0  # a sigmoid's coefficients need not sum to 1
    return [value / total for value in coefficients]


def _kernel_name(kernel: int) -> str:
    return f"kernel {kernel + 1}"


def _spread(epochs: Sequence[Epoch]) -> list[Epoch]:
    """At most MAX_COLUMNS epochs, evenly spread, the last one always among them."""
    stride = -(-len(epochs) // MAX_COLUMNS)
    return list(epochs[::-1][::stride][::-1])
