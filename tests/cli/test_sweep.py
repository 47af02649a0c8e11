"""`sweep` begins, joins and shows a study; `reproduce --storage` does each recipe on one machine."""

import json
import shlex

import pytest
from optuna.trial import TrialState

import cifar_core.bench.reproduce
from cifar_core.recipes import Stated, registry
from cifar_core.runs.results import FILE, read_results
from cifar_core.runs.store import RunStore
from cifar_core.sweep.recipes import share_recipes
from tests.support.toy_recipes import TINY


@pytest.fixture
def recipes(monkeypatch):
    """Two small recipes with stated results, and one that watches the test images."""
    monkeypatch.setattr(registry, "_RECIPES", {})
    registry.add("toy-a", "One.", Stated(0.5, 5, "As told."), **TINY)
    registry.add("toy-b", "Another.", Stated(0.5, 5, "As told."), **{**TINY, "lr": 0.05})
    registry.add("toy-test", "Watches the test images.", **TINY, monitored="test", keep="last")


def own_runs(folder):
    return [run for run in RunStore(folder).list() if not run.shipped]


def test_a_study_begins_goes_on_by_its_name_and_is_shown(recipes, call, answer, tmp_path):
    words = [
        "sweep",
        "--recipe",
        "toy-a",
        "--set",
        "seed=3",
        "--search",
        "lr=0.01:0.2:log",
        "momentum=0.4:0.9",
    ]
    code, out, err = call(*words, "--trials", 1, "--runs-dir", tmp_path)
    assert code == 0 and "Trial 0, 1 of 1" in err and "val accuracy" in out
    (run,) = own_runs(tmp_path)
    assert run.id in out and run.config().seed == 3
    again = shlex.split(out.split("The same again: python -m cifar_core train --recipe toy-a ")[1])
    assert {f"lr={run.config().lr}", "seed=3"} <= set(again)  # to the last digit
    on = ("sweep", "--study", "toy-a", "--trials", 2, "--runs-dir", tmp_path)
    shown = answer(*on)
    assert [row["state"] for row in shown["rows"]] == ["finished"] * 2 and shown["trials"] == 2
    assert answer(*on, "--table") == shown and len(own_runs(tmp_path)) == 2


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("", ["--recipe", "--study"]),
        ("--recipe toy-a", ["--search"]),
        ("--recipe toy-z --search lr=0.1:0.2", ["toy-z"]),
        ("--recipe toy-a --search speed=1:2", ["speed", "lr"]),
        ("--recipe toy-a --search lr=0.1:500", ["lr", "500", "100"]),
        ("--recipe toy-a --search lr=0.3:0.1", ["0.3:0.1"]),
        ("--recipe toy-a --search lr=0.1:0.3 --trials 0", ["0", "trials"]),
        ("--recipe toy-test --search lr=0.1:0.3", ["test images", "monitored=val"]),
        ("--study nothing", ["nothing", "--recipe"]),
        ("--study nothing --search lr=0.1:0.3", ["--search", "--recipe"]),
        ("--recipe toy-a --search lr=0.1:0.3 --study a/b", ["a/b"]),
    ],
)
def test_wrong_use_ends_with_2_and_trains_nothing(recipes, call, tmp_path, words, named):
    code, out, err = call("sweep", *shlex.split(words), "--runs-dir", tmp_path)
    assert (code, out) == (2, "") and all(part in err for part in named), err
    assert not own_runs(tmp_path)


def test_the_way_on_keeps_what_was_given_and_no_password(recipes, call, tmp_path, monkeypatch):
    def interrupted(worker):
        raise KeyboardInterrupt

    monkeypatch.setattr("cifar_core.sweep.worker.Worker.work", interrupted)
    storage = f"sqlite:///{tmp_path}/studies.db?timeout=20"  # options may hold a password
    words = ["--storage", storage, "--data-dir", tmp_path, "--now", "--runs-dir", tmp_path / "runs"]
    code, _, err = call("sweep", "--recipe", "toy-a", "--search", "lr=0.01:0.2", *words)
    on = next(line for line in err.splitlines() if "Go on with" in line)
    given = ["--study toy-a", f"--data-dir {tmp_path}", "--now", f"--runs-dir {tmp_path}/runs"]
    assert code == 130 and all(part in on for part in given) and "timeout" not in on
    assert "CIFAR_LAB_STORAGE" in on


def test_recipes_are_spread_and_each_is_done_once(recipes, call, answer, tmp_path):
    """The second machine finds all done, and prints the results of the first."""
    stores, storage = [tmp_path / name for name in ("one", "two")], tmp_path / "journal"
    shared = ("--storage", storage)
    first = answer("reproduce", "toy-a", *shared, "--runs-dir", stores[0])
    second = answer("reproduce", *shared, "--runs-dir", stores[1])
    assert [row["recipe"] for row in first] == ["toy-a"]
    assert [row["recipe"] for row in second] == ["toy-a", "toy-b"] and second[0] == first[0]
    assert [len(own_runs(folder)) for folder in stores] == [1, 1]
    assert answer("reproduce", "--table", *shared, "--runs-dir", stores[0]) == second


def test_a_recipe_that_another_took_over_meanwhile_ends_nothing(recipes, call, tmp_path, monkeypatch):
    """This process slept, and was not heard of: its result stays here, and it goes on with the others."""
    reproduced = cifar_core.bench.reproduce.reproduce

    def slow(run, *more):
        result = reproduced(run, *more)
        if run.config().recipe == "toy-a":
            with share_recipes(str(tmp_path / "journal"), RunStore(tmp_path), [], 0) as others:
                others.study.tell(0, state=TrialState.FAIL)
        return result

    monkeypatch.setattr("cifar_core.bench.reproduce.reproduce", slow)
    code, out, err = call("reproduce", "--storage", tmp_path / "journal", "--json", "--runs-dir", tmp_path)
    assert code == 1 and [row["recipe"] for row in json.loads(out)] == ["toy-b"]
    assert "toy-a: Another process" in err and "kept here" in err
    assert {one.recipe for one in read_results(tmp_path / FILE)} == {"toy-a", "toy-b"}


def test_a_recipe_that_fails_here_is_left_to_another_machine(recipes, call, tmp_path):
    registry.add("toy-a", "Broken.", Stated(0.5, 5, ""), **{**TINY, "model_args": {"widths": [0]}})
    shared = ("--storage", tmp_path / "journal", "--json")
    code, out, err = call("reproduce", *shared, "--runs-dir", tmp_path / "one")
    assert code == 1 and "error: toy-a: " in err and [row["recipe"] for row in json.loads(out)] == ["toy-b"]
    registry.add("toy-a", "Mended.", Stated(0.5, 5, ""), **TINY)
    code, out, _ = call("reproduce", *shared, "--runs-dir", tmp_path / "two")
    assert code == 0 and [row["recipe"] for row in json.loads(out)] == ["toy-a", "toy-b"]
    assert len(own_runs(tmp_path / "two")) == 1


@pytest.mark.parametrize("words", ["sweep --search lr=0.01:0.2 --trials 1", "lr-find"])
def test_a_result_that_cannot_be_written_is_no_success(recipes, call_full, tmp_path, words):
    code, err = call_full(*shlex.split(words), "--recipe", "toy-a", "--runs-dir", tmp_path)
    assert code == 1 and "No space left" in err.splitlines()[-1]
