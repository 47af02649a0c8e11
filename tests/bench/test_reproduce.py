"""Reproducing runs what is not done, measures it once and keeps what it found."""

import pytest

from cifar_core.bench.reproduce import find_run, reproduce
from cifar_core.checkpoint import load_card
from cifar_core.data import load_data
from cifar_core.recipes import Stated, registry
from cifar_core.runs.disk import free_states
from cifar_core.runs.events import LearningRate
from cifar_core.runs.results import read_results
from cifar_core.runs.store import RunStore, Status, StoreError
from cifar_core.training.runner import train_run
from tests.support.toy_recipes import TINY


@pytest.fixture
def config(monkeypatch):
    """The settings of the one recipe that there is."""
    monkeypatch.setattr(registry, "_RECIPES", {})
    registry.add("toy", "One.", Stated(0.5, 5, "As told."), **TINY)
    return registry.get_recipe("toy").config


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path)


@pytest.fixture
def do(store):
    """Reproduce a config in the store; gives the results so far."""

    def do(config, train=train_run, load_data=lambda card: load_data(source="synthetic")):
        path = store.root / "results.json"
        reproduce(find_run(store, config) or store.create(config), path, train, load_data)
        return read_results(path)

    return do


def own_runs(store):
    return [run for run in store.list() if not run.shipped]


@pytest.mark.slow
def test_a_run_is_trained_measured_and_kept_once(config, store, do):
    (result,) = do(config)
    (run,) = own_runs(store)
    test = load_card(run.best_checkpoint).metrics["test"]
    assert (result.run_id, result.accuracy, result.n) == (run.id, test["accuracy"], 500)
    assert (result.stated, result.stated_epochs, result.epochs) == (0.5, 5, 1)
    assert do(config, train=None, load_data=None) == [result]
    assert [other.seed for other in do(config.replace(seed=1))] == [0, 1], "another seed is another run"


def test_a_run_that_was_cut_short_goes_on(config, store, do):
    run = store.create(config)
    run.write_status(Status("stopped"))
    do(config)
    assert [other.id for other in own_runs(store)] == [run.id] and run.status().state == "finished"


def test_a_run_that_is_stopped_on_the_way_gives_no_result(config, store, do):
    with pytest.raises(StoreError, match="the same command goes on with it"):
        do(config, train=lambda run: run.write_status(Status("stopped")))
    assert not (store.root / "results.json").exists()


def test_a_run_whose_rate_was_changed_by_hand_is_not_the_recipes(config, store, do):
    changed = store.create(config)
    changed.append(LearningRate(1, 0.5, 0.0))
    changed.write_status(Status("finished"))
    (result,) = do(config)
    assert result.run_id != changed.id and len(own_runs(store)) == 2


def test_a_run_that_was_freed_counts_only_when_it_has_finished(config, store):
    runs = {}
    for state in ("stopped", "finished"):
        run = runs[state] = store.create(config)
        run.last_checkpoint.mkdir(parents=True)
        run.write_status(Status(state))
        free_states(store, run, unfinished=True)
        found = find_run(store, config)
        assert (found and found.id) == (runs["finished"].id if "finished" in runs else None)


def test_a_run_at_work_is_left_alone(config, store):
    run = store.create(config)
    with run.lock():
        run.write_status(Status("running"))
        with pytest.raises(StoreError, match=run.id):
            find_run(store, config)
