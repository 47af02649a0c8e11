"""The settings in which runs differ beside what came of it: a line a run across parallel axes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from cifar_core.metrics.uncertainty import Accuracy
from cifar_core.settings import MAIN_FIELDS
from demo.charts.figure import Chart, Spec, Table
from demo.charts.overlay import run_color
from demo.shared.format import listed, shortened
from demo.shared.ranking import CLOSE, close_to_best, describe_lead

RUN, ACCURACY, TIME, PARAMETERS = "run", "accuracy (%)", "time (min)", "parameters (M)"
MOST_AXES = 8
AXIS_PIXELS = 110  # least width of an axis; narrower screens scroll
FIRST = ("model", *MAIN_FIELDS)
LOG_RATIO = 30.0  # numbers that lie further apart get a logarithmic axis
ROOM = 0.06  # share of an axis that a number takes; values closer than that get round ticks instead
WORD_LETTERS, NAME_LETTERS = (
    15,
    22,
)  # longer words on an axis, longer names of runs, have dots in their middle


@dataclass(frozen=True)
class SettingsRun:
    """One run: the settings that differ (name -> JSON value), and its figures; None where unknown.

    accuracy: of the same kind for all; seconds of training, number of parameters.
    """

    name: str
    rank: int
    settings: Mapping[str, Any]
    accuracy: Accuracy | None
    seconds: float | None
    parameters: int | None


def parallel_chart(runs: Sequence[SettingsRun], ranked: bool = True) -> Chart:
    """Axes: the runs, each differing setting, then time, parameters and accuracy. Two runs or more."""
    columns = columns_of(runs)
    names = _axis(RUN, [run.name for run in runs], NAME_LETTERS)
    axes = [names, *(_axis(name, values) for name, values in columns.items())]
    places = [index / (len(runs) - 1) for index in range(len(runs))]
    scale = [[place, run_color(run.rank)] for place, run in zip(places, runs, strict=True)]
    trace = {
        "type": "parcoords",
        "line": {"color": places, "colorscale": scale, "cmin": 0, "cmax": 1},
        "dimensions": axes,
        "rangefont": {"color": "rgba(0,0,0,0)"},  # the ends of an axis lie a little beyond its values
        "unselected": {"line": {"opacity": 0.12}},
    }
    shape = {"margin": {"l": 150, "r": 40, "t": 62, "b": 24}, "uirevision": "keep"}
    known = [(run.name, run.accuracy) for run in runs if run.accuracy]
    close = ranked and known and len(close_to_best(known)) > 1
    reading = (
        "One line a run: from its settings at the left to what they cost and gave at the right. Drag along "
        "an axis: only runs that pass through that part stay in color; click the axis to have all back. Drag "
        f"an axis's name to move it beside another.{_left_out(runs, columns)}{f' {CLOSE}' if close else ''}"
    )
    table: Table = {
        RUN: [run.name for run in runs],
        **{name: _cells(values) for name, values in columns.items()},
    }
    return Chart(settings_title(runs, ranked), [trace], shape, reading, 350, numbers=lambda: table)


def columns_of(runs: Sequence[SettingsRun]) -> dict[str, list[Any]]:
    """Axis name -> a value a run; at most MOST_AXES, the last three being figures that every run has."""
    figures = {
        TIME: [_scaled(run.seconds, 60) for run in runs],
        PARAMETERS: [_scaled(run.parameters, 1e6) for run in runs],
        ACCURACY: [_scaled(run.accuracy.share if run.accuracy else None, 0.01) for run in runs],
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


def _cells(values: list[Any]) -> list[Any]:
    return values if is_number(values) else [word_of(value) for value in values]


def is_number(values: Sequence[Any]) -> bool:
    """True for a column of numbers alone; true and false are words."""
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def word_of(value: Any) -> str:
    """A setting's value on an axis of words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} {word_of(item)}" for name, item in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(word_of, value))
    return str(value)


def _axis(name: str, values: list[Any], letters: int = WORD_LETTERS) -> Spec:
    """One axis: words evenly spaced, the first at the top; numbers on a scale, by decades where far apart."""
    if not is_number(values) or name == RUN:
        words = list(dict.fromkeys(map(word_of, values)))[::-1]
        shown = [shortened(word, letters) for word in words]
        at = [words.index(word_of(value)) for value in values]
        return {"label": name, "values": at, **_ticks(range(len(words)), shown, 0.5)}
    low, high = min(values), max(values)
    if low > 0 and high / low > LOG_RATIO:
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        places = [round(math.log10(value), 6) for value in values]
        return {"label": name, "values": places, **_ticks(decades, [f"{10.0**n:g}" for n in decades], 0)}
    room = (high - low) / 10 or abs(high) / 10 or 1
    ends = [round(low - room, 6), round(high + room, 6)]
    axis = {"label": name, "values": values, "range": ends, "tickformat": "~g"}
    own = sorted(set(values))
    apart = all(b - a > ROOM * (ends[1] - ends[0]) for a, b in pairwise(own))
    return axis | ({"tickvals": own, "ticktext": [f"{value:.6g}" for value in own]} if apart else {})


def _ticks(places: Sequence[float], words: Sequence[str], room: float) -> Spec:
    ends = [places[0] - room, places[-1] + room]
    return {"tickvals": list(places), "ticktext": list(words), "range": ends}


def settings_title(runs: Sequence[SettingsRun], ranked: bool = True) -> str:
    """Say how many settings differ, and which run comes out best, if that can be told."""
    names = sorted(runs[0].settings, key=_place)
    if not names:
        return "All settings are the same; what differs is chance, or the machine"
    what = f"These runs differ in {listed(names[:3])}"
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    measured = [(run.name, run.accuracy) for run in runs if run.accuracy]
    return f"{what}{more}; {describe_lead(measured)}" if measured and ranked else what + more
