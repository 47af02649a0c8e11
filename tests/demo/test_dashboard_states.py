"""Every page of the dashboard on four stores: no run, one, many, and one whole run among damaged ones."""

import shutil
import threading

import pytest

from cifar_core.data.synthetic import SHAPE_NAMES
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore
from demo.dashboard_pages import PAGES
from tests.support.fake_runs import make_run
from tests.support.page_tests import ENTRY, charts, page, words
from tests.support.toy_checkpoints import save_toy

OF_A_RUN = ("live", "mixing", "understand", "try_network")
MANY = 25


def whole_run(store: RunStore) -> Run:
    """A finished run with weights; its pictures are the drawn set."""
    run = make_run(store, recipe="smoke")
    save_toy(run.best_checkpoint, class_names=list(SHAPE_NAMES), config=run.config().to_json())
    return run


def damaged_runs(store: RunStore) -> list[Run]:
    """One for each way in which a run's folder can be damaged; beside them what is no run at all."""
    runs = [whole_run(store) for _ in range(4)]
    for run, name in zip(runs, ("config.json", "status.json", "events.jsonl"), strict=False):
        (run.path / name).write_text("{]\n")
    events = runs[3].path / "events.jsonl"
    events.unlink()
    events.mkdir()
    (store.root / "smoke-20260101-000000-0000").mkdir()
    (store.root / "notes.txt").write_text("nothing to see here")
    return runs


def links(app) -> list[str]:
    return [link.proto.label for link in app.get("page_link")]


def test_no_page_is_forgotten():
    files = (ENTRY.parent / "dashboard_pages").glob("*/page.py")
    assert {file.parent.name for file in files} == set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_drawn_without_a_run_and_with_one_and_with_damaged_ones_beside_many(store, name):
    empty = page(name)
    assert empty.title and not empty.error
    assert charts(empty) == (1 if name == "results" else 0)
    assert name in ("train", "own", "basics") or links(empty), "no way out"
    run = whole_run(store)
    alone = page(name)
    assert not alone.error and (name not in OF_A_RUN or charts(alone))
    damaged = damaged_runs(store)
    for number in range(1, MANY):
        shutil.copytree(run.path, run.path.with_name(f"{run.id}{number}"))
    beside = page(name, run=run.id)
    assert charts(beside) == charts(alone) and not beside.error
    if name in OF_A_RUN and name != "live":
        assert [app.selectbox(key="choice-run").value for app in (alone, beside)] == [run.id, run.id]
    if name == "runs":
        states = list(beside.dataframe[0].value["state"])
        assert len(states) == MANY + len(damaged) and states.count("Damaged") == len(damaged)


def test_a_damaged_run_is_shown_as_damaged(store):
    for run in damaged_runs(store):
        app = page("live", run=run.id)
        assert app.query_params["run"] == run.id and "Damaged" in words(app)
        assert "This run cannot be shown" in app.error[0].value and "See all runs" in links(app)


def test_mixing_says_of_a_damaged_run_what_is_wrong_with_it(store):
    config, _, *events = damaged_runs(store)
    for run in (config, *events):
        app = page("mixing", run=run.id)
        assert run.id in app.error[0].value and not charts(app)
        assert "How this run went" in links(app)


def test_a_folder_whose_locks_hang_is_named_with_the_variable_that_chooses_another(store, monkeypatch):
    store.root.mkdir()
    never = threading.Event()
    monkeypatch.setattr("cifar_core.runs.locks._found", set())
    monkeypatch.setattr("cifar_core.runs.locks.PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr("filelock._unix.fcntl.flock", lambda *_: never.wait())
    app = page("runs")
    never.set()
    (error,) = app.error
    assert str(store.root) in error.value and "CIFAR_LAB_RUNS" in error.value


def test_a_file_in_the_place_of_the_store_is_named_on_every_page(store, monkeypatch):
    store.root.write_text("mine")
    (error,) = page("start").error
    assert str(store.root) in error.value and "CIFAR_LAB_RUNS" in error.value
