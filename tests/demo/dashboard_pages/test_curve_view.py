"""How curves are looked at: x axis, smoothing, a logarithmic axis."""

import time

import numpy as np
import pytest

from cifar_core.runs.events import LearningRate, Step
from cifar_core.runs.history import History
from cifar_core.runs.summary import name_of
from demo.charts import CurveView, accuracy_chart, loss_chart
from demo.charts.figure import MAX_POINTS
from demo.charts.x_axis import position_of, smoothed, step_positions
from tests.support.fake_runs import events, make_run
from tests.support.page_tests import figures, page, words


def history_of(epochs, half=False):
    history = History()
    history.add(events(epochs, 100, half=half, mixes=False, quality=1.0))
    return history


def lines(chart):
    return {line["name"]: list(zip(line["x"], line["y"], strict=True)) for line in chart.data}


def test_steps_and_seconds_take_the_place_of_epochs():
    history = history_of(3)
    by_step = lines(loss_chart(history, "#000", CurveView("step")))
    assert [x for x, _ in by_step["validation"]] == [50, 100, 150]
    assert by_step["training"][-1][0] == 150
    by_seconds = loss_chart(history, "#000", CurveView("seconds"))
    assert [x for x, _ in lines(by_seconds)["validation"]] == [12.5, 25.0, 37.5]
    axis = by_seconds.layout["xaxis"]
    assert axis["title"]["text"] == "training time (s)" and axis["autorangeoptions"]["maxallowed"] == 37.5


def test_the_accuracy_axis_starts_near_the_curves_and_says_so():
    chart = accuracy_chart(history_of(6), "#000")
    start = chart.layout["yaxis"]["autorangeoptions"]["minallowed"]
    values = [y for line in lines(chart).values() for _, y in line]
    assert start > 0 and start % 10 == 0 and f"The axis starts at {start} %" in chart.reading
    assert sum(y < start for y in values) <= 0.1 * len(values), "only the first steps lie below"
    assert all(y >= start for _, y in lines(chart)["validation"])


def test_the_accuracy_axis_starts_at_0_in_the_first_epochs_and_where_that_is_asked_for():
    for chart in (
        accuracy_chart(history_of(2, half=True), "#000"),
        accuracy_chart(history_of(6), "#000", CurveView(from_zero=True)),
    ):
        assert chart.layout["yaxis"]["autorangeoptions"]["minallowed"] == 0
        assert "The axis starts" not in chart.reading


@pytest.mark.parametrize("quality", [0.0, 0.1])
def test_the_axis_of_a_poor_run_starts_at_0_and_needs_no_words(quality):
    history = History()
    history.add(events(3, 100, half=False, mixes=False, quality=quality))
    for poor in (history, History()):
        chart = accuracy_chart(poor, "#000")
        start = chart.layout["yaxis"]["autorangeoptions"]["minallowed"]
        assert start == 0 and "The axis starts" not in chart.reading


def test_an_epochs_last_step_lies_just_before_its_validation():
    at = step_positions(history_of(2, half=True), "seconds")
    assert at[9] == pytest.approx(12.5 - 1.1) and at[19] == pytest.approx(25 - 1.1)
    assert np.all(np.diff(at) > 0) and at[20] > 25


def test_a_mark_moves_with_the_axis():
    history = history_of(2)
    history.add([LearningRate(75, 0.5, 1.0)])
    assert position_of(history, 75, "seconds", step_positions(history, "seconds")) == pytest.approx(18.75)
    for by, x in (("epoch", 1.5), ("step", 75), ("seconds", 18.75)):
        (mark,) = loss_chart(history, "#000", CurveView(by)).layout["shapes"]
        assert mark["x0"] == x


def test_smoothing_is_a_moving_average_without_a_false_start():
    values = np.array([4.0, 2.0, 0.0])
    assert smoothed(values, 0.0) is values
    assert smoothed(values, 0.5).tolist() == pytest.approx([4.0, 2 / 0.75, 1 / 0.875])
    assert smoothed(np.full(50, 3.0), 0.9).tolist() == pytest.approx([3.0] * 50)


def test_a_smoothed_line_keeps_the_single_steps_behind_it():
    chart = loss_chart(history_of(3), "#000", CurveView(smoothing=0.9))
    faint, smooth, _ = chart.data
    assert (faint["name"], smooth["name"]) == ("single steps", "training")
    assert faint["opacity"] < 0.5
    assert faint["y"] == loss_chart(history_of(3), "#000").data[0]["y"] != smooth["y"]
    assert "before smoothing" in chart.reading


def test_a_logarithmic_axis_is_for_the_loss_alone():
    history = history_of(2)
    assert loss_chart(history, "#000", CurveView(log=True)).layout["yaxis"]["type"] == "log"
    assert "type" not in accuracy_chart(history, "#000", CurveView(log=True)).layout["yaxis"]


def test_a_long_run_is_drawn_quickly():
    """100,000 events; the bar is 0.2 s on a quiet machine."""
    history = history_of(1)
    history.steps = [Step(1 + n // 2500, n + 1, 2.0 / (1 + n / 9e3), 0.5, 0.1, 800.0) for n in range(100_000)]
    view, best = CurveView("seconds", 0.9, log=True), 10.0
    for _ in range(3):
        began = time.process_time()
        drawn = loss_chart(history, "#000", view).data
        best = min(best, time.process_time() - began)
    assert best < 0.6
    assert all(len(line["x"]) <= MAX_POINTS for line in drawn)


def test_the_page_takes_the_view_from_its_address(store):
    run = make_run(store, epochs=6)
    app = page("live", run=run.id, by="Steps", smooth="Strong")
    loss = figures(app)[0]
    assert loss["layout"]["xaxis"]["title"]["text"] == "step"
    names = [line["name"] for line in loss["data"]]
    assert [name for name in names if name != "earlier run"] == ["single steps", "training", "validation"]
    assert "before smoothing" in words(app)


def test_the_earlier_run_of_the_recipe_can_be_left_out(store):
    first = make_run(store, epochs=6)
    run = make_run(store, epochs=2)
    assert "earlier run" in [line["name"] for line in figures(page("live", run=run.id))[0]["data"]]
    assert name_of(first) in words(page("live", run=run.id))
    alone = figures(page("live", run=run.id, earlier="false"))[0]
    assert "earlier run" not in [line["name"] for line in alone["data"]]
