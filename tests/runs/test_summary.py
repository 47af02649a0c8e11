"""What the list of runs and the recipes' cards tell, read from the store."""

import dataclasses
import json
import os

import pytest

from cifar_core.metrics.uncertainty import Accuracy
from cifar_core.recipes import get_recipe, list_recipes
from cifar_core.runs.events import LearningRate
from cifar_core.runs.summary import comparable, rank_of, repeats, summarize, summarize_all
from demo.dashboard_pages.runs.comparison import cost_rows, difference_rows, different_pictures
from demo.dashboard_pages.train.recipes import card_figures
from demo.shared.format import percent
from tests.runs.test_results import RESULT
from tests.support.fake_runs import accuracy, epoch_end, make_run, start
from tests.support.texts import says


def test_a_summary_says_what_the_events_say(store):
    run = make_run(store, epochs=3)
    summary = summarize(run)
    assert summary.validation == Accuracy(pytest.approx(max(summary.curve)), 5_000, "validation")
    assert len(summary.curve) == 3 and summary.accuracy == summary.validation and summary.test is None
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
    assert [row[""] for row in rows] == ["Learning rate (lr)"]
    assert sorted(list(rows[0].values())[1:]) == sorted(["0.05", str(get_recipe("mixing_lite").config.lr)])
    costs = {row[""]: list(row.values())[1:] for row in cost_rows(summarize_all(store))}
    assert sorted(costs["training time"]) == ["12 s", "25 s"]


def test_runs_on_different_data_are_not_ranked(store):
    one, other = (make_run(store, epochs=2, data=data) for data in ("cifar10", "airplane_automobile"))
    one, other = sorted(summarize_all(store), key=lambda item: item.id != one.id)
    assert different_pictures([one, one]) == ""
    assert says(different_pictures([one, other]), "cifar10", "10 classes", "airplane_automobile", "2 classes")
    assert next(row for row in cost_rows([one, other]) if row[""] == "data")[one.name] == "CIFAR-10"


def note(run, accuracy=0.94, n=10_000, text=None):
    """A card as `evaluate --note` leaves it, as far as a list reads it."""
    run.best_checkpoint.mkdir(parents=True, exist_ok=True)
    card = {"metrics": {"test": {"accuracy": accuracy, "loss": 0.4, "n": n}}}
    (run.best_checkpoint / "card.json").write_text(json.dumps(card) if text is None else text)


def test_the_test_accuracy_of_a_card_comes_first_and_a_new_card_counts(store):
    run = make_run(store, epochs=2)
    note(run)
    assert summarize(run).accuracy == Accuracy(0.94, 10_000, "test")
    note(run, 0.95)
    os.utime(run.best_checkpoint / "card.json", ns=(1, 1))
    assert summarize(run).test == Accuracy(0.95, 10_000, "test")


COUNT = '{"metrics": {"test": {"accuracy": 0.5, "n": COUNT}}}'
DAMAGED = ["", "{", "[]", "{}", '{"metrics": {"test": 3}}', COUNT.replace("0.5", "7").replace("COUNT", "5")]


@pytest.mark.parametrize(
    "text", DAMAGED + [COUNT.replace("COUNT", n) for n in ("0", "-1", "null", "1e999", '"x"')]
)
def test_a_damaged_card_says_nothing_and_hides_nothing(store, text):
    run = make_run(store, epochs=2)
    note(run, text=text)
    summary = summarize(run)
    assert summary.test is None and summary.state == "finished" and summary.accuracy == summary.validation


def test_accuracies_are_compared_as_measured_in_one_way(store):
    one, other, _ = (make_run(store, epochs=epochs) for epochs in (2, 4, 0))
    note(one)
    found = comparable(summarize_all(store))
    assert {run_id: accuracy.split for run_id, accuracy in found.items()} == {
        one.id: "validation",
        other.id: "validation",
    }
    note(other)
    assert {accuracy.split for accuracy in comparable(summarize_all(store)).values()} == {"test"}


def test_a_run_that_keeps_its_last_weights_is_judged_by_them(store):
    run = store.create(get_recipe("mixing_lite").config.replace(keep="last"))
    for event in [start(9, False), epoch_end(1, False, 1.0), epoch_end(2, False, 0.5)]:
        run.append(event)
    assert summarize(run).validation.share == pytest.approx(accuracy(2, 0.5))


def repeat(store, name="mixing_lite", epochs=15, **changes):
    return make_run(store, epochs=epochs, total_epochs=15, recipe=name, **changes)


def test_only_runs_with_the_recipes_own_settings_count(store):
    recipe = get_recipe("mixing_lite").config
    own = {repeat(store).id, repeat(store, seed=1).id, repeat(store, seed=2, precision="fp32").id}
    repeat(store, lr=0.1)
    repeat(store, train_size=5000)
    make_run(store, epochs=1, total_epochs=1)
    repeat(store, state="stopped")
    repeat(store).append(LearningRate(5, 0.5, 0.0))
    assert {run.id for run in repeats(summarize_all(store), recipe)} == own


def test_cards_show_the_stated_accuracy_and_what_repeats_reached(store):
    recipe = next(recipe for recipe in map(get_recipe, list_recipes()) if recipe.work == "s2")
    assert f"stated {percent(recipe.stated.accuracy)} (test)" in card_figures(recipe, [])
    recipe, plain = get_recipe("mixing_lite"), len(card_figures(get_recipe("mixing_lite"), []))
    make_run(store, epochs=1, total_epochs=1, train_size=5_000, quality=1.05)
    assert len(card_figures(recipe, summarize_all(store))) == plain, "a toy run is none of the recipe's"
    first = repeat(store, epochs=2)
    assert "here 67.30 % (5,000 validation pictures)" in card_figures(recipe, summarize_all(store))
    repeat(store, epochs=2, seed=1, quality=0.99)
    assert says(card_figures(recipe, summarize_all(store))[-1], "66.97 ± 0.48 %", "2 runs", "validation")
    note(first)
    assert "here 94.00 % (10,000 test pictures)" in card_figures(recipe, summarize_all(store))


def test_a_card_shows_the_projects_results_where_the_user_has_none(store):
    recipe = get_recipe("mixing_lite")
    shipped = [
        dataclasses.replace(RESULT, recipe="mixing_lite", seed=n, accuracy=0.9 + n / 100) for n in (0, 1)
    ]
    assert says(card_figures(recipe, [], shipped)[-1], "shipped", "90.50 ± 0.71 %", "2 runs", "10,000 test")
    repeat(store)
    assert says(card_figures(recipe, summarize_all(store), shipped)[-1], "here", "validation")


def test_a_recipe_that_monitors_the_test_pictures_says_so(store):
    recipe = get_recipe("s1-mixing6")
    make_run(store, epochs=2, total_epochs=recipe.config.epochs, recipe=recipe.name)
    assert says(card_figures(recipe, summarize_all(store))[-1], "here 67.30 %", "test pictures")
