"""`reproduce` runs recipes and prints their results; `report` prints a run in two forms."""

import json

import pytest

from cifar_core.recipes import FAST, Stated, choose_recipes, list_works, registry
from cifar_core.runs.results import Result
from cifar_core.runs.store import RunStore
from tests.support.toy_recipes import TINY


@pytest.fixture
def recipes(monkeypatch):
    """Two small recipes with stated results and a third without one."""
    monkeypatch.setattr(registry, "_RECIPES", {})
    stated = Stated(0.5, 5, "As told.")
    registry.add("toy-a", "One.", stated, **TINY)
    registry.add("toy-a-fast", "Another way.", stated, **{**TINY, "tta": 2})
    registry.add("toy-b", "Watches the test images.", stated, **TINY, monitored="test", keep="last")
    registry.add("toy-c", "Nothing is stated.", **TINY)


def test_all_recipes_with_a_stated_result_are_meant_without_names(recipes):
    assert choose_recipes([]) == list_works() == ["toy-a", "toy-b"]
    assert choose_recipes([], fast=True) == list_works(fast=True) == ["toy-a-fast"]
    assert choose_recipes(["toy-a", "toy-a-fast"], fast=True) == ["toy-a-fast"] * 2
    assert choose_recipes(["toy-c"]) == ["toy-c"]


def test_every_stated_result_has_a_fast_recipe_of_a_fifth_of_the_epochs():
    assert [name + FAST for name in list_works()] == list_works(fast=True)
    for name in list_works(fast=True):
        recipe = registry.get_recipe(name)
        assert recipe.stated == registry.get_recipe(name.removesuffix(FAST)).stated
        assert 5 * recipe.config.epochs <= recipe.stated.epochs


def test_nothing_is_run_for_a_bad_name_or_for_the_table(recipes, call, tmp_path):
    code, _, err = call("reproduce", "toy-z", "--runs-dir", tmp_path)
    assert code == 2 and "toy-a, toy-a-fast, toy-b, toy-c" in err
    code, out, _ = call("reproduce", "--table", "--runs-dir", tmp_path)
    assert code == 0 and "no results" in out and not list(tmp_path.iterdir())


def test_one_that_fails_leaves_the_others_their_turn(recipes, call, tmp_path):
    registry.add("toy-a", "Broken.", Stated(0.5, 5, ""), **{**TINY, "model_args": {"widths": [0]}})
    code, out, err = call("reproduce", "--runs-dir", tmp_path, "--json")
    rows = [Result(**row) for row in json.loads(out)]
    assert code == 1 and "error: toy-a: " in err and [row.recipe for row in rows] == ["toy-b"]
    assert "| toy-b " in call("reproduce", "--table", "--runs-dir", tmp_path)[1]
    (run,) = (run for run in RunStore(tmp_path).list() if run.id == rows[0].run_id)
    code, out, _ = call("report", run.id, "--runs-dir", tmp_path)
    assert code == 0 and "max test accuracy" in out
    table = json.loads(call("report", run.id, "--runs-dir", tmp_path, "--json")[1])
    assert [row["epoch"] for row in table] == [1] * 4
    (line,) = call("report", run.id, "--form", "lines", "--runs-dir", tmp_path)[1].splitlines()
    assert json.loads(line)["epoch"] == 1 and "test_accuracy" in json.loads(line)


def test_a_run_that_is_not_there_is_wrong_use(call, tmp_path):
    assert call("report", "nothing", "--runs-dir", tmp_path)[0] == 2


def test_results_that_cannot_be_written_are_no_success(recipes, call_full, call, tmp_path):
    code, err = call_full("reproduce", "toy-a", "--runs-dir", tmp_path)
    assert code == 1 and "No space left" in err.splitlines()[-1]
    assert "| toy-a " in call("reproduce", "--table", "--runs-dir", tmp_path)[1]  # it was kept
