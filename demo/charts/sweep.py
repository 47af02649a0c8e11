"""A sweep's charts: Optuna's own figures, in this project's colors and look."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from demo.charts.figure import Chart, Spec, Table, layout, value_axis
from demo.shared.format import percent, whole_percent
from demo.shared.palette import ACCENT, CURVE_INK, MUTED_INK

if TYPE_CHECKING:
    from optuna import Study
    from plotly.graph_objects import Figure

TARGET = "val accuracy"
PERCENT: Spec = {"tickformat": ".1%"}
HISTORY = (
    "A dot is a finished trial, in Optuna's numbers; the line is the best so far. Pruned ones have no dot."
)
IMPORTANCES = (
    "Optuna's PED-ANOVA over the finished trials: the share of what good trials have in common that each "
    "setting explains. With few trials it changes with each of them."
)
PARALLEL = "A line is a finished trial; the better its accuracy, the stronger the line."
SLICE = "A dot is a finished trial; later ones are stronger."


def history_chart(study: "Study") -> Chart:
    """Return each finished trial's accuracy, and the best so far."""
    from optuna.visualization import plot_optimization_history

    data, _ = _parts(plot_optimization_history(study, target_name=TARGET))
    dots, best = (trace for trace in data if trace["x"] and trace["name"] in (TARGET, "Best Value"))
    dots.update(name="a trial", marker={"color": CURVE_INK, "size": 7})
    best.update(name="best so far", line={"color": ACCENT, "width": 3, "shape": "hv"})
    done, last = len(dots["x"]), max(dots["x"])
    drawn = best["x"].index(last) + 1  # Optuna draws on to trials that only wait
    best.update(x=best["x"][:drawn], y=best["y"][:drawn])
    x_axis = value_axis("trial", dtick=max(1, math.ceil(last / 10)), tick0=0)
    shape = layout(x_axis, value_axis(TARGET, **PERCENT))
    title = f"The best of {done} finished trial{'s' if done > 1 else ''} reaches {percent(study.best_value)}"
    return Chart(title, [dots, best], shape, HISTORY, numbers=lambda: numbers(study))


def importances_chart(study: "Study") -> Chart | None:
    """Return how much each setting matters; None where the trials do not differ enough to tell."""
    from optuna.visualization import plot_param_importances

    try:
        data, _ = _parts(plot_param_importances(study, target_name=TARGET))
    except (RuntimeError, ValueError):  # fewer than two trials, or all of one accuracy
        return None
    (bars,) = data
    if len(bars["y"]) < 2:
        return None
    bars.update(marker={"color": ACCENT}, hovertemplate="%{y}: %{x:.2f}<extra></extra>")
    x_axis = value_axis("importance", range=[0, 1.15 * max(bars["x"])], rangemode="tozero")
    table: Table = {"setting": bars["y"][::-1], "importance": bars["x"][::-1]}
    title = f"{bars['y'][-1]} matters most: {whole_percent(bars['x'][-1])} of the importance"
    shape = layout(x_axis, {"automargin": True, "showgrid": False})
    return Chart(title, data, shape, IMPORTANCES, numbers=lambda: table)


def parallel_chart_of(study: "Study") -> Chart:
    """Return the finished trials as lines across their settings."""
    from optuna.visualization import plot_parallel_coordinate

    data, shape = _parts(plot_parallel_coordinate(study, target_name=TARGET))
    lines = [trace for trace in data if trace["mode"] == "lines"]  # the other is the colors' scale
    for trace in lines:
        strength = trace["y"][0]  # its accuracy, from the lowest at 0 to the highest at 1
        trace["line"] = {"color": ACCENT, "width": 1 + 2 * strength}
        trace["opacity"] = 0.35 + 0.65 * strength
    shape["xaxis"] |= {"automargin": True}
    for words in shape["annotations"]:
        words["font"] = {"color": MUTED_INK, "size": 11}
    for axis in shape["shapes"]:
        axis["line"] = {"color": CURVE_INK, "width": 1}
    title = "The settings of each finished trial, and what it reached"
    return Chart(title, lines, shape, PARALLEL, height=340, numbers=lambda: numbers(study))


def slice_chart(study: "Study", setting: str) -> Chart:
    """Return the accuracies against one setting."""
    from optuna.visualization import plot_slice

    data, shape = _parts(plot_slice(study, params=[setting], target_name=TARGET))
    (dots,) = [trace for trace in data if trace["x"]]
    order = dots["marker"]["color"]  # numbers of trials
    last = max(order) or 1
    strengths = [0.45 + 0.55 * number / last for number in order]
    dots["marker"] = {"color": ACCENT, "size": 8, "opacity": strengths}
    dots["x"] = [value.strip("'") if isinstance(value, str) else value for value in dots["x"]]
    x_axis = {**shape["xaxis"], **value_axis(setting)}
    for name in ("domain", "categoryarray", "categoryorder"):  # one figure alone, names without quotes
        x_axis.pop(name, None)
    if x_axis.get("type") == "log":
        x_axis |= _log_ticks(dots["x"])
    axes = layout(x_axis, value_axis(TARGET, **PERCENT))
    return Chart(f"Accuracy against {setting}", [dots], axes, SLICE, numbers=lambda: numbers(study))


def _log_ticks(values: Sequence[float]) -> Spec:
    """Ticks at 1, 2 and 5 times the powers of ten, written out."""
    low, high = math.log10(min(values)), math.log10(max(values))
    powers = range(math.floor(low), math.ceil(high) + 1)
    ticks = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    return {"tickmode": "array", "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}


def numbers(study: "Study") -> Table:
    """A row for each finished trial: its number, its settings, its accuracy in 0..1."""
    from optuna.trial import TrialState

    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    names = list(dict.fromkeys(name for trial in trials for name in trial.params))
    return {
        "trial": [trial.number for trial in trials],
        **{name: [trial.params.get(name) for trial in trials] for name in names},
        TARGET: [trial.value for trial in trials],
    }


def _parts(figure: "Figure") -> tuple[list[Spec], Spec]:
    """The traces and the layout as plain JSON values, without plotly's template and the title."""
    parts: Mapping[str, Any] = json.loads(json.dumps(figure.to_plotly_json(), default=_plain))
    shape = {name: value for name, value in parts["layout"].items() if name not in ("template", "title")}
    return parts["data"], {"margin": {"l": 8, "r": 16, "t": 30, "b": 8}, "hovermode": "closest", **shape}


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else list(value)
