"""Each block's mix for one picture: a stacked bar a block, a color a kernel."""

from collections.abc import Mapping, Sequence

from demo.charts.figure import Chart, Spec, category_axis, layout, upside_down, value_axis
from demo.shared.palette import KERNEL_COLORS, color_of


def picture_mixing_chart(mixing: Mapping[str, Sequence[float]]) -> Chart:
    """`mixing`: block -> K coefficients, in the network's order; not empty."""
    most = max(len(values) for values in mixing.values())
    bars = [_bars(kernel, mixing) for kernel in range(most)]
    most_in_sum = max(sum(values) for values in mixing.values())
    # a softmax's shares sum to 1, a sigmoid's need not
    x_axis = value_axis("mixing coefficient", range=[0, 1 if most_in_sum < 1.001 else most_in_sum])
    shape = layout(x_axis, upside_down(category_axis(list(mixing))), barmode="stack")
    shape["legend"] |= {"traceorder": "normal"}
    reading = "One bar a block, the first block at the top; the longer a color, the more its kernel counts."
    return Chart(picture_title(mixing), bars, shape, reading, 100 + 26 * len(mixing))


def _bars(kernel: int, mixing: Mapping[str, Sequence[float]]) -> Spec:
    values = [values[kernel] if kernel < len(values) else 0.0 for values in mixing.values()]
    return {
        "type": "bar",
        "orientation": "h",
        "name": f"kernel {kernel + 1}",
        "x": [round(value, 3) for value in values],
        "y": list(range(len(mixing))),
        "width": 0.7,
        "marker": {"color": color_of(kernel, KERNEL_COLORS), "line": {"width": 0}},
        "hovertemplate": f"%{{y}}, kernel {kernel + 1}: %{{x:.3f}}<extra></extra>",
    }


def picture_title(mixing: Mapping[str, Sequence[float]]) -> str:
    """The block that leans most on one kernel for this picture."""
    block = max(mixing, key=lambda name: max(mixing[name]) / (sum(mixing[name]) or 1.0))
    values = list(mixing[block])
    top = max(values)
    return f"For this picture {block} leans most on one kernel: kernel {values.index(top) + 1} with {top:.2f}"
