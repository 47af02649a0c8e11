"""Confidence beside accuracy, as trained and at a temperature."""

import math

from cifar_core.metrics.calibration import Reliability
from demo.charts.old_figure import Chart, Option, plain_option, value_axis
from demo.shared.format import percent
from demo.shared.palette import ACCENT, MUTED_INK

NEAR = 0.01  # sureness and accuracy closer than this are called equal
TRAINED, MENDED, IDEAL = "as trained", "at the temperature", "perfectly calibrated"


def calibration_chart(plain: Reliability, mended: Reliability, temperature: float) -> Chart:
    """Accuracy over confidence in percent, a point a bin; thin as trained, thick at `temperature`."""
    ideal = _line(IDEAL, [[0, 0], [100, 100]], MUTED_INK, 1, "dashed")
    ideal |= {"showSymbol": False, "silent": True, "tooltip": {"show": False}}
    lines = [
        ideal,
        _line(TRAINED, _points(plain), MUTED_INK, 1, "solid"),
        _line(MENDED, _points(mended), ACCENT, 3, "solid"),
    ]
    x_axis = value_axis("how sure it is: probability of its answer (%)", min=0, max=100)
    y_axis = value_axis("how often it is right (%)", vertical=True, min=0, max=100)
    option = plain_option(x_axis, y_axis, lines, legend={"top": 0, "left": 0})
    option["tooltip"] = {"trigger": "item", "formatter": "{a}<br>{@[2]}", "confine": True}
    reading = (
        "Pictures are sorted into 15 bins by how sure the network is; the larger a point, the more pictures. "
        "Below the dashed line it is surer than it is right. "
        f"The thick line divides its logits by {temperature:.2f}, which changes no answer."
    )
    return Chart(calibration_title(plain, mended, temperature), option, reading, 340)


def _points(result: Reliability) -> list[Option]:
    rows = zip(result.confidence.tolist(), result.accuracy.tolist(), result.counts.tolist(), strict=True)
    most = max(1, int(result.counts.max()))
    return [
        {
            "value": [
                round(100 * sure, 2),
                round(100 * right, 2),
                f"{count:,} pictures: {100 * sure:.1f} % sure, {100 * right:.1f} % right",
            ],
            "symbolSize": round(4 + 10 * math.sqrt(count / most), 1),
        }
        for sure, right, count in rows
        if count
    ]


def _line(name: str, data: list, color: str, width: int, dash: str) -> Option:
    return {
        "type": "line",
        "name": name,
        "data": data,
        "lineStyle": {"color": color, "width": width, "type": dash},
        "itemStyle": {"color": color},
        "symbol": "circle",
    }


def calibration_title(plain: Reliability, mended: Reliability, temperature: float) -> str:
    """Return whether the network is too sure as trained, and what becomes of that at the temperature."""
    (sure, right), (mended_sure, _) = _means(plain), _means(mended)
    if temperature == 1:
        return f"{_verdict(sure, right)}: on average {percent(sure)} sure and {percent(right)} right"
    return (
        f"{_verdict(mended_sure, right)} at the temperature {temperature:.2f}: on average "
        f"{percent(mended_sure)} sure and {percent(right)} right; as trained {percent(sure)} sure"
    )


def _means(result: Reliability) -> tuple[float, float]:
    """Mean probability of the answer and share of right ones, both in 0..1."""
    full = result.counts > 0
    weights = result.counts[full] / result.counts.sum()
    return float((weights * result.confidence[full]).sum()), float((weights * result.accuracy[full]).sum())


def _verdict(sure: float, right: float) -> str:
    if abs(sure - right) < NEAR:
        return "As sure as it is right"
    return "Too sure" if sure > right else "Too modest"
