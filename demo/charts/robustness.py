"""Accuracy over the strength of damage: a line a kind for one network, or a line a network."""

from collections.abc import Sequence
from dataclasses import dataclass

from cifar_core.explain.corruptions import CORRUPTIONS, STRENGTHS
from cifar_core.explain.robustness import Robustness
from cifar_core.metrics.uncertainty import Accuracy
from demo.charts.figure import Chart, Spec, layout, line, value_axis
from demo.charts.overlay import line_style, plotly_line
from demo.shared.format import begun, percent
from demo.shared.palette import CORRUPTION_COLORS, color_of
from demo.shared.ranking import CLOSE, close_to_best, describe_lead

MEAN = "mean of all"
SYMBOLS = ("circle", "square", "triangle-up", "diamond")


@dataclass(frozen=True)
class MeasuredRun:
    """A network with its accuracy under damage; `rank` is its place among all runs and gives its color."""

    name: str
    rank: int
    measured: Robustness


def kind_style(kind: str) -> dict[str, str | int]:
    """Color and dash of a kind of damage, the same in every chart."""
    place = list(CORRUPTIONS).index(kind)
    dash = ("solid", "dashed")[place % 2] if place < len(CORRUPTION_COLORS) else "dotted"
    return {"color": color_of(place, CORRUPTION_COLORS), "width": 2, "type": dash}


def robustness_chart(measured: Robustness) -> Chart:
    """Accuracy in percent over strength 0 to 5, one line a kind; `measured` may not be whole yet."""
    lines = [
        _line(kind, values_of(measured, kind), kind_style(kind), SYMBOLS[place // 2 % len(SYMBOLS)])
        for place, kind in enumerate(CORRUPTIONS)
    ]
    reading = (
        "Strength 0 is the picture as it is; the pictures below show what each strength does. Where a line "
        "is steep, a little damage costs many answers."
    )
    return Chart(robustness_title(measured), lines, _layout(), reading, 340)


def compared_chart(runs: Sequence[MeasuredRun], kind: str) -> Chart:
    """One line a network: its accuracy under one kind of damage, or the mean of all (MEAN); all whole."""
    lines = [_line(run.name, values_of(run.measured, kind), line_style(run.rank), SYMBOLS[0]) for run in runs]
    reading = "One line a network. A line may begin lower and still be flatter: that network loses less."
    if len(close_to_best(_at_most(runs, kind))) > 1:
        reading = f"{reading} {CLOSE}"
    return Chart(compared_title(runs, kind), lines, _layout(), reading, 320)


def values_of(measured: Robustness, kind: str) -> list[float]:
    """Accuracies (0..1) from strength 0 on, as far as they are known."""
    if kind == MEAN:
        return measured.mean
    return [measured.clean or 0.0, *measured.accuracy.get(kind, [])]


def robustness_title(measured: Robustness) -> str:
    """The kinds that hurt most and least at the greatest strength, in a sentence."""
    if not measured.is_whole:
        return "The curves grow as they are measured"
    last = {kind: measured.accuracy[kind][-1] for kind in CORRUPTIONS}
    worst, best = min(last, key=last.__getitem__), max(last, key=last.__getitem__)
    falls = f"{percent(measured.clean)} becomes {percent(last[worst])} at strength {STRENGTHS}"
    return f"{begun(worst)} hurts most: {falls}; {best} hurts least ({percent(last[best])})"


def compared_title(runs: Sequence[MeasuredRun], kind: str) -> str:
    """The network that withstands it best, in a sentence."""
    what = "all kinds on average" if kind == MEAN else kind
    return f"Under {what} at strength {STRENGTHS}: {describe_lead(_at_most(runs, kind))}"


def _at_most(runs: Sequence[MeasuredRun], kind: str) -> list[tuple[str, Accuracy]]:
    """Each network's accuracy at the greatest strength."""
    return [(run.name, accuracy_of(run.measured, values_of(run.measured, kind)[-1])) for run in runs]


def accuracy_of(measured: Robustness, share: float) -> Accuracy:
    """A share of right answers on the pictures of a measurement."""
    return Accuracy(share, measured.n, "test" if measured.pictures.startswith("test") else "validation")


def _layout() -> Spec:
    x_axis = value_axis("strength of the damage (0 none, 5 most)", dtick=1)
    shape = layout(x_axis, value_axis("accuracy (%)", rangemode="tozero"), showlegend=False)
    return shape | {"margin": shape["margin"] | {"t": 12}}


def _line(name: str, values: Sequence[float], style: dict[str, str | int], symbol: str) -> Spec:
    hover = f"{name}<br>%{{y:.2f}} % at strength %{{x}}<extra></extra>"
    look: Spec = {"line": plotly_line(style), "hovertemplate": hover}
    percents = [100 * value for value in values]
    drawn = line(name, range(len(values)), percents, str(style["color"]), marked=True, **look)
    return drawn | {"marker": drawn["marker"] | {"symbol": symbol, "size": 7}}
