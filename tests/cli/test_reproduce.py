"""`reproduce` runs what is not done, measures it once and keeps what it found; `report` prints a run."""

import json

import pytest

from cifar_core.checkpoint import load_card
from cifar_core.cli import main
from cifar_core.cli.reproduce import chosen_recipes
from cifar_core.config import ConfigError
from cifar_core.recipes import FAST, Stated, list_works, registry
from cifar_core.runs.events import LearningRate
from cifar_core.runs.results import Result, read_results
from cifar_core.runs.store import RunStore

TINY = {
    "data": "synthetic",
    "model": "mixing_lite",
    "model_args": {"widths": [4, 8], "num_kernels": 2},
    "train_size": 100,
    "val_size": 50,
    "batch_size": 50,
    "epochs": 1,
    "precision": "fp32",
}


@pytest.fixture
def recipes(monkeypatch):
    """Two small recipes with stated results and a third without one."""
    monkeypatch.setattr(registry, "_RECIPES", {})
    stated = Stated(0.5, 5, "As told.")
    registry.add("toy-a", "One.", stated, **TINY)
    registry.add("toy-a-fast", "Another way.", stated, **{**TINY, "tta": 2})
    registry.add("toy-b", "Watches the test images.", stated, **TINY, monitored="test", keep="last")
    registry.add("toy-c", "Nothing is stated.", **TINY)


@pytest.fixture
def call(capsys, tmp_path):
    """Run a command in a store of its own; gives exit code, stdout and stderr."""

    def call(*arguments):
        code = main([*map(str, arguments), "--runs-dir", str(tmp_path)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def own_runs(root):
    return [run for run in RunStore(root).list() if not run.shipped]


def test_all_recipes_with_a_stated_result_are_meant_without_names(recipes):
    assert chosen_recipes([], fast=False) == list_works() == ["toy-a", "toy-b"]
    assert chosen_recipes([], fast=True) == list_works(fast=True) == ["toy-a-fast"]
    assert chosen_recipes(["toy-a", "toy-a-fast"], fast=True) == ["toy-a-fast"] * 2
    assert chosen_recipes(["toy-c"], fast=False) == ["toy-c"]


def test_a_bad_name_lists_what_exists(recipes, call):
    with pytest.raises(ConfigError, match="toy-a, toy-a-fast, toy-b, toy-c"):
        chosen_recipes(["toy-z"], fast=False)
    code, _, err = call("reproduce", "toy-z")
    assert code == 2 and "toy-a, toy-a-fast" in err


def test_every_stated_result_has_a_fast_recipe_of_a_fifth_of_the_epochs():
    assert [name + FAST for name in list_works()] == list_works(fast=True)
    for name in list_works(fast=True):
        recipe = registry.get_recipe(name)
        assert recipe.stated == registry.get_recipe(name.removesuffix(FAST)).stated
        assert 5 * recipe.config.epochs <= recipe.stated.epochs


def test_runs_are_trained_measured_and_kept(recipes, call, tmp_path):
    code, out, err = call("reproduce")
    assert code == 0, err
    results = {result.recipe: result for result in read_results(tmp_path / "results.json")}
    assert set(results) == {"toy-a", "toy-b"}
    for run in own_runs(tmp_path):
        result = results[run.config().recipe]
        test = load_card(run.best_checkpoint).metrics["test"]
        assert (result.run_id, result.accuracy, result.n) == (run.id, test["accuracy"], 500)
        assert (result.stated, result.stated_epochs, result.epochs) == (0.5, 5, 1)
    assert "| stated" in out and "| toy-a " in out and "| toy-b " in out


def test_what_is_done_is_not_done_again(recipes, call, tmp_path, monkeypatch):
    assert call("reproduce", "toy-a")[0] == 0
    (run,) = own_runs(tmp_path)
    monkeypatch.setattr("cifar_core.training.runner.train_run", None)
    monkeypatch.setattr("cifar_core.cli.reproduce.measured", None)
    code, out, _ = call("reproduce", "toy-a", "--json")
    assert code == 0
    (row,) = json.loads(out)
    assert Result(**row).run_id == run.id
    assert call("reproduce", "--table")[0] == 0


def test_a_run_that_was_cut_short_goes_on(recipes, call, tmp_path):
    config = registry.get_recipe("toy-a").config
    run = RunStore(tmp_path).create(config)
    run.write_status(type(run.status())("stopped"))
    assert call("reproduce", "toy-a")[0] == 0
    assert [other.id for other in own_runs(tmp_path)] == [run.id]
    assert run.status().state == "finished"


def test_a_run_that_is_stopped_on_the_way_gives_no_result(recipes, call, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "cifar_core.training.runner.train_run",
        lambda run, *_: run.write_status(type(run.status())("stopped")),
    )
    code, _, err = call("reproduce", "toy-a")
    assert code == 1 and "the same command goes on with it" in err
    assert read_results(tmp_path / "results.json") == []


def test_a_run_whose_rate_was_changed_by_hand_is_not_the_recipes(recipes, call, tmp_path):
    store = RunStore(tmp_path)
    changed = store.create(registry.get_recipe("toy-a").config)
    changed.append(LearningRate(1, 0.5, 0.0))
    changed.write_status(type(changed.status())("finished"))
    assert call("reproduce", "toy-a")[0] == 0
    (result,) = read_results(tmp_path / "results.json")
    assert result.run_id != changed.id and len(own_runs(tmp_path)) == 2


def test_another_seed_is_another_run(recipes, call, tmp_path):
    for seed in (0, 1):
        assert call("reproduce", "toy-a", "--seed", seed)[0] == 0
    assert sorted(result.seed for result in read_results(tmp_path / "results.json")) == [0, 1]


def test_a_run_at_work_is_left_alone(recipes, call, tmp_path):
    run = RunStore(tmp_path).create(registry.get_recipe("toy-a").config)
    with run.lock():
        run.write_status(type(run.status())("running"))
        code, _, err = call("reproduce", "toy-a")
    assert code == 1 and run.id in err


def test_one_that_fails_leaves_the_others_their_turn(recipes, call, tmp_path, monkeypatch):
    registry.add("toy-a", "Broken.", Stated(0.5, 5, ""), **{**TINY, "model_args": {"widths": [0]}})
    code, out, err = call("reproduce")
    assert code == 1 and "error: toy-a: " in err and "toy-b" in out


def test_without_results_there_is_a_sentence(recipes, call):
    code, out, _ = call("reproduce", "--table")
    assert code == 0 and "no results of these recipes yet" in out


def test_a_run_is_reported_in_both_forms(recipes, call, tmp_path):
    call("reproduce", "toy-b")
    (run,) = own_runs(tmp_path)
    code, out, _ = call("report", run.id)
    assert code == 0 and "max test accuracy" in out
    rows = json.loads(call("report", run.id, "--json")[1])
    assert [row["epoch"] for row in rows] == [1] * 4
    (line,) = call("report", run.id, "--form", "lines")[1].splitlines()
    assert json.loads(line)["epoch"] == 1 and "test_accuracy" in json.loads(line)
    assert call("report", "nothing")[0] == 2
