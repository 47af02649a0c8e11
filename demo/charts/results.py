"""Stated results beside own ones: a row for each, a mark for each accuracy."""

from collections.abc import Sequence

from demo.charts.old_figure import Chart, Option, category_axis, plain_option, value_axis
from demo.shared.format import percent
from demo.shared.palette import MUTED_INK, RUN_COLORS
from demo.shared.stated_results import Row, title_of, verdict

STATED, OWN, FAST = "stated", "own, as stated", "own, fast"
MARKS: dict[str, Option] = {
    STATED: {"symbol": "rect", "symbolSize": [3, 18], "itemStyle": {"color": MUTED_INK}},
    OWN: {"symbol": "circle", "symbolSize": 12, "itemStyle": {"color": RUN_COLORS[0]}},
    FAST: {"symbol": "triangle", "symbolSize": 12, "itemStyle": {"color": RUN_COLORS[5]}},
}


def stated_chart(rows: Sequence[Row]) -> Chart:
    """Test accuracy in percent, one row a stated result."""
    names = [row.recipe.name for row in rows]
    values = {
        STATED: [row.recipe.stated.accuracy if row.recipe.stated else None for row in rows],
        OWN: [row.own.accuracy if row.own else None for row in rows],
        FAST: [row.fast.accuracy if row.fast else None for row in rows],
    }
    series = [_marks(name, numbers, rows) for name, numbers in values.items()]
    x_axis = value_axis("test accuracy (%)", scale=True)
    legend = {"top": 0, "left": 0, "data": list(MARKS)}
    option = plain_option(x_axis, category_axis(names, inverse=True), series, legend=legend)
    option["grid"] |= {"left": 8}
    option["tooltip"] = {"trigger": "item", "formatter": "{b}", "confine": True}
    reading = (
        "Bars: what the work states. Circles: its recipe, run by this project. Triangles: our own recipe "
        "for the same network, in at most a fifth of the epochs. Right of the bar is better than stated. "
        "A row without circle and triangle is not run yet."
    )
    return Chart(verdict(rows), option, reading, 90 + 30 * len(rows))


def _marks(name: str, values: Sequence[float | None], rows: Sequence[Row]) -> Option:
    data = [
        {"value": [round(100 * value, 2), place], "name": f"{title_of(row.recipe)}, {name}: {percent(value)}"}
        for place, (value, row) in enumerate(zip(values, rows, strict=True))
        if value is not None
    ]
    return {"type": "scatter", "name": name, "data": data, **MARKS[name]}
