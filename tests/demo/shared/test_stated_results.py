"""Stated results beside own ones: rows, words, chart and page."""

import dataclasses

import pytest

from cifar_core.recipes import get_recipe, list_works
from cifar_core.runs.results import FILE, keep_result
from demo.charts.results import FAST, OWN, stated_chart
from demo.shared.stated_results import describe_result, rows_of, table_rows, verdict
from tests.runs.test_results import RESULT
from tests.support.fake_runs import make_run
from tests.support.page_tests import charts, page, words
from tests.support.texts import says


def result(**changes):
    return dataclasses.replace(RESULT, **changes)


def test_every_stated_result_has_a_row_also_before_it_is_run():
    rows = rows_of([])
    assert [row.recipe.name for row in rows] == list_works()
    assert says(verdict(rows), "None")
    assert all(row["what it is"] and ":" not in row["what it is"] for row in table_rows(rows))
    assert {row["own, fast"] for row in table_rows(rows)} == {"not run yet"}


def test_the_best_result_of_either_kind_counts():
    results = [
        result(accuracy=0.91),
        result(seed=1, accuracy=0.92),
        result(recipe="s2-vgg-fast", accuracy=0.89),
        result(recipe="s4-scale", stated=0.95, accuracy=0.94),
    ]
    rows = {row.recipe.name: row for row in rows_of(results)}
    assert (rows["s2-vgg"].own.accuracy, rows["s2-vgg"].fast.accuracy) == (0.92, 0.89)
    assert rows["s4-scale"].fast is None
    assert (
        verdict(list(rows.values()))
        == f"1 of {len(rows)} stated results are reached; {len(rows) - 2} are not run yet"
    )


@pytest.mark.parametrize(
    ("accuracies", "said"),
    [
        ([0.99] * 12, "All 12 stated results are reached"),
        ([0.99] * 11, "11 of 12 stated results are reached; 1 is not run yet"),
        ([0.99] * 11 + [0.1], "11 of 12 stated results are reached"),
    ],
)
def test_the_verdict_counts_what_is_reached_and_what_is_missing(accuracies, said):
    pairs = zip(list_works(), accuracies, strict=False)
    assert verdict(rows_of(result(recipe=name, accuracy=value) for name, value in pairs)) == said


def test_a_result_in_words():
    assert describe_result(None) == "not run yet"
    assert describe_result(RESULT) == "91.23 % (+1.07 points) after 20 epochs, 2 min 10 s"
    assert describe_result(result(epochs=1, stated=None)) == "91.23 % after 1 epoch, 2 min 10 s"


def test_what_chance_may_give_is_not_called_reached_without_a_word():
    said = verdict(rows_of([result(accuracy=0.9020)]))
    assert says(said, "1 of", "reached", "1 of them too close to tell")
    assert "close" not in verdict(rows_of([result(accuracy=0.92)]))


def test_the_chart_draws_own_minus_stated_around_zero():
    rows = rows_of([result(), result(recipe="s2-vgg-fast", accuracy=0.9)])
    chart = stated_chart(rows)
    traces = {one["name"]: one for one in chart.data}
    place = list_works().index("s2-vgg")
    assert (traces[OWN]["x"], traces[OWN]["y"]) == ([1.07], [place])
    assert (traces[FAST]["x"], traces[FAST]["y"]) == ([-0.16], [place])
    assert traces[FAST]["error_x"]["array"] == [pytest.approx(0.845, abs=0.01)]
    low, high = chart.layout["xaxis"]["range"]
    assert low == -high, "zero lies in the middle"
    assert chart.layout["yaxis"]["ticktext"] == list_works() and chart.figure
    assert chart.table()["run"] == [RESULT.run_id] * 2


def test_works_are_kept_together_with_a_line_between_them():
    chart = stated_chart(rows_of([]))
    works = [get_recipe(name).work for name in list_works()]
    changes = [place for place in range(1, len(works)) if works[place] != works[place - 1]]
    assert [shape["y0"] for shape in chart.layout["shapes"]] == [place - 0.5 for place in changes]
    assert len(changes) == len(set(works)) - 1 and chart.figure


def test_the_page_shows_results_and_links_to_runs_that_are_there(store):
    run = make_run(store, recipe="s2-vgg", mixes=False)
    keep_result(store.root / FILE, result(run_id=run.id))
    keep_result(store.root / FILE, result(recipe="s2-resnet-light-fast", run_id="gone"))
    app = page("results")
    said = words(app)
    assert charts(app) == 1 and not app.exception
    assert "91.23 % (+1.07 points)" in app.table[0].value.to_csv() and "The runs behind the figures" in said
    assert "checkpoints/results.json: s2-resnet-light-fast." in said


def test_without_any_result_the_page_says_how_to_get_them(store):
    app = page("results")
    assert "reproduce" in app.code[0].value and not app.exception


@pytest.mark.parametrize("text", ["", '{"results": 3}'])
def test_a_damaged_file_is_said_to_be(store, text):
    store.root.mkdir(parents=True, exist_ok=True)
    (store.root / FILE).write_text(text)
    app = page("results")
    assert "cannot be read" in words(app)
    assert charts(app) == 1 and len(app.table) == 1, "what the project has measured stays"
