"""Charts show the data they are given, and say in words what is seen."""

import dataclasses
import json

import numpy as np
import pytest

from cifar_core.config import TrainConfig
from cifar_core.runs.events import LearningRate
from cifar_core.runs.history import History
from cifar_core.runs.store import RunStore
from demo.charts import (
    CurveView,
    accuracy_chart,
    loss_chart,
    lr_chart,
    mixing_ribbons,
)
from demo.charts.figure import MAX_POINTS, for_dark, thinned
from demo.shared.palette import READ, on_dark
from tests.support.fake_runs import epoch_end, events, make_run, steps
from tests.support.texts import says

NAMES = tuple("abcdefghij")
CONFIG = TrainConfig(epochs=6, lr=0.3, schedule="cosine")


def history_of(epochs: int, *, half: bool = False, mixes: bool = True, quality: float = 1.0) -> History:
    history = History()
    history.add(events(epochs, 100, half=half, mixes=mixes, quality=quality))
    return history


def column(data: list[list], index: int) -> list:
    return [row[index] for row in data]


def test_curves_move_within_the_epoch():
    history = history_of(2, half=True)
    training, validation = loss_chart(history, "#000000").data
    assert training["x"] == pytest.approx([n / 10 for n in range(1, 26)])
    assert validation["x"] == [1, 2]
    assert validation["y"] == pytest.approx([epoch.val_loss for epoch in history.epochs], abs=1e-4)
    assert training["line"]["width"] < validation["line"]["width"]


def test_accuracy_is_in_percent():
    history = history_of(2)
    _, validation = accuracy_chart(history, "#000000").data
    assert validation["y"] == pytest.approx([100 * epoch.val_accuracy for epoch in history.epochs], abs=1e-3)


def test_a_single_point_is_drawn():
    """A line needs two; the first step and the first epoch must be seen too."""
    history = history_of(1)
    history.steps = history.steps[:1]
    for chart in (loss_chart(history, "#000000"), accuracy_chart(history, "#000000")):
        assert all(len(drawn["x"]) == 1 and "markers" in drawn["mode"] for drawn in chart.data)


def test_an_earlier_run_lies_behind_and_is_named():
    earlier = history_of(4, quality=0.9)
    chart = loss_chart(history_of(2), "#000000", CurveView(earlier=("the first try", earlier)))
    assert len(chart.data) == 3 and chart.data[0]["opacity"] < 1
    assert chart.data[0]["x"] == [1, 2, 3, 4] and "the first try" in chart.reading


def test_the_learning_rate_is_drawn_before_its_schedule():
    history = history_of(2)
    chart = lr_chart(history, CONFIG)
    schedule, done = chart.data
    assert schedule["x"][-1] == pytest.approx(CONFIG.epochs, abs=0.1) and schedule["y"][-1] < 0.01
    assert max(schedule["y"]) == pytest.approx(CONFIG.lr, rel=0.01)
    assert done["y"] == [step.lr for step in history.steps] and "0.1" in chart.title
    assert "first steps" in lr_chart(History(), CONFIG).title
    chart.figure  # noqa: B018 (plotly checks it)


def test_the_structure_is_the_same_before_and_after_the_first_epoch():
    for history in (History(), history_of(0, half=True), history_of(3)):
        for chart in (loss_chart(history, "#000000"), accuracy_chart(history, "#000000")):
            assert [drawn["name"] for drawn in chart.data] == ["training", "validation"]
            chart.figure  # noqa: B018 (plotly checks it)


def test_no_axis_that_grows_has_a_range():
    """Plotly.react would take a new one for the figure's own wish and undo the reader's zoom."""
    for history in (history_of(1), history_of(6)):
        for chart in (loss_chart(history, "#0"), accuracy_chart(history, "#0"), lr_chart(history, CONFIG)):
            assert not any("range" in chart.layout[axis] for axis in ("xaxis", "yaxis"))


def test_the_numbers_hold_every_point_of_a_thinned_curve():
    history = history_of(1)
    history.steps = [dataclasses.replace(history.steps[0], step=n + 1, loss=n) for n in range(5000)]
    chart = loss_chart(history, "#000000")
    assert len(chart.data[0]["x"]) == MAX_POINTS and "5,000" in chart.reading
    table = chart.table()
    assert sum(name == "training" for name in table["line"]) == 5000
    assert sum(table["loss"]) == pytest.approx(sum(range(5000)) + history.epochs[0].val_loss)


def test_charts_are_plain_json():
    """A browser refuses NaN."""
    for chart in (loss_chart(history_of(3), "#000000"), mixing_ribbons(history_of(5))):
        json.dumps([chart.data, chart.layout, chart.narrow], allow_nan=False)


def test_long_runs_are_thinned_and_keep_their_last_point():
    x, y = thinned(range(100_000), [value / 2 for value in range(100_000)])
    assert len(x) == len(y) == MAX_POINTS
    assert (x[-1], y[-1]) == (99_999, 49_999.5)
    assert np.allclose(np.array(x) / 2, y)
    assert thinned([1, 2], [3, 4]) == ([1, 2], [3, 4])


def test_titles_follow_the_data():
    accuracy = accuracy_chart(history_of(4), "#000").title
    assert says(accuracy, "Validation", "80 % at epoch 4", "84.56 % at epoch 4")
    assert "the lowest so far" in loss_chart(history_of(3), "#000").title
    assert "validation follows" in loss_chart(history_of(0, half=True), "#000").title
    assert "with the first steps" in accuracy_chart(History(), "#000").title


def test_learning_by_heart_is_said():
    history = history_of(2)
    for epoch in (3, 4, 5):
        event = epoch_end(epoch, True, 1.0)
        history.epochs.append(dataclasses.replace(event, val_loss=3.0, train_loss=0.01))
    assert "by heart" in loss_chart(history, "#000").title
    history.epochs[-1] = dataclasses.replace(history.epochs[-1], train_loss=9.0)
    assert "by heart" not in loss_chart(history, "#000").title


def test_charts_of_a_stored_run(tmp_path):
    """What the store gives back draws the same as what was put in."""
    history = History()
    history.add(make_run(RunStore(tmp_path), epochs=2).events())
    assert loss_chart(history, "#000").data == loss_chart(history_of(2), "#000").data


def test_a_new_epoch_extends_the_axis():
    history = history_of(2)
    history.add(steps(3, 1, 1.0))
    assert loss_chart(history, "#000").layout["xaxis"]["autorangeoptions"]["maxallowed"] == 3


def test_a_changed_learning_rate_is_a_thin_mark_on_all_curves():
    history = history_of(2)
    assert loss_chart(history, "#000").layout["shapes"] == []
    history.add([LearningRate(75, 0.5, 1.0)])
    for chart in (loss_chart(history, "#000"), accuracy_chart(history, "#000"), lr_chart(history, CONFIG)):
        (mark,) = chart.layout["shapes"]
        assert (mark["x0"], mark["x1"], mark["label"]["text"]) == (1.5, 1.5, "lr ×0.5")
        assert "somebody changed the learning rate" in chart.reading
        chart.figure  # noqa: B018 (plotly checks it)


def test_of_changes_that_lie_close_only_the_last_has_words():
    history = history_of(2)
    history.add([LearningRate(step, 0.5, 1.0) for step in (20, 75, 76, 77)])
    marks = loss_chart(history, "#000").layout["shapes"]
    assert [bool(mark["label"]["text"]) for mark in marks] == [True, False, False, True]


def test_on_a_dark_page_only_what_is_too_dark_changes():
    marker = {"color": ["#222288", "#FFAA11"], "line": {"color": "rgba(0,0,0,.5)"}}
    trace = {"name": "a", "line": {"color": "#FFAA11", "width": 2}, "fillcolor": "#222288", "marker": marker}
    name = {"text": "b1", "font": {"color": "#B42318"}}
    figure = {"data": [trace], "layout": {"annotations": [name]}, "narrow": None}
    dark = for_dark(figure)
    assert dark["data"][0] == {
        **trace,
        "fillcolor": on_dark("#222288"),
        "marker": {**marker, "color": [on_dark("#222288"), "#FFAA11"]},
    }
    assert dark["layout"]["annotations"] == [{"text": "b1", "font": {"color": on_dark("#B42318", READ)}}]
    assert figure["data"] == [trace], "the light one stays"
