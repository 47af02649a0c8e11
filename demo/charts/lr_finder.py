"""The range test of a learning rate: the loss of each step along a rate that grows."""

from demo.charts.old_figure import Chart, Option, plain_option, value_axis
from demo.shared.palette import ACCENT, MUTED_INK

READING = (
    "Each point is one training step, with a rate that grows. Thin: its loss; thick: the moving average. "
    "Suggested is where the average falls most steeply."
)


def lr_finder_chart(points: list[list[float]], suggestion: float | None) -> Chart:
    """points: [rate, loss, moving average] a step."""
    axis = value_axis("learning rate") | {"type": "log", "axisLabel": {"hideOverlap": True}}
    lines = [_line("a step", points, 1, 1, MUTED_INK), _line("moving average", points, 2, 3, ACCENT)]
    marks = [] if suggestion is None else [{"xAxis": suggestion, "name": "suggested"}]
    lines[1]["markLine"] = {
        "symbol": "none",
        "silent": True,
        "label": {"formatter": "{b}"},
        "lineStyle": {"color": MUTED_INK, "width": 1, "type": "dotted"},
        "data": marks,
    }
    y_axis = value_axis("loss (nats)", vertical=True, scale=True)
    option = plain_option(axis, y_axis, lines, legend={"top": 0, "left": 0, "selectedMode": False})
    return Chart(lr_finder_title(points, suggestion), option, READING)


def _line(name: str, points: list[list[float]], column: int, width: int, color: str) -> Option:
    return {
        "type": "line",
        "name": name,
        "data": [[point[0], round(point[column], 4)] for point in points],
        "lineStyle": {"color": color, "width": width},
        "itemStyle": {"color": color},
        "showSymbol": False,
    }


def lr_finder_title(points: list[list[float]], suggestion: float | None) -> str:
    """Say what is seen, in a sentence."""
    if not points:
        return "The loss appears here with the first steps"
    if suggestion is None:
        return "The loss has not fallen yet"
    return f"The loss falls most steeply at a learning rate near {suggestion:.2g}"
