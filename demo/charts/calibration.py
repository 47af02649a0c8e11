"""Confidence beside accuracy, as trained and at a temperature."""

import math

from cifar_core.metrics.calibration import Reliability
from cifar_core.metrics.uncertainty import CLEAR, Accuracy
from demo.charts.figure import THICK, THIN, Chart, Spec, Table, layout, value_axis
from demo.shared.format import percent
from demo.shared.palette import ACCENT, MUTED_INK

NEAR = 0.01  # sureness and accuracy closer than this are called equal
TRAINED, MENDED, IDEAL = "as trained", "at the temperature", "perfectly calibrated"


def calibration_chart(plain: Reliability, mended: Reliability, temperature: float) -> Chart:
    """Accuracy over confidence in percent, a point a bin; thin as trained, thick at `temperature`."""
    ideal: Spec = {"type": "scatter", "mode": "lines", "name": IDEAL, "x": [0, 100], "y": [0, 100]}
    ideal |= {"line": {"color": MUTED_INK, "width": THIN, "dash": "dash"}, "hoverinfo": "skip"}
    lines = [ideal, _line(TRAINED, plain, MUTED_INK, THIN), _line(MENDED, mended, ACCENT, THICK)]
    ends = {"range": [0, 100]}
    x_axis = value_axis("probability of its answer (%)", **ends)
    shape = layout(x_axis, value_axis("answers that are right (%)", **ends))
    reading = (
        "Pictures are sorted into 15 bins by how sure the network is; the larger a point, the more pictures, "
        "and a small one may lie off by chance. Below the dashed line the network is surer than it is right. "
        f"The thick line divides its logits by {temperature:.2f}, which changes no answer."
    )
    title = calibration_title(plain, mended, temperature)
    return Chart(title, lines, shape, reading, 340, numbers=lambda: _numbers(plain, mended))


def _rows(result: Reliability) -> list[tuple[float, float, int]]:
    """Mean probability, share of right answers (both 0..1) and pictures of each bin that holds any."""
    rows = zip(result.confidence.tolist(), result.accuracy.tolist(), result.counts.tolist(), strict=True)
    return [row for row in rows if row[2]]


def _line(name: str, result: Reliability, color: str, width: int) -> Spec:
    rows = _rows(result)
    most = max(1, int(result.counts.max()))
    sizes = [round(4 + 10 * math.sqrt(count / most), 1) for _, _, count in rows]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": [round(100 * sure, 2) for sure, _, _ in rows],
        "y": [round(100 * right, 2) for _, right, _ in rows],
        "cliponaxis": False,
        "customdata": [count for _, _, count in rows],
        "line": {"color": color, "width": width},
        "marker": {"color": color, "size": sizes, "opacity": 1},
        "hovertemplate": f"{name}<br>%{{customdata:,}} pictures: %{{x:.1f}} % sure, %{{y:.1f}} % right"
        "<extra></extra>",
    }


def _numbers(plain: Reliability, mended: Reliability) -> Table:
    rows = [(name, *row) for name, one in ((TRAINED, plain), (MENDED, mended)) for row in _rows(one)]
    return dict(zip(("line", "probability", "right", "pictures"), zip(*rows, strict=True), strict=True))


def calibration_title(plain: Reliability, mended: Reliability, temperature: float) -> str:
    """Return whether the network is too sure as trained, and what becomes of that at the temperature."""
    (sure, right), (mended_sure, _) = _means(plain), _means(mended)
    if temperature == 1:
        return f"{_verdict(plain)}: on average {percent(sure)} sure and {percent(right)} right"
    return (
        f"{_verdict(mended)} at the temperature {temperature:.2f}: on average "
        f"{percent(mended_sure)} sure and {percent(right)} right; as trained {percent(sure)} sure"
    )


def _means(result: Reliability) -> tuple[float, float]:
    """Mean probability of the answer and share of right ones, both in 0..1."""
    full = result.counts > 0
    weights = result.counts[full] / result.counts.sum()
    return float((weights * result.confidence[full]).sum()), float((weights * result.accuracy[full]).sum())


def _verdict(result: Reliability) -> str:
    """Whether it is too sure, in words: a gap that chance explains is none."""
    sure, right = _means(result)
    chance = CLEAR * Accuracy(min(1.0, right), int(result.counts.sum())).error
    if abs(sure - right) < max(NEAR, chance):
        return "Well calibrated"
    return "Too sure" if sure > right else "Not sure enough"
