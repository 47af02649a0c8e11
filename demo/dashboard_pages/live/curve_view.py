"""How the curves of a run are looked at: chosen with widgets, kept in the URL, the same after every update.

The charts themselves forget zoom and legend with each new point (Streamlit 1.67 hands ECharts the whole
option anew), so both are chosen here.
"""

import math

import streamlit as st

from cifar_core.runs.history import History
from demo.charts import CurveView

AXES = {"epoch": "Epochs", "step": "Steps", "seconds": "Seconds"}
SMOOTHING = {"0": "As it is", "0.6": "Smooth", "0.9": "Smoother"}
PARTS = {"all": "All epochs", "5": "The last five", "1": "The last", "part": "A part"}
LINES = {"training": "Training", "validation": "Validation"}


def choose_view(history: History) -> CurveView:
    """Draw the widgets; the view that they hold."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        part = _one("Epochs shown", PARTS, "part")
        with st.popover("Lines and axes"):
            by, smoothing, lines, log = _lines_and_axes(history)
    first, last = _epochs(history, part)
    shown = tuple(line for line in LINES if line in lines)
    return CurveView(by, float(smoothing), log, first, last, shown or tuple(LINES))


def _lines_and_axes(history: History) -> tuple[str, str, list[str], bool]:
    """(x axis, smoothing, lines that are shown, whether the loss has a logarithmic axis)."""
    by = _one("Along", AXES, "by")
    smoothing = _one("Training line", SMOOTHING, "smooth")
    lines = st.pills(
        "Lines",
        list(LINES),
        format_func=lambda line: history.monitored.capitalize() if line == "validation" else LINES[line],
        selection_mode="multi",
        default=list(LINES),
        key="lines",
        bind="query-params",
    )
    log = st.toggle("Logarithmic loss", key="log", bind="query-params")
    return by, smoothing, lines, log


def _one(label: str, options: dict[str, str], key: str) -> str:
    chosen = st.segmented_control(
        label,
        list(options),
        format_func=options.__getitem__,
        default=next(iter(options)),
        required=True,
        key=key,
        bind="query-params",
    )
    return str(chosen or next(iter(options)))


def _epochs(history: History, part: str) -> tuple[float, float | None]:
    """(first epoch, last epoch or None for the newest) of the part that is shown."""
    newest = max(1, math.ceil(history.steps[-1].step / history.steps_per_epoch) if history.steps else 1)
    if part == "all":
        return 0.0, None
    if part != "part":
        return max(0.0, float(newest - int(part))), None
    total = max(newest, history.start.total_steps // history.steps_per_epoch if history.start else 1)
    chosen = st.slider(
        "From epoch to epoch", 0.0, float(total), (0.0, float(total)), 0.5, key="zoom", bind="query-params"
    )
    first, last = chosen
    return first, last if last > first else None
