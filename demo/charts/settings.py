"""The settings in which runs differ beside what came of it: a line a run across parallel axes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cifar_core.config import MAIN_FIELDS
from demo.charts.old_figure import Chart, Option
from demo.charts.overlay import line_style
from demo.shared.format import listed, percent
from demo.shared.palette import INK, MUTED_INK

ACCURACY, TIME, PARAMETERS = "accuracy (%)", "time (min)", "parameters (M)"
MOST_AXES = 8
AXIS_PIXELS = 66
ENDS = {"showMinLabel": False, "showMaxLabel": False, "hideOverlap": True}
MARGINS = {"left": 24, "right": 36, "top": 30, "bottom": 36}
FIRST = ("model", *MAIN_FIELDS)
LOG_RATIO = 30.0  # numbers that lie further apart get a logarithmic axis


@dataclass(frozen=True)
class SettingsRun:
    """One run: the settings that differ (name -> JSON value), and its figures; None where unknown.

    accuracy in 0..1 on validation pictures, seconds of training, number of parameters.
    """

    name: str
    rank: int
    settings: Mapping[str, Any]
    accuracy: float | None
    seconds: float | None
    parameters: int | None


def parallel_chart(runs: Sequence[SettingsRun]) -> Chart:
    """Axes: each differing setting, then time, parameters and accuracy. Two runs or more."""
    columns = columns_of(runs)
    axes = [_axis(place, name, values) for place, (name, values) in enumerate(columns.items())]
    rows = [[axis_value(values, row) for values in columns.values()] for row in range(len(runs))]
    option: Option = {
        "animation": False,
        "parallelAxis": axes,
        "parallel": {**MARGINS, "layout": "vertical", "parallelAxisDefault": _look()},
        "series": [_line(run, values) for run, values in zip(runs, rows, strict=True)],
        "tooltip": {"trigger": "item", "formatter": "{a}", "confine": True},
    }
    reading = (
        "One line a run: from its settings at the top to what they cost and gave at the bottom. Drag along "
        f"an axis to keep the runs within that part.{_left_out(runs, columns)}"
    )
    return Chart(settings_title(runs), option, reading, 40 + AXIS_PIXELS * len(axes))


def columns_of(runs: Sequence[SettingsRun]) -> dict[str, list[Any]]:
    """Axis name -> a value a run; at most MOST_AXES, the last three being figures that every run has."""
    figures = {
        TIME: [_scaled(run.seconds, 60) for run in runs],
        PARAMETERS: [_scaled(run.parameters, 1e6) for run in runs],
        ACCURACY: [_scaled(run.accuracy, 0.01) for run in runs],
    }
    known = {name: values for name, values in figures.items() if None not in values}
    names = sorted(runs[0].settings, key=_place)[: MOST_AXES - len(known)]
    return {**{name: [run.settings[name] for run in runs] for name in names}, **known}


def _place(name: str) -> int:
    """Return what a reader changes first comes first; a recipe's name says what its settings say."""
    return FIRST.index(name) if name in FIRST else len(FIRST) + (name == "recipe")


def _left_out(runs: Sequence[SettingsRun], columns: Mapping[str, Any]) -> str:
    differing = len(runs[0].settings)
    shown = sum(name in columns for name in runs[0].settings)
    return f" The axes show {shown} of {differing} settings; the table has all." if shown < differing else ""


def _scaled(number: float | None, unit: float) -> float | None:
    return None if number is None else round(number / unit, 4)


def is_number(values: Sequence[Any]) -> bool:
    """True for a column of numbers alone; true and false are words."""
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def axis_value(values: Sequence[Any], row: int) -> Any:
    """Return what the line passes through: a number, or the word on an axis of words."""
    return values[row] if is_number(values) else word_of(values[row])


def word_of(value: Any) -> str:
    """A setting's value on an axis of words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {word_of(item)}" for name, item in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(word_of, value))
    return str(value)


def _axis(place: int, name: str, values: list[Any]) -> Option:
    axis: Option = {"dim": place, "name": name}
    if not is_number(values):
        return axis | {"type": "category", "data": list(dict.fromkeys(map(word_of, values)))}
    low, high = min(values), max(values)
    if low > 0 and high / low > LOG_RATIO:
        lowest, highest = 10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high))
        return axis | {"type": "log", "min": lowest, "max": highest}
    room = (high - low) / 10 or abs(high) / 10 or 1
    ends = {"min": round(low - room, 6), "max": round(high + room, 6)}
    return axis | {"type": "value", "scale": True, **ends, "axisLabel": ENDS}


def _look() -> Option:
    return {
        "nameLocation": "start",  # above the axis: lines would cross a name in the middle below it
        "nameGap": 0,
        "nameTextStyle": {"color": INK, "align": "left", "verticalAlign": "bottom", "padding": [0, 0, 5, 0]},
        "axisLine": {"lineStyle": {"color": MUTED_INK}},
        "axisLabel": {"hideOverlap": True, "width": 110, "overflow": "truncate"},
    }


def _line(run: SettingsRun, values: list[Any]) -> Option:
    style = line_style(run.rank)
    return {
        "type": "parallel",
        "name": run.name,
        "data": [values],
        "lineStyle": {**style, "opacity": 1},
        "itemStyle": {"color": style["color"]},
        "emphasis": {"lineStyle": {"width": 5}},
    }


def settings_title(runs: Sequence[SettingsRun]) -> str:
    """Say how many settings differ, and those of the best run."""
    names = sorted(runs[0].settings, key=_place)
    if not names:
        return "All settings are the same; what differs is chance, or the machine"
    what = f"These runs differ in {listed(names[:3])}"
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    measured = [run for run in runs if run.accuracy is not None]
    if not measured:
        return what + more
    best = max(measured, key=lambda run: run.accuracy or 0.0)
    return f"{what}{more}; {best.name} comes out best with {percent(best.accuracy or 0.0)}"
