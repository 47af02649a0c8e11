"""Own results minus the stated ones: a row for each work's result, zero in the middle."""

import math
from collections.abc import Sequence

from cifar_core.metrics.uncertainty import CLEAR
from cifar_core.runs.results import Result
from demo.charts.figure import Chart, Spec, Table, category_axis, layout, upside_down, value_axis
from demo.shared.format import percent
from demo.shared.palette import MUTED_INK, RUN_COLORS
from demo.shared.stated_results import Row, title_of, verdict

OWN, FAST = "own, as stated", "own, fast"
MARKS: dict[str, Spec] = {
    OWN: {"symbol": "circle", "size": 11, "color": RUN_COLORS[0]},
    FAST: {"symbol": "triangle-up", "size": 11, "color": RUN_COLORS[5]},
}
READING = (
    "Right of the line in the middle is better than stated, left of it worse. Circles: the recipe as the "
    "work states it, run by this project. Triangles: our own recipe for the same network, in at most a fifth "
    f"of the epochs. Whiskers: {CLEAR:g} standard errors of the difference, both on as many test pictures; "
    "one that crosses the line is too close to tell. A row without a mark is not run yet."
)


def stated_chart(rows: Sequence[Row]) -> Chart:
    """Own test accuracy minus the stated one, in percentage points, a row a result, works kept together."""
    names = [row.recipe.name for row in rows]
    own = [(row, row.own) for row in rows]
    fast = [(row, row.fast) for row in rows]
    traces = [_marks(OWN, own, names), _marks(FAST, fast, names)]
    reach = [abs(x) + e for one in traces for x, e in zip(one["x"], one["error_x"]["array"], strict=True)]
    end = math.ceil(max([*reach, 1.0]) + 0.5)
    x_axis = value_axis("own minus stated (percentage points)", range=[-end, end])
    x_axis |= {"zeroline": True, "zerolinecolor": MUTED_INK, "zerolinewidth": 2}
    x_axis |= {"tickformat": "+~g", "labelalias": {"+0": "stated"}}
    y_axis = upside_down(category_axis(names))
    shape = layout(x_axis, y_axis, shapes=_between_works(rows))
    return Chart(
        verdict(rows), traces, shape, READING, 100 + 30 * len(rows), numbers=lambda: _numbers(own + fast)
    )


def _marks(name: str, results: Sequence[tuple[Row, Result | None]], names: Sequence[str]) -> Spec:
    found = [(row, one) for row, one in results if one is not None and one.difference is not None]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [round(100 * (one.difference or 0.0), 2) for _, one in found],
        "y": [names.index(row.recipe.name) for row, _ in found],
        "marker": MARKS[name],
        "error_x": {
            "type": "data",
            "array": [round(100 * CLEAR * one.error, 3) for _, one in found],
            "thickness": 1,
            "width": 4,
        }
        | {"color": MARKS[name]["color"]},
        "customdata": [
            [title_of(row.recipe), percent(one.accuracy), percent(one.stated)] for row, one in found
        ],
        "hovertemplate": f"%{{customdata[0]}}<br>stated %{{customdata[2]}}; {name}: %{{customdata[1]}}"
        " (%{x:+.2f} points)<extra></extra>",
    }


def _between_works(rows: Sequence[Row]) -> list[Spec]:
    """A hairline wherever the rows of another work begin."""
    ink = {"color": MUTED_INK, "width": 0.5}
    return [
        {"type": "line", "xref": "x domain", "x0": 0, "x1": 1, "y0": at - 0.5, "y1": at - 0.5, "line": ink}
        for at in range(1, len(rows))
        if rows[at].recipe.work != rows[at - 1].recipe.work
    ]


def _numbers(results: Sequence[tuple[Row, Result | None]]) -> Table:
    found = [one for _, one in results if one is not None]
    return {
        "recipe": [one.recipe for one in found],
        "stated": [one.stated for one in found],
        "own": [one.accuracy for one in found],
        "own minus stated": [one.difference for one in found],
        "test pictures": [one.n for one in found],
        "run": [one.run_id for one in found],
    }
