"""Every page of the dashboard on four stores: no run, one, many, and one whole run among damaged ones."""

import shutil

import pytest

from cifar_core.data.synthetic import SHAPE_NAMES
from cifar_core.runs.store import Run, RunStore
from tests.support.fake_runs import make_run
from tests.support.page_tests import ENTRY, charts, page, words
from tests.support.toy_checkpoints import save_toy

# page -> what it says to a reader who has no run yet, and how many charts it draws for one that has
PAGES = {
    "train": ("press Train", 0),
    "live": ("Choose a recipe and press Train", 5),
    "mixing": ("Train one whose name says mixing", 2),
    "runs": ("the first one that you train appears here", 0),
    "understand": ("train one, and it can be looked into", 2),
    "try_network": ("train one, and its best weights can be tried here", 1),
    "results": ("To run one of them", 1),
    "learn": ("a first training fetches it", 0),
    "basics": ("a first training fetches it", 0),
}
ALWAYS = ("train", "results", "learn", "basics")  # they say the same with runs and without
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
def test_without_a_run_it_says_what_to_do_next(store, name):
    said, _ = PAGES[name]
    app = page(name)
    assert said in words(app) and not app.error
    assert charts(app) == (1 if name == "results" else 0)


@pytest.mark.parametrize("name", PAGES)
def test_with_one_run_it_shows_that_one(store, name):
    run = whole_run(store)
    app = page(name)
    said, drawn = PAGES[name]
    assert charts(app) == drawn and not app.error
    assert name in ALWAYS or said not in words(app)
    assert name not in OF_A_RUN or app.query_params["run"] == run.id


@pytest.mark.parametrize("name", PAGES)
def test_with_many_runs_it_shows_the_one_that_the_link_names(store, name):
    run = whole_run(store)
    for number in range(1, MANY):
        shutil.copytree(run.path, run.path.with_name(f"{run.id}{number}"))
    app = page(name, run=run.id)
    assert charts(app) == PAGES[name][1] and not app.error
    assert name not in OF_A_RUN or app.query_params["run"] == run.id
    assert name != "runs" or len(app.dataframe[0].value) == MANY


@pytest.mark.parametrize("name", PAGES)
def test_beside_damaged_runs_a_whole_one_is_shown_as_if_it_were_alone(store, name):
    run, damaged = whole_run(store), damaged_runs(store)
    app = page(name, run=run.id)
    assert charts(app) == PAGES[name][1] and not app.error
    if name == "runs":
        assert list(app.dataframe[0].value["state"]).count("Damaged") == len(damaged)


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
