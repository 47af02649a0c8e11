"""Parts that every chart shares: a title, an ECharts option in the common look, a line on how to read it.

ECharts rather than Plotly because these charts move: Streamlit 1.67 gives a Plotly chart another identity
with every new point, so the browser tears it down and the curve is gone for a moment, while a keyed ECharts
chart takes new data in place. Options are plain dicts, cheap to build beside a running training.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demo.shared.palette import CIVIDIS, READ, SEEN, on_dark

MAX_POINTS = 400  # on one line; more cannot be told apart on a screen
CHART_HEIGHT = 280  # pixels
PAINTED = ("lineStyle", "itemStyle", "areaStyle")  # what holds the color of a line, a bar, a band

Option = dict[str, Any]


@dataclass(frozen=True)
class Chart:
    """An ECharts option with the sentence above it (what is seen) and the one below (how to read it)."""

    title: str
    option: Option
    reading: str
    height: int = CHART_HEIGHT


def plain_option(x_axis: Option, y_axis: Option, series: Sequence[Option], **more: Any) -> Option:
    """An option in the common look: no animation, hairline grid, room for the axis titles."""
    return {
        "animation": False,
        "grid": {"left": 38, "right": 16, "top": 36, "bottom": 34, "containLabel": True},
        "xAxis": x_axis,
        "yAxis": y_axis,
        "series": list(series),
        "tooltip": {"trigger": "axis", "valueFormatter": "%.2f", "confine": True},
        **more,
    }


def value_axis(name: str, *, vertical: bool = False, **more: Any) -> Option:
    """An axis of numbers, its title (with the unit) in the middle."""
    gap = {"nameGap": 38, "nameRotate": 90} if vertical else {"nameGap": 28}
    return {
        "type": "value",
        "name": name,
        "nameLocation": "middle",
        **gap,
        **more,
    }


def category_axis(labels: Sequence[str], **more: Any) -> Option:
    """An axis of names, all of them written, without ticks and lines."""
    return {
        "type": "category",
        "data": list(labels),
        "axisTick": {"show": False},
        "axisLine": {"show": False},
        "splitLine": {"show": False},
        "axisLabel": {"interval": 0},
        **more,
    }


def color_scale(top: float) -> Option:
    """The key of a heat map from 0 to `top`, cividis, at the right."""
    return {
        "min": 0,
        "max": top,
        "dimension": 2,
        "inRange": {"color": list(CIVIDIS)},
        "orient": "vertical",
        "right": 0,
        "top": "middle",
        "itemWidth": 10,
        "itemHeight": 120,
        "text": [f"{top:.1f}", "0"],
    }


def for_dark(option: Option) -> Option:
    """The same option for a dark page: lines, bars and titles too dark for it are mixed with white."""
    shown = {**option}
    if "series" in option:
        shown["series"] = [_lightened(series) for series in option["series"]]
    if "title" in option:
        shown["title"] = [
            title | {"textStyle": _seen(title.get("textStyle", {}), READ)} for title in option["title"]
        ]
    if "media" in option:  # the same chart on another screen
        shown["media"] = [case | {"option": for_dark(case["option"])} for case in option["media"]]
    return shown


def _lightened(part: Any) -> Any:
    if isinstance(part, dict):
        shown = {key: _seen(value) if key in PAINTED else _lightened(value) for key, value in part.items()}
        mark = shown.get("markLine", {})
        return (
            shown | {"markLine": mark | {"label": _seen(mark["label"], READ)}} if "label" in mark else shown
        )
    return [_lightened(item) for item in part] if isinstance(part, list) else part


def _seen(look: Option, least: float = SEEN) -> Option:
    color = look.get("color")
    return {**look, "color": on_dark(color, least)} if isinstance(color, str) and color[:1] == "#" else look


def thinned(
    x: Sequence[float], y: Sequence[float], limit: int = MAX_POINTS
) -> tuple[list[float], list[float]]:
    """At most `limit` points: means of neighbors, and the last point as it is."""
    if len(x) <= limit:
        return list(x), list(y)
    groups = np.array_split(np.arange(len(x) - 1), limit - 1)
    return [*_means(x, groups), x[-1]], [*_means(y, groups), y[-1]]


def points(x: Sequence[float], y: Sequence[float]) -> list[list[float]]:
    """[[x, y], …], thinned and rounded to what a screen can show."""
    return [[round(a, 4), round(b, 4)] for a, b in zip(*thinned(x, y), strict=True)]


def _means(values: Sequence[float], groups: list[NDArray[np.intp]]) -> list[float]:
    array = np.asarray(values, dtype=float)
    return [float(array[group].mean()) for group in groups]
