"""Each block's mix for one picture: a stacked bar a block, a color a kernel."""

from collections.abc import Mapping, Sequence

from demo.charts.old_figure import Chart, Option, category_axis, plain_option, value_axis
from demo.shared.palette import KERNEL_COLORS, color_of


def picture_mixing_chart(mixing: Mapping[str, Sequence[float]]) -> Chart:
    """`mixing`: block -> K coefficients, in the network's order; not empty."""
    most = max(len(values) for values in mixing.values())
    bars = [_bars(kernel, mixing) for kernel in range(most)]
    y_axis = category_axis(list(mixing), inverse=True)
    most_in_sum = max(sum(values) for values in mixing.values())
    x_axis = value_axis("mixing coefficient", min=0)
    if most_in_sum < 1.001:  # a softmax's shares sum to 1, a sigmoid's need not
        x_axis["max"] = 1
    option = plain_option(x_axis, y_axis, bars, legend={"top": 0, "left": 0})
    option["grid"] |= {"left": 8}
    option["tooltip"] |= {"axisPointer": {"type": "shadow"}}
    reading = "One bar a block, the first block at the top; the longer a color, the more its kernel counts."
    return Chart(picture_title(mixing), option, reading, 100 + 26 * len(mixing))


def _bars(kernel: int, mixing: Mapping[str, Sequence[float]]) -> Option:
    values = [values[kernel] if kernel < len(values) else 0.0 for values in mixing.values()]
    return {
        "type": "bar",
        "stack": "mix",
        "name": f"kernel {kernel + 1}",
        "data": [round(value, 3) for value in values],
        "itemStyle": {"color": color_of(kernel, KERNEL_COLORS)},
        "barMaxWidth": 18,
    }


def picture_title(mixing: Mapping[str, Sequence[float]]) -> str:
    """The block that leans most on one kernel for this picture."""
    block = max(mixing, key=lambda name: max(mixing[name]) / (sum(mixing[name]) or 1.0))
    values = list(mixing[block])
    top = max(values)
    return f"For this picture {block} leans most on one kernel: kernel {values.index(top) + 1} with {top:.2f}"
