"""The range test of a learning rate: the loss of each step along a rate that grows."""

from demo.charts.figure import THICK, THIN, Chart, Table, layout, line, value_axis, vertical_mark
from demo.shared.palette import ACCENT, MUTED_INK

READING = (
    "Each point is one training step, with a rate that grows. Thin: its loss; thick: the moving average. "
    "Suggested is where the average falls most steeply."
)
HOVER = "%{y:.3f} at a rate of %{x:.2~g}<extra></extra>"


def lr_finder_chart(points: list[list[float]], suggestion: float | None) -> Chart:
    """points: [rate, loss, moving average] a step."""
    rates, losses, averages = ([point[column] for point in points] for column in range(3))
    lines = [
        line("a step", rates, losses, MUTED_INK, THIN, hovertemplate=HOVER),
        line("moving average", rates, averages, ACCENT, THICK, hovertemplate=HOVER),
    ]
    for drawn in lines:
        drawn["x"] = rates  # of small rates four decimals would leave nothing
    marks = [] if suggestion is None else [vertical_mark(suggestion, MUTED_INK, "suggested")]
    x_axis = value_axis("learning rate", type="log", dtick=1, tickformat="~g")
    shape = layout(x_axis, value_axis("loss (nats)"), shapes=marks)
    numbers: Table = {"learning rate": rates, "loss": losses, "moving average": averages}
    return Chart(lr_finder_title(points, suggestion), lines, shape, READING, numbers=lambda: numbers)


def lr_finder_title(points: list[list[float]], suggestion: float | None) -> str:
    """Say what is seen, in a sentence."""
    if not points:
        return "The loss appears here with the first steps"
    if suggestion is None:
        return "The loss has not fallen yet"
    return f"The loss falls most steeply at a learning rate near {suggestion:.2g}"
