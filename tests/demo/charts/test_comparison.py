"""Overlays, parallel axes and the scatter of costs say what their data say, in axes that fit it."""

import json

import pytest

from cifar_core.metrics.uncertainty import Accuracy
from cifar_core.runs.history import History
from demo.charts import OverlaidRun, line_style, overlay_chart
from demo.charts.costs import COSTS, CostRun, cost_chart, cost_title
from demo.charts.figure import for_dark
from demo.charts.overlay import DASHES, distinct_ranks, run_color
from demo.charts.settings import (
    ACCURACY,
    MOST_AXES,
    PARAMETERS,
    RUN,
    TIME,
    SettingsRun,
    columns_of,
    parallel_chart,
    settings_title,
)
from demo.shared.palette import RUN_COLORS
from tests.support.fake_runs import events
from tests.support.texts import says


def on_test(share, n=10_000):
    return Accuracy(share, n)


def run(name="a", rank=0, accuracy=0.9, seconds=120.0, parameters=2_000_000, **settings):
    return SettingsRun(name, rank, settings, accuracy and on_test(accuracy), seconds, parameters)


def valid(chart):
    """The chart, once plotly and JSON have taken it."""
    assert chart.figure.layout.title.text == chart.title
    json.dumps([chart.data, chart.layout, chart.narrow], allow_nan=False)
    return chart


# Over one another


def overlaid(name="a", rank=0, epochs=3, quality=1.0, **more):
    history = History()
    history.add(events(epochs, 100, half=False, mixes=False, quality=quality))
    return OverlaidRun(name, rank, history, **more)


def test_an_overlay_has_one_line_a_run_in_its_color():
    runs = [overlaid("slow", 4, epochs=2), overlaid("quick", 1, epochs=4)]
    chart = valid(overlay_chart(runs, "accuracy", "epoch"))
    assert [trace["name"] for trace in chart.data] == ["slow", "quick"]
    assert [trace["line"]["color"] for trace in chart.data] == [run_color(4), run_color(1)]
    assert chart.data[1]["x"] == [1, 2, 3, 4]
    seconds = valid(overlay_chart(runs, "loss", "seconds"))
    assert seconds.data[0]["x"] == [12.5, 25.0]
    assert list(seconds.table()["epoch"]) == [1, 2, 1, 2, 3, 4]


def test_an_overlay_of_validation_names_its_winner_and_the_pictures():
    runs = [overlaid("slow", quality=0.5), overlaid("quick", 1)]
    assert says(overlay_chart(runs, "accuracy", "epoch").title, "quick", "5,000 validation", "above slow")
    loss = overlay_chart(runs, "loss", "epoch").title
    assert says(loss, "quick", "lowest", "38 s")
    none = [overlaid(epochs=0)]
    assert "None of these runs" in valid(overlay_chart(none, "accuracy", "epoch")).title
    assert valid(overlay_chart(none, "loss", "epoch")).table()["epoch"] == ()


def test_an_overlay_ranks_by_the_test_where_every_run_was_measured():
    runs = [overlaid("a", quality=0.9, accuracy=on_test(0.94)), overlaid("b", 1, accuracy=on_test(0.90))]
    assert says(overlay_chart(runs, "accuracy", "epoch").title, "a", "94.00 %", "10,000 test", "4.00", "b")
    runs[1] = overlaid("b", 1)
    assert says(overlay_chart(runs, "accuracy", "epoch").title, "b", "validation")


def test_what_is_too_close_is_said_to_be_and_has_no_winner():
    runs = [overlaid("a", accuracy=on_test(0.943)), overlaid("b", 1, accuracy=on_test(0.9403))]
    chart = overlay_chart(runs, "accuracy", "epoch")
    assert says(chart.title, "a and b", "too close") and "ahead" not in chart.title
    assert "standard errors" in chart.reading
    assert "ahead" not in overlay_chart(runs, "accuracy", "epoch", ranked=False).title


def test_losses_are_not_ranked_across_label_smoothing():
    runs = [overlaid("a", smoothing=0.2), overlaid("b", 1)]
    chart = overlay_chart(runs, "loss", "epoch")
    assert "lowest" not in chart.title and says(chart.title, "0 and 0.2")
    assert "label smoothing" in chart.reading
    assert "lowest" in overlay_chart([runs[0], overlaid("b", 1, smoothing=0.2)], "loss", "epoch").title


@pytest.mark.parametrize("ranks", [[0, 8, 16, 1, 9, 24], [3, 3, 3], list(range(20))])
def test_no_two_compared_runs_look_alike(ranks):
    found = distinct_ranks(ranks)
    assert found[0] == ranks[0] % len(RUN_COLORS), "the first keeps its color"
    looks = {(line_style(rank)["color"], line_style(rank)["type"]) for rank in found}
    assert len(looks) == len(ranks)
    assert len({run_color(rank) for rank in found}) == min(len(ranks), len(RUN_COLORS))
    assert {line_style(rank)["type"] for rank in found[: len(RUN_COLORS)]} == {DASHES[0]}


# Parallel axes


def axes(*runs):
    return {axis["label"]: axis for axis in valid(parallel_chart(runs)).data[0]["dimensions"]}


def test_each_line_passes_through_its_runs_values():
    runs = [run("a", 0, lr=0.1, nesterov=True), run("b", 3, accuracy=0.5, lr=0.2, nesterov=False)]
    chart, found = valid(parallel_chart(runs)), axes(*runs)
    assert list(found) == [RUN, "lr", "nesterov", TIME, PARAMETERS, ACCURACY]
    words = {name: dict(zip(found[name]["tickvals"], found[name]["ticktext"], strict=True)) for name in found}
    assert [words[RUN][at] for at in found[RUN]["values"]] == ["a", "b"]
    assert found["lr"]["values"] == [0.1, 0.2] and found[ACCURACY]["values"] == [90.0, 50.0]
    assert [words["nesterov"][at] for at in found["nesterov"]["values"]] == ["yes", "no"]
    line = chart.data[0]["line"]
    assert [color for _, color in line["colorscale"]] == [run_color(0), run_color(3)]
    assert [place for place, _ in line["colorscale"]] == line["color"]
    assert chart.table() == {
        RUN: ["a", "b"],
        "lr": [0.1, 0.2],
        "nesterov": ["yes", "no"],
        TIME: [2.0, 2.0],
        PARAMETERS: [2.0, 2.0],
        ACCURACY: [90.0, 50.0],
    }


def test_lines_across_axes_are_seen_on_a_dark_page_too():
    chart = parallel_chart([run("a", 7, lr=1), run("b", 0, lr=2)])
    light, dark = chart.data[0]["line"]["colorscale"], for_dark(chart.data)[0]["line"]["colorscale"]
    assert light[0][1] == "#000000" and dark[0][1] != "#000000"
    assert [place for place, _ in dark] == [0, 1]


def test_axes_fit_their_values():
    found = axes(run(lr=0.001, sizes=[20, 32], args={"k": 3}), run(lr=0.1, sizes=[32], args={}, seconds=60.0))
    assert found["lr"]["values"] == [-3, -1] and found["lr"]["ticktext"] == ["0.001", "0.01", "0.1"]
    assert set(found["sizes"]["ticktext"]) == {"20, 32", "32"}
    assert set(found["args"]["ticktext"]) == {"k 3", "none"}
    for name in (TIME, PARAMETERS):
        low, high = found[name]["range"]
        assert low < min(found[name]["values"]) and max(found[name]["values"]) < high


def test_names_with_one_beginning_stay_apart_on_their_axis():
    names = ["mixing_lite-20261128-045911-645d", "mixing_lite-20261128-045911-78d7"]
    assert len(set(axes(*(run(name, lr=1) for name in names))[RUN]["ticktext"])) == 2


def test_numbers_have_their_own_ticks_unless_they_lie_too_close():
    assert axes(run(x=1), run(x=3))["x"]["ticktext"] == ["1", "3"]
    assert "ticktext" not in axes(run(x=1000), run(x=1001), run(x=2000))["x"]


@pytest.mark.parametrize("values", [(0, 5), (-1.0, 1.0), (0, 0)])
def test_numbers_around_zero_have_a_plain_axis(values):
    low, high = values
    axis = axes(run(x=low), run(x=high))["x"]
    assert axis["values"] == [low, high] and axis["range"][0] < low <= high < axis["range"][1]


def test_many_settings_leave_room_for_what_came_of_them():
    settings = {"recipe": "r", **{f"s{number}": number for number in range(20)}, "lr": 0.1}
    runs = [run("a", **settings), run("b", **settings)]
    names = list(columns_of(runs))
    assert len(names) == MOST_AXES and names[0] == "lr" and names[-1] == ACCURACY and "recipe" not in names
    assert "5 of 22 settings" in parallel_chart(runs).reading


def test_what_is_not_known_of_every_run_has_no_axis():
    assert list(columns_of([run(lr=1), run(lr=2, accuracy=None, seconds=None)])) == ["lr", PARAMETERS]


@pytest.mark.parametrize(
    ("runs", "parts"),
    [
        ([run("a", lr=1), run("b", accuracy=0.95, lr=2)], ("differ in lr", "b", "95.00 %", "above a")),
        ([run("a", lr=1), run("b", accuracy=0.905, lr=2)], ("differ in lr", "b and a", "too close")),
        ([run(**dict.fromkeys("abcde", 1))] * 2, ("differ in a, b and c and 2 more",)),
        ([run(accuracy=None, lr=1)] * 2, ("These runs differ in lr",)),
        ([run(), run()], ("All settings are the same",)),
    ],
)
def test_the_title_says_what_differs(runs, parts):
    assert says(settings_title(runs), *parts)
    assert "ahead" not in settings_title(runs, ranked=False)


# Costs

A = CostRun("a", 0, on_test(0.90), 600.0)


@pytest.mark.parametrize(
    ("other", "parts"),
    [
        ((0.80, 300.0), ("b takes less time", "0.50 of a's", "10.00 points behind")),
        ((0.895, 300.0), ("b takes less time", "0.50 points behind", "too close to tell")),
        ((0.895, 900.0), ("a is as good as any with 90.00 %", "none takes less time")),
        ((0.80, 900.0), ("a is best with 90.00 %", "none takes less time")),
        ((0.95, 600.0), ("All cost the same", "b", "95.00 %", "above a")),
    ],
)
def test_the_title_weighs_cost_against_accuracy(other, parts):
    share, cost = other
    assert says(cost_title([A, CostRun("b", 1, on_test(share), cost)], "time"), *parts)


def test_one_run_alone_has_a_title():
    assert says(cost_title([A], "time"), "a", "90.00 %", "10,000 test")


@pytest.mark.parametrize("cost", COSTS)
def test_marks_lie_where_the_numbers_say(cost):
    chart = valid(cost_chart([A, CostRun("b", 9, on_test(0.5), 1200.0)], cost))
    words, unit = COSTS[cost]
    assert [(mark["x"], mark["y"]) for mark in chart.data] == [
        ([round(600 / unit, 4)], [90.0]),
        ([round(1200 / unit, 4)], [50.0]),
    ]
    assert chart.data[0]["error_y"]["array"] == [pytest.approx(0.6)], "two standard errors of 10,000 pictures"
    assert chart.data[0]["marker"]["symbol"] != chart.data[1]["marker"]["symbol"]
    assert chart.layout["xaxis"]["title"]["text"] == words and "type" not in chart.layout["xaxis"]
    assert chart.table()["accuracy"] == [0.9, 0.5]


def test_costs_far_apart_have_a_logarithmic_axis():
    axis = cost_chart([A, CostRun("b", 1, on_test(0.5), 60_000.0)], "time").layout["xaxis"]
    assert axis["type"] == "log" and {"10", "1,000"} <= set(axis["ticktext"])


@pytest.mark.parametrize("runs", [2, 6, 30])
def test_names_beside_marks_do_not_overprint(runs):
    many = [CostRun(f"run number {n}", n, on_test(0.9 + 0.0004 * n), 600.0 + n) for n in range(runs)]
    chart = valid(cost_chart(many, "time"))
    for shape in (chart.layout, chart.narrow):
        spots = [(a["x"], a["y"], a["xanchor"], a.get("xshift"), a.get("ay")) for a in shape["annotations"]]
        assert len(spots) == len(set(spots)) and 1 <= len(spots) <= runs
    assert runs > 6 or len(chart.layout["annotations"]) == runs, "few have all their names"
