"""A sweep on the pages: begun beside the form's values, followed and stopped on Runs, its best as a form."""

from contextlib import ExitStack

import pytest

from cifar_core.config import TrainConfig
from cifar_core.models import list_models
from cifar_core.recipes import get_recipe
from cifar_core.runs.events import RunEnd
from cifar_core.runs.store import Status
from cifar_core.sweep.launch import asked_to_stop, at_work
from cifar_core.sweep.ranges import parse_search
from cifar_core.sweep.rows import Row, grouped
from cifar_core.sweep.slots import Slots
from cifar_core.sweep.storage import default_storage
from cifar_core.sweep.study import Plan, open_sweep
from cifar_core.sweep.worker import Worker
from demo.dashboard_pages.runs.sweep import describe_progress, group_row
from demo.dashboard_pages.train.sweep import first_range, offered_settings
from tests.support.fake_runs import keep_running
from tests.support.page_tests import button, buttons, charts, number, page, words

SEARCH = ("lr=0.01:0.3:log", "optimizer=sgd,muon", "seed=0,1")


@pytest.fixture
def sweeps(monkeypatch):
    """Studies that the pages start, in place of processes."""
    started = []
    for where in ("train", "runs"):
        monkeypatch.setattr(
            f"demo.dashboard_pages.{where}.sweep.launch_sweep", lambda *told: started.append(told)
        )
    return started


@pytest.fixture
def train_at_once(monkeypatch):
    """Trainings that reach their learning rate as accuracy."""

    def train(worker, trial, run):
        trial.report(run.config().lr, 1)
        run.append(RunEnd("finished", 1, 1.0, 0, 0.0))
        run.write_status(Status("finished"))

    def tell_end(trial, run):
        trial.study.tell(trial, run.config().lr)
        return "finished"

    monkeypatch.setattr(Worker, "train", train)
    monkeypatch.setattr("cifar_core.sweep.worker._tell_end", tell_end)


@pytest.fixture
def swept(store, train_at_once):
    """A study of eight trials, of which six are done."""
    config = get_recipe("smoke").config.replace(epochs=2)
    storage = default_storage(store.root)
    with open_sweep(storage, "mine", Plan(config, parse_search(SEARCH, config)), 6) as sweep:
        Worker(sweep, store, None, None, lambda words: None).work()
        best = sweep.best()
    with open_sweep(storage, "mine", trials=8):
        pass
    return best


def widget(kind, label):
    return next(one for one in kind if label in one.label)


def test_a_sweep_starts_with_ranges_beside_the_values(store, sweeps):
    app = page(recipe="smoke")
    assert "never by the test pictures" in words(app)
    lr = widget(app.text_input, "now 0.05")
    assert lr.value == "0.0125:0.2:log"
    widget(app.multiselect, "Settings to search").set_value(["lr", "optimizer"]).run()
    assert widget(app.text_input, "Optimizer").value == "sgd,adamw,rmsprop,muon"
    widget(app.text_input, "now 0.05").set_value("0.02:0.1").run()
    number(app, "Trials").set_value(7).run()
    command = next(code.value for code in app.code if " sweep " in code.value)
    assert "--search lr=0.02:0.1 optimizer=sgd,adamw,rmsprop,muon --trials 7 --study smoke" in command
    button(app, "Start the sweep").click().run()
    assert not app.exception
    ((_, storage, name, _),) = sweeps
    with open_sweep(storage, name) as sweep:
        assert sweep.total == 7 and [one.text for one in sweep.plan.search.values()] == [
            "lr=0.02:0.1",
            "optimizer=sgd,adamw,rmsprop,muon",
        ]
        assert sweep.plan.config == get_recipe("smoke").config


@pytest.mark.parametrize(("text", "named"), [("0.2:0.1", "smaller"), ("0.1:900", "100"), ("fast", "fast")])
def test_a_range_that_is_none_is_said_and_starts_nothing(store, sweeps, text, named):
    app = page(recipe="smoke")
    widget(app.text_input, "now 0.05").set_value(text).run()
    assert named in words(app) and button(app, "Start the sweep").disabled


def test_first_ranges_lie_within_the_limits():
    config = TrainConfig()
    for name, spec in offered_settings().items():
        search = parse_search([f"{name}={first_range(spec, getattr(config, name))}"], config)
        assert name != "model" or set(search[name].values) <= set(list_models())


def test_runs_show_optunas_figures_groups_and_the_best_as_a_form(store, swept, sweeps):
    app = page("runs", study="mine")
    said = words(app)
    assert "6 of 8 trials done: 6 finished" in said and f"Best: trial {swept.number}" in said
    assert charts(app) == 2 + 1 + 3  # history, importances, parallel coordinates, a slice each
    assert {"all but the seed", "optimizer"} <= {
        title.split(" by ")[1].strip("*") for title in said.splitlines() if "trials by" in title
    }
    button(app, "Go on").click().run()
    assert sweeps[0][2] == "mine"
    button(app, "Open the best as a form").click().run()
    assert not app.exception and app.title[0].value == "Train a network"
    assert number(app, "lr").value == swept.params["lr"] and number(app, "epochs").value == 2


def begin_trial(store, name, held):
    """A trial of a study that has its run, which a process is at work on."""
    config = get_recipe("smoke").config
    run = store.create(config)
    run.write_status(Status("running"))
    held.callback(keep_running(run).release)
    plan = Plan(config, parse_search(SEARCH, config))
    sweep = held.enter_context(open_sweep(default_storage(store.root), name, plan, 8))
    slots = Slots(sweep.study, sweep.storage, store, sweep.slots)
    held.enter_context(slots.holding(next(slots.each(print)), run))
    return run


def test_a_sweep_is_stopped_by_its_button_and_no_other(store, sweeps):
    with ExitStack() as held:
        run, others = begin_trial(store, "mine", held), begin_trial(store, "others", held)
        held.enter_context(at_work(store, "mine"))
        app = page("runs", study="mine")
        assert "Go on" not in buttons(app)
        button(app, "Stop the sweep").click().run()
        assert not app.exception and asked_to_stop(store, "mine")
        assert run.waiting_request().request == "stop" and others.waiting_request() is None


def test_without_a_study_or_for_strangers_nothing_is_shown(store, monkeypatch, swept):
    assert "Sweep" in [one.label for one in page("runs").selectbox]
    monkeypatch.setenv("CIFAR_LAB_PUBLIC", "1")
    assert "Sweep" not in [one.label for one in page("runs").selectbox]
    assert "Start the sweep" not in buttons(page(recipe="smoke"))


def row(accuracy, state="finished", host="a", **params):
    return Row(1, 0, state, params, accuracy, host, "", "")


def test_groups_have_mean_and_deviation():
    rows = [
        row(0.5, seed=0, lr=0.1),
        row(0.7, seed=1, lr=0.1),
        row(0.9, seed=0, lr=0.2),
        row(0.1, "pruned", lr=0.2),
    ]
    high, low = grouped(rows, ["lr"])
    assert (high.n, high.mean, high.deviation) == (1, 0.9, None)
    assert (low.n, round(low.mean, 9), round(low.deviation, 9)) == (2, 0.6, round(0.02**0.5, 9))
    assert group_row(low) == {"lr": "0.1", "val accuracy": "60.00 ± 14.14 %", "trials": "2"}
    assert group_row(high)["val accuracy"] == "90.00 %"


def test_progress_names_states_and_hosts():
    rows = [row(0.5), row(0.4, "pruned"), row(None, "running", "b"), row(None, "waiting", "")]
    assert describe_progress(rows, 9) == "2 of 9 trials done: 1 finished, 1 pruned; 1 under way on b."
