"""How curves are looked at: x axis, smoothing, a logarithmic axis, a part of the run, some of the lines."""

import json
import time

import numpy as np
import pytest

from cifar_core.runs.events import LearningRate, Step
from cifar_core.runs.history import History
from demo.charts import CurveView, accuracy_chart, loss_chart
from demo.charts.figure import MAX_POINTS
from demo.charts.x_axis import epoch_positions, position_of, smoothed, step_positions
from tests.support.fake_runs import STEPS_PER_EPOCH, events, make_run
from tests.support.page_tests import charts, page, words


def history_of(epochs, half=False):
    history = History()
    history.add(events(epochs, 100, half=half, mixes=False, quality=1.0))
    return history


def lines(chart):
    return {line["name"]: line["data"] for line in chart.option["series"]}


def test_steps_and_seconds_take_the_place_of_epochs():
    history = history_of(3)
    by_step = lines(loss_chart(history, "#000", CurveView("step")))
    assert [x for x, _ in by_step["validation"]] == [50, 100, 150]
    assert by_step["training"][-1][0] == 150
    by_seconds = loss_chart(history, "#000", CurveView("seconds"))
    assert [x for x, _ in lines(by_seconds)["validation"]] == [12.5, 25.0, 37.5]
    assert by_seconds.option["xAxis"]["name"] == "training time (s)"
    assert by_seconds.option["xAxis"]["max"] == 37.5


def test_the_accuracy_axis_starts_near_the_curves_and_says_so():
    chart = accuracy_chart(history_of(6), "#000")
    start, values = chart.option["yAxis"]["min"], [y for line in lines(chart).values() for _, y in line]
    assert start > 0 and start % 10 == 0 and f"The axis starts at {start} %" in chart.reading
    assert sum(y < start for y in values) <= 0.1 * len(values), "only the first steps lie below"
    assert all(y >= start for _, y in lines(chart)["validation"])


@pytest.mark.parametrize("quality", [0.0, 0.1])
def test_the_axis_of_a_poor_run_starts_at_0_and_needs_no_words(quality):
    history = History()
    history.add(events(3, 100, half=False, mixes=False, quality=quality))
    for poor in (history, History()):
        chart = accuracy_chart(poor, "#000")
        assert chart.option["yAxis"]["min"] == 0 and "The axis starts" not in chart.reading


def test_an_epochs_last_step_lies_just_before_its_validation():
    at = step_positions(history_of(2, half=True), "seconds")
    assert at[9] == pytest.approx(12.5 - 1.1) and at[19] == pytest.approx(25 - 1.1)
    assert np.all(np.diff(at) > 0) and at[20] > 25


def test_a_mark_moves_with_the_axis():
    history = history_of(2)
    history.add([LearningRate(75, 0.5, 1.0)])
    assert position_of(history, 75, "seconds", step_positions(history, "seconds")) == pytest.approx(18.75)
    for by, x in (("epoch", 1.5), ("step", 75), ("seconds", 18.75)):
        (mark,) = loss_chart(history, "#000", CurveView(by)).option["series"][0]["markLine"]["data"]
        assert mark["xAxis"] == x
    outside = loss_chart(history, "#000", CurveView(first=1.6)).option["series"][0]["markLine"]["data"]
    assert outside == []


def test_smoothing_is_a_moving_average_without_a_false_start():
    values = np.array([4.0, 2.0, 0.0])
    assert smoothed(values, 0.0) is values
    assert smoothed(values, 0.5).tolist() == pytest.approx([4.0, 2 / 0.75, 1 / 0.875])
    assert smoothed(np.full(50, 3.0), 0.9).tolist() == pytest.approx([3.0] * 50)


def test_a_smoothed_line_keeps_the_single_steps_behind_it():
    chart = loss_chart(history_of(3), "#000", CurveView(smoothing=0.9))
    faint, smooth, _ = chart.option["series"]
    assert (faint["name"], smooth["name"]) == ("single steps", "training")
    assert faint["lineStyle"]["opacity"] < 0.5
    assert faint["data"] == loss_chart(history_of(3), "#000").option["series"][0]["data"]
    assert faint["data"] != smooth["data"] and "before smoothing" in chart.reading


def test_a_logarithmic_axis_leaves_out_what_is_not_above_0():
    history = history_of(2)
    history.add([Step(3, 105, 0.0, 1.0, 0.1, 800.0)])
    chart = loss_chart(history, "#000", CurveView(log=True))
    assert chart.option["yAxis"]["type"] == "log"
    assert all(y > 0 for _, y in lines(chart)["training"])
    assert accuracy_chart(history, "#000", CurveView(log=True)).option["yAxis"]["type"] == "value"


@pytest.mark.parametrize("by", ["epoch", "step", "seconds"])
def test_a_part_shows_what_lies_in_it(by):
    history = history_of(6)
    chart = loss_chart(history, "#000", CurveView(by, first=2.0, last=4.0))
    axis, ends = chart.option["xAxis"], epoch_positions(history, by)
    assert (axis["min"], axis["max"]) == (ends[1], ends[3])
    assert [x for x, _ in lines(chart)["validation"]] == ends[1:4]


def test_a_part_that_has_not_come_yet_is_empty_and_no_error():
    option = loss_chart(history_of(2), "#000", CurveView(first=5.0, last=6.0)).option
    assert option["xAxis"]["min"] < option["xAxis"]["max"]
    json.dumps(option, allow_nan=False)


def test_lines_can_be_left_out():
    history = history_of(2)
    assert list(lines(loss_chart(history, "#000", CurveView(lines=("validation",))))) == ["validation"]
    assert list(lines(loss_chart(history, "#000", CurveView(lines=("training",))))) == ["training"]


def test_a_long_run_is_drawn_quickly():
    """100,000 events; the bar is 0.2 s on a quiet machine."""
    history = history_of(1)
    history.steps = [Step(1 + n // 2500, n + 1, 2.0 / (1 + n / 9e3), 0.5, 0.1, 800.0) for n in range(100_000)]
    view, best = CurveView("seconds", 0.9, log=True), 10.0
    for _ in range(3):
        began = time.process_time()
        option = loss_chart(history, "#000", view).option
        best = min(best, time.process_time() - began)
    assert best < 0.6
    assert all(len(line["data"]) <= MAX_POINTS for line in option["series"])


def test_the_page_takes_the_view_from_its_address(store):
    run = make_run(store, epochs=6)
    app = page("live", run=run.id, by="Steps", smooth="Strong", part="The last five")
    option = json.loads(app.get("echarts_chart")[0].proto.spec)
    assert option["xAxis"]["name"] == "step" and option["xAxis"]["min"] == STEPS_PER_EPOCH
    assert [line["name"] for line in option["series"]] == ["single steps", "training", "validation"]
    assert "before smoothing" in words(app) and charts(app) == 5


def test_a_part_is_chosen_on_the_page(store):
    app = page("live", run=make_run(store, epochs=6).id)
    app.button_group(key="by").set_value("seconds").run()
    app.button_group(key="part").set_value("part").run()
    app.slider(key="zoom").set_value((2.0, 4.0)).run()
    assert not app.exception
    option = json.loads(app.get("echarts_chart")[0].proto.spec)
    assert (option["xAxis"]["min"], option["xAxis"]["max"]) == (25.0, 50.0)
