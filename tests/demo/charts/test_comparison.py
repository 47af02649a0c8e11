"""Parallel axes and the scatter of costs say what their data say, in axes that fit it."""

import json

import pytest

from demo.charts.costs import COSTS, CostRun, cost_chart, cost_title
from demo.charts.overlay import run_color
from demo.charts.settings import (
    ACCURACY,
    MOST_AXES,
    PARAMETERS,
    TIME,
    SettingsRun,
    columns_of,
    parallel_chart,
    settings_title,
)


def run(name="a", rank=0, accuracy=0.9, seconds=120.0, parameters=2_000_000, **settings):
    return SettingsRun(name, rank, settings, accuracy, seconds, parameters)


def axes(*runs):
    return {axis["name"]: axis for axis in parallel_chart(runs).option["parallelAxis"]}


def test_each_line_passes_through_its_runs_values():
    runs = [run("a", 0, lr=0.1, nesterov=True), run("b", 3, accuracy=0.5, lr=0.2, nesterov=False)]
    option = parallel_chart(runs).option
    assert [axis["name"] for axis in option["parallelAxis"]] == ["lr", "nesterov", TIME, PARAMETERS, ACCURACY]
    assert [line["data"] for line in option["series"]] == [
        [[0.1, "yes", 2.0, 2.0, 90.0]],
        [[0.2, "no", 2.0, 2.0, 50.0]],
    ]
    assert [line["lineStyle"]["color"] for line in option["series"]] == [run_color(0), run_color(3)]
    json.dumps(option, allow_nan=False)


def test_axes_fit_their_values():
    found = axes(run(lr=0.001, sizes=[20, 32], args={"k": 3}), run(lr=0.1, sizes=[32], args={}, seconds=60.0))
    assert (found["lr"]["type"], found["lr"]["min"], found["lr"]["max"]) == ("log", 0.001, 0.1)
    assert found["sizes"]["data"] == ["20, 32", "32"] and found["args"]["data"] == ["k 3", "none"]
    assert found[TIME]["min"] < 1 and found[TIME]["max"] > 2
    same = found[PARAMETERS]
    assert same["min"] < 2 < same["max"]


@pytest.mark.parametrize("values", [(0, 5), (-1.0, 1.0), (0, 0)])
def test_numbers_around_zero_have_a_plain_axis(values):
    low, high = values
    axis = axes(run(x=low), run(x=high))["x"]
    assert axis["type"] == "value" and axis["min"] < low <= high < axis["max"]


def test_many_settings_leave_room_for_what_came_of_them():
    settings = {"recipe": "r", **{f"s{number}": number for number in range(20)}, "lr": 0.1}
    runs = [run("a", **settings), run("b", **settings)]
    names = list(columns_of(runs))
    assert len(names) == MOST_AXES and names[0] == "lr" and names[-1] == ACCURACY and "recipe" not in names
    assert "The axes show 5 of 22 settings" in parallel_chart(runs).reading


def test_what_is_not_known_of_every_run_has_no_axis():
    assert list(columns_of([run(lr=1), run(lr=2, accuracy=None, seconds=None)])) == ["lr", PARAMETERS]


@pytest.mark.parametrize(
    ("runs", "title"),
    [
        ([run("a", lr=1), run("b", accuracy=0.95, lr=2)], "differ in lr; b comes out best with 95.00 %"),
        ([run(**dict.fromkeys("abcde", 1))] * 2, "differ in a, b and c and 2 more; a comes out best"),
        ([run(accuracy=None, lr=1)] * 2, "These runs differ in lr"),
        ([run(), run()], "All settings are the same"),
    ],
)
def test_the_title_says_what_differs(runs, title):
    assert title in settings_title(runs)


A = CostRun("a", 0, 0.90, 600.0)


@pytest.mark.parametrize(
    ("other", "title"),
    [
        (CostRun("b", 1, 0.80, 300.0), "b takes less time (0.50 of a's) and is 10.00 points behind it"),
        (CostRun("b", 1, 0.80, 900.0), "a is best with 90.00 %, and none takes less time"),
        (CostRun("b", 1, 0.95, 600.0), "All cost the same; b gives most with 95.00 %"),
    ],
)
def test_the_title_weighs_cost_against_accuracy(other, title):
    assert cost_title([A, other], "time") == title


def test_one_run_alone_has_a_title():
    assert cost_title([A], "time") == "a reaches 90.00 %"


@pytest.mark.parametrize("cost", COSTS)
def test_marks_lie_where_the_numbers_say(cost):
    option = cost_chart([A, CostRun("b", 9, 0.5, 1200.0)], cost).option
    unit = COSTS[cost][1]
    assert [mark["data"] for mark in option["series"]] == [
        [[round(600 / unit, 4), 90.0]],
        [[round(1200 / unit, 4), 50.0]],
    ]
    assert option["series"][0]["symbol"] != option["series"][1]["symbol"]
    assert [mark["label"]["position"] for mark in option["series"]] == ["right", "left"], "names stay inside"
    assert option["xAxis"]["name"] == COSTS[cost][0] and option["xAxis"]["min"] == 0


def test_costs_far_apart_have_a_logarithmic_axis():
    option = cost_chart([A, CostRun("b", 1, 0.5, 60_000.0)], "time").option
    assert option["xAxis"]["type"] == "log" and "min" not in option["xAxis"]
