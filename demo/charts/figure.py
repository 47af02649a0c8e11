"""What every chart shares: a title, plotly's traces and layout in one look, a line on how to read it.

A figure is made of plain dicts: it is built again with every point beside a running training, and a
`go.Figure` takes fifteen times as long. `Chart.figure` is the go.Figure, checked by plotly, for notebooks.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from demo.shared.format import shortened
from demo.shared.palette import READ, SEEN, on_dark

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

MAX_POINTS = 400  # on one line; more cannot be told apart on a screen
CHART_HEIGHT = 280  # pixels
THIN, THICK = 1, 3  # pixels of a line
MARKER_SIZE = 6
NAME, NAME_ON_A_PHONE = 24, 14  # letters of a name along an axis
MARKUP = re.compile("<(?!br>|/?extra>)")  # of a name, not of ours

Spec = dict[str, Any]  # a part of a figure, as plotly.js takes it
Table = Mapping[str, Sequence[Any]]  # heading -> column
Numbers = Sequence[float] | NDArray[np.float64]


@dataclass(frozen=True)
class Chart:
    """A plotly figure with the sentence above it (what is seen) and the one below (how to read it).

    data, layout: plotly's traces and layout. narrow: the layout on a phone, where it is another one.
    numbers: gives all that is drawn, not thinned; without it the traces themselves are taken.
    """

    title: str
    data: list[Spec]
    layout: Spec
    reading: str
    height: int = CHART_HEIGHT
    narrow: Spec | None = None
    numbers: Callable[[], Table] | None = None

    @property
    def figure(self) -> "Figure":
        """The chart as plotly's own object, its title in it; raises ValueError where plotly refuses it."""
        from plotly.graph_objects import Figure

        title = {
            "title": {"text": self.title, "x": 0},
            "template": "plotly_white",
            "height": self.height + 60,
        }
        return Figure({"data": self.data, "layout": {**self.layout, **title}})

    def _repr_mimebundle_(self, *args: Any, **kwargs: Any) -> Any:
        return self.figure._repr_mimebundle_(*args, **kwargs)

    def table(self) -> Table:
        """Every number of the chart, a column each heading."""
        return self.numbers() if self.numbers else table_of(self.data, self.layout)


def layout(x_axis: Spec, y_axis: Spec, **more: Any) -> Spec:
    """A layout in the common look: narrow margins that grow with the labels, the legend above at the left."""
    return {
        "xaxis": x_axis,
        "yaxis": y_axis,
        "margin": {"l": 8, "r": 16, "t": 30, "b": 8},
        "legend": {"orientation": "h", "x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom"},
        "hovermode": "closest",
        "uirevision": "keep",
        **more,
    }


def value_axis(name: str, **more: Any) -> Spec:
    """An axis of numbers with its title, which holds the unit."""
    return {"title": {"text": name}, "automargin": True, "zeroline": False, **more}


def category_axis(labels: Sequence[str], **more: Any) -> Spec:
    """An axis of names, all of them written, without ticks and lines; double ones and numbers stay names."""
    places = list(range(len(labels)))
    return {
        "tickmode": "array",
        "tickvals": places,
        "ticktext": list(labels),
        "range": [-0.5, len(labels) - 0.5],
        "automargin": True,
        "showgrid": False,
        "zeroline": False,
        **more,
    }


def upside_down(axis: Spec) -> Spec:
    """The category axis with its first name at the top."""
    return {**axis, "range": axis["range"][::-1]}


def line(name: str, x: Numbers, y: Numbers, color: str, width: int = THICK, **more: Any) -> Spec:
    """A line, its points thinned to what a screen can show and rounded; a single point is drawn as a dot."""
    marked = more.pop("marked", False) or len(x) == 1
    x, y = thinned(x, y)
    return {
        "type": "scatter",
        "mode": "lines+markers" if marked else "lines",
        "name": name,
        "x": [round(float(value), 4) for value in x],
        "y": [round(float(value), 4) for value in y],
        "line": {"color": color, "width": width},
        "marker": {"color": color, "size": MARKER_SIZE},
        **more,
    }


def vertical_mark(x: float, color: str, words: str = "") -> Spec:
    """A dotted line from bottom to top at `x`, for a layout's `shapes`, with words at its upper end."""
    ink = {"color": color, "width": 1, "dash": "dot"}
    label = {"text": words, "textposition": "end", "textangle": 0, "font": {"color": color}}
    return {
        "type": "line",
        "x0": x,
        "x1": x,
        "y0": 0,
        "y1": 1,
        "yref": "y domain",
        "line": ink,
        "label": label,
    }


def with_short_names(shape: Spec, letters: int = NAME) -> Spec:
    """The layout with names along its axes of at most so many letters; itself where all are short enough."""
    long = {
        key: {**axis, "ticktext": [_short(text, letters) for text in axis["ticktext"]]}
        for key, axis in shape.items()
        if isinstance(axis, Mapping) and any(len(text) > letters for text in axis.get("ticktext", []))
    }
    return shape | long if long else shape


def _short(text: str, letters: int) -> str:
    return text if "<br>" in text else shortened(text, letters)


def for_dark(part: Any, key: str = "") -> Any:
    """The same traces or layout for a dark page: colors too dark for it are mixed with white."""
    if isinstance(part, Mapping):
        least = READ if key in ("font", "textfont", "tickfont") else SEEN
        return {
            name: _on_dark(value, least) if name in ("color", "fillcolor") else for_dark(value, name)
            for name, value in part.items()
            if (key, name) != ("line", "colorscale")
        } | _line_scale(part, key)
    return [for_dark(item, key) for item in part] if isinstance(part, list) else part


def _line_scale(part: Mapping[str, Any], key: str) -> Spec:
    """The colors of parallel coordinates, a scale with a stop for each line; a heat map's stays as it is."""
    if key != "line" or "colorscale" not in part:
        return {}
    return {"colorscale": [[place, _on_dark(color, SEEN)] for place, color in part["colorscale"]]}


def _on_dark(color: Any, least: float) -> Any:
    if isinstance(color, list):
        return [_on_dark(item, least) for item in color]
    if isinstance(color, str) and color[:1] == "#":
        return on_dark(color[:7], least) + color[7:]  # with its opacity, where it has one
    return color


def to_json(part: Spec) -> str:
    """The part as a browser reads it; a number that is none (a class without pictures) leaves a gap.

    plotly takes words in "<" and ">" for HTML, which in a name are letters.
    """
    try:
        text = json.dumps(part, separators=(",", ":"), allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(part), separators=(",", ":"))
    return MARKUP.sub("&lt;", text)


def _finite(part: Any) -> Any:
    if isinstance(part, Mapping):
        return {name: _finite(value) for name, value in part.items()}
    if isinstance(part, (list, tuple)):
        return [_finite(item) for item in part]
    return None if isinstance(part, float) and not math.isfinite(part) else part


def thinned(x: Numbers, y: Numbers, limit: int = MAX_POINTS) -> tuple[list[float], list[float]]:
    """At most `limit` points: means of neighbors, and the last point as it is."""
    if len(x) <= limit:
        return list(x), list(y)
    groups = np.array_split(np.arange(len(x) - 1), limit - 1)
    return [*_means(x, groups), x[-1]], [*_means(y, groups), y[-1]]


def _means(values: Numbers, groups: list[NDArray[np.intp]]) -> list[float]:
    array = np.asarray(values, dtype=float)[: groups[-1][-1] + 1]
    starts, sizes = [int(group[0]) for group in groups], [len(group) for group in groups]
    means: list[float] = (np.add.reduceat(array, starts) / sizes).tolist()
    return means


def describe_thinning(count: int) -> str:
    """A sentence where a line of `count` points is drawn with fewer; "" otherwise."""
    if count <= MAX_POINTS:
        return ""
    return f" Drawn as {MAX_POINTS} means of {count:,} points; Numbers has them all."


def table_of(data: Sequence[Spec], layout: Spec) -> Table:
    """What traces of x and y hold (lines, bars, heat maps), a row a point; names of categories in words."""
    rows: list[tuple[Any, ...]] = []
    for trace in data:
        if trace.get("type") == "heatmap":
            cells = enumerate(trace["z"])
            rows += [
                ("", _at(trace, "x", i, layout), _at(trace, "y", j, layout), z)
                for j, row in cells
                for i, z in enumerate(row)
            ]
        else:
            count = len(trace["y"])
            rows += [
                (trace.get("name", ""), _at(trace, "x", i, layout), _at(trace, "y", i, layout))
                for i in range(count)
            ]
    heads = ["line", _title(layout, "x", "x"), _title(layout, "y", "y"), "value"]
    columns = [list(column) for column in zip(*rows, strict=True)]
    table = dict(zip(heads, columns, strict=False))
    if not any(table.get("line", [])):
        table.pop("line", None)
    return table


def _title(layout: Spec, axis: str, otherwise: str) -> str:
    return str(layout[f"{axis}axis"].get("title", {}).get("text") or otherwise)


def _at(trace: Spec, axis: str, place: int, layout: Spec) -> Any:
    """The trace's value on an axis, the axis's own word for it where it has one."""
    value = trace[axis][place] if axis in trace else place
    shown = layout[f"{axis}axis"]
    words = dict(zip(shown.get("tickvals", []), shown.get("ticktext", []), strict=False))
    return words.get(value, value) if isinstance(value, int) else value
