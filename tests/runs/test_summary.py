"""What the list of runs and the recipes' cards tell, read from the store."""

import pytest

from cifar_core.recipes import get_recipe, list_recipes
from cifar_core.runs.summary import rank_of, summarize, summarize_all
from demo.dashboard_pages.runs.comparison import cost_rows, difference_rows, different_pictures
from demo.dashboard_pages.train.recipes import card_figures
from demo.shared.format import percent
from tests.support.fake_runs import epoch_end, make_run


def test_a_summary_says_what_the_events_say(store):
    run = make_run(store, epochs=3)
    summary = summarize(run)
    assert summary.best == pytest.approx(max(summary.curve)) and len(summary.curve) == 3
    assert (summary.epochs, summary.seconds, summary.parameters) == (3, 37.5, 1_234_567)


def test_events_are_read_again_only_when_they_grow(store, monkeypatch):
    run = make_run(store, epochs=1)
    summarize(run)
    monkeypatch.setattr(type(run), "read_events", None)
    assert summarize(run).epochs == 1
    monkeypatch.undo()
    run.append(epoch_end(2, True, 1.0))
    assert summarize(run).epochs == 2


def test_runs_are_ranked_by_start_and_keep_their_rank(store):
    runs = [make_run(store, epochs=1) for _ in range(3)]
    ranks = {item.id: item.rank for item in summarize_all(store)}
    assert [ranks[run.id] for run in runs] == [0, 1, 2]
    assert [rank_of(store, run) for run in runs] == [0, 1, 2]
    make_run(store, epochs=1)
    assert rank_of(store, runs[1]) == 1


def test_names_are_told_apart(store):
    for _ in range(3):
        make_run(store, epochs=1)
    names = [item.name for item in summarize_all(store)]
    assert len(set(names)) == 3


def test_comparison_lists_only_differing_settings(store):
    make_run(store, epochs=2, lr=0.05)
    make_run(store, epochs=1)
    rows = difference_rows(summarize_all(store))
    assert [row[""] for row in rows] == ["lr"]
    assert sorted(list(rows[0].values())[1:]) == sorted(["0.05", str(get_recipe("mixing_lite").config.lr)])
    costs = {row[""]: list(row.values())[1:] for row in cost_rows(summarize_all(store))}
    assert sorted(costs["training time"]) == ["12 s", "25 s"]


def test_runs_on_different_data_are_not_ranked(store):
    one, other = (make_run(store, epochs=2, data=data) for data in ("cifar10", "airplane_automobile"))
    one, other = sorted(summarize_all(store), key=lambda item: item.id != one.id)
    assert different_pictures([one, one]) == ""
    assert different_pictures([one, other]) == (
        "These runs learned from different data (cifar10 and airplane_automobile): their accuracies do not "
        "compare."
    )
    assert next(row for row in cost_rows([one, other]) if row[""] == "data")[one.name] == "cifar10"


def test_cards_show_stated_and_best(store):
    recipe = next(recipe for recipe in map(get_recipe, list_recipes()) if recipe.work == "s2")
    assert f"stated {percent(recipe.stated.accuracy)} (test)" in card_figures(recipe, [])
    make_run(store, epochs=2, recipe=recipe.name)
    figures = card_figures(recipe, summarize_all(store))
    assert "best here 67.30 % (5,000 validation pictures)" in figures
    watching = make_run(store, epochs=2, recipe="s1-mixing6")
    figures = card_figures(get_recipe(watching.config().recipe), summarize_all(store))
    assert "best here 67.30 % (test)" in figures
