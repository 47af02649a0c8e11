"""The pages that show runs: one as it happens, and all of them side by side."""

import dataclasses
import shutil

import pytest

from cifar_core.files import DEFAULT_CHECKPOINT
from cifar_core.recipes import get_recipe
from cifar_core.runs.events import LearningRate
from cifar_core.runs.requests import ControlRequest
from cifar_core.runs.status import Resources
from cifar_core.runs.store import Status
from tests.support.fake_runs import keep_running, make_run
from tests.support.page_tests import button, buttons, charts, number, page, words


def test_an_unknown_run_is_said_in_a_sentence(store):
    app = page("live", run="nope-1")
    assert "There is no run 'nope-1'" in words(app)
    assert not charts(app)


def test_without_a_run_of_ones_own_the_default_networks_is_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_RUNS", str(tmp_path))
    app = page("live")
    assert app.query_params["run"] == DEFAULT_CHECKPOINT
    assert "20 pixels in epochs 1 to 7" in words(app)


def test_pictures_of_one_size_need_no_explanation(store):
    assert "a side of" not in words(page("live", run=make_run(store).id))


@pytest.mark.parametrize("run_id", ["../../etc", "", "a/b", "."])
def test_an_id_from_outside_the_store_finds_nothing(store, run_id):
    assert "There is no run" in words(page("live", run=run_id))


def test_without_any_run_the_page_says_what_to_do(store):
    assert "Choose a recipe and press Train" in words(page("live"))


def test_without_an_id_the_run_under_way_is_shown(store):
    active = make_run(store, state="running")
    lock = keep_running(active)
    make_run(store, state="finished")
    app = page("live")
    assert app.query_params["run"] == active.id
    lock.release()


def test_a_running_run_shows_its_head_curves_and_mixing(store):
    run = make_run(store, epochs=4, state="running")
    lock = keep_running(run)
    app = page("live", run=run.id)
    said = words(app)
    assert "Running" in said and "812 images/s" in said and "5 of 6" in said and "cpu, bf16" in said
    assert "2 min 10 s left" in app.get("progress")[0].proto.text
    assert "In stage3.1 one kernel has taken over" in said
    assert charts(app) == 5
    assert buttons(app)[:4] == ["Pause", "Stop", "Halve", "Double"]
    lock.release()


@pytest.mark.parametrize(
    ("state", "label", "asked"),
    [("running", "Pause", "pause"), ("running", "Stop", "stop"), ("paused", "Continue", "continue")],
)
def test_buttons_ask_the_process(store, state, label, asked):
    run = make_run(store, state=state)
    lock = keep_running(run)
    app = page("live", run=run.id)
    button(app, label).click().run()
    assert run.take_request() == ControlRequest(asked)
    lock.release()


def test_a_running_run_shows_what_it_takes_of_the_machine(store):
    run = make_run(store, epochs=1, state="running")
    load = Resources(812.0, 1.9, 2, 0.97, 3200.0, 80_000.0, 0.45)
    run.write_status(Status("running", resources=load))
    lock = keep_running(run)
    said = words(page("live", run=run.id))
    assert "812 MB" in said and "1.9 of 2 cores, machine 97 % busy" in said
    assert "45 %, 3.2 GB of 80.0 GB" in said
    run.write_status(Status("running", resources=Resources()))
    assert "of 2 cores" not in words(page("live", run=run.id))
    lock.release()


def test_the_learning_rate_is_changed_from_the_page(store):
    run = make_run(store, epochs=2, state="running")
    lock = keep_running(run)
    run.append(LearningRate(110, 0.5, 1.0))
    app = page("live", run=run.id)
    assert "half of the schedule" in words(app) and "Dotted: somebody changed" in words(app)
    button(app, "Halve").click().run()
    assert run.take_request() == ControlRequest(factor=0.25)
    button(app, "The schedule itself").click().run()
    assert run.take_request() == ControlRequest(factor=1.0)
    number(app, "Times").set_value(0.3)
    button(app, "Change").click().run()
    assert run.take_request() == ControlRequest(factor=0.3)
    number(app, "Times").set_value(0.0)
    button(app, "Change").click().run()
    assert run.take_request() is None
    for _ in range(2):  # the sentence stays while the page is drawn anew
        assert "The factor of the schedule is 0; it must be from 0.001 to 1000" in words(app)
        app.run()
    button(app, "Pause").click().run()
    assert "it must be from 0.001" not in words(app)
    lock.release()


def test_a_failed_run_shows_its_log_and_can_be_resumed(store, launched):
    run = make_run(store, epochs=1, state="failed")
    (run.path / "log.txt").write_text("line one\nRuntimeError: boom\n")
    app = page("live", run=run.id)
    assert "RuntimeError: boom" in words(app) and "the last lines of the log say more" in words(app)
    button(app, "Resume").click().run()
    assert [item.id for item in launched] == [run.id]


def test_a_failure_that_says_what_to_do_is_not_told_to_resume(store):
    run = make_run(store, epochs=1, state="failed")
    run.write_status(dataclasses.replace(run.status(), message="No number; start again with a smaller rate."))
    (error,) = page("live", run=run.id).error
    assert "smaller rate" in error.value and "Resume" not in error.value


def test_a_process_that_died_shows_as_failed(store):
    run = make_run(store, state="running")
    assert "The process ended without a word" in words(page("live", run=run.id))


def test_a_finished_run_has_no_buttons_and_says_its_result(store):
    app = page("live", run=make_run(store, epochs=6).id)
    assert buttons(app) == []
    assert "Finished after 6 epochs: 89.76 % of the validation pictures right at epoch 6" in words(app)


def test_a_network_that_does_not_mix_is_said(store):
    app = page("live", run=make_run(store, mixes=False).id)
    assert "Where it mixes" not in words(app)
    assert "there is nothing to mix" in words(app)
    assert charts(app) == 2


@pytest.mark.parametrize("name", ["config.json", "status.json", "events.jsonl"])
def test_a_damaged_run_is_said(store, name):
    run = make_run(store)
    (run.path / name).write_text("{]\n")
    app = page("live", run=run.id)
    assert "Damaged" in words(app) and app.error


@pytest.mark.parametrize("state", ["running", "finished"])
def test_a_run_that_is_deleted_while_its_page_is_open_is_said_in_a_sentence(store, state):
    run, _ = make_run(store, state=state), make_run(store)
    live, listed = page("live", run=run.id), page("runs", runs=run.id)
    shutil.rmtree(run.path)
    for app in (live, listed):
        app.run()
        assert not app.exception
    assert len(live.error) == 1 and "There is no run" in words(live)
    assert "which this store of runs does not have" in words(listed)


def test_a_run_that_is_deleted_while_its_page_is_drawn_is_said_in_a_sentence(store, monkeypatch):
    run = make_run(store)
    app = page("live", run=run.id)
    read = type(run).config

    def gone(self):
        shutil.rmtree(run.path, ignore_errors=True)
        return read(self)

    monkeypatch.setattr("cifar_core.runs.store.Run.config", gone)
    app.run()
    assert not app.exception and len(app.error) == 1


def test_a_run_that_has_not_begun_waits(store):
    run = store.create(get_recipe("smoke").config)
    app = page("live", run=run.id)
    assert "Waiting" in words(app) and "appears here with the first steps" in words(app)


def test_who_opens_a_page_later_reads_no_event_anew(store, monkeypatch):
    run = make_run(store)
    page("live", run=run.id)
    monkeypatch.setattr("cifar_core.runs.store.Run.read_events", None)
    assert charts(page("live", run=run.id)) == 5


def test_the_list_shows_every_run_newest_first(store):
    runs = [make_run(store, epochs=2, state="stopped"), make_run(store, epochs=6)]
    table = page("runs").dataframe[0].value
    assert list(table["state"]) == ["Finished", "Stopped"]
    assert list(table["best val accuracy (%)"]) == [89.76, 67.3]
    assert [len(curve) for curve in table["val accuracy"]] == [6, 2]
    assert len(runs) == len(table)


def test_two_runs_lie_over_one_another_by_url(store):
    first, second = make_run(store, epochs=3), make_run(store, epochs=5, lr=0.05, quality=0.9)
    app = page("runs", runs=f"{first.id},{second.id}")
    assert charts(app) == 2
    assert "is ahead with" in words(app)
    app = page("runs", runs=f"{first.id},{second.id}", view="settings")
    assert charts(app) == 1
    differing = app.table[0].value
    assert "lr" in differing.to_string() and "0.05" in differing.to_string()
    assert "seed" not in differing.to_string()


def test_a_seventh_run_is_left_out_in_words(store):
    ids = [make_run(store, epochs=1).id for _ in range(7)]
    assert "the charts show the first 6" in words(page("runs", runs=",".join(ids)))


def test_unknown_ids_in_the_url_are_said_and_dropped(store):
    run = make_run(store)
    app = page("runs", runs=f"nope,{run.id}")
    assert "The link names 'nope', which this store of runs does not have" in words(app)
    assert app.query_params["runs"] == run.id
    assert charts(app) == 0


def test_a_damaged_run_does_not_spoil_the_list(store):
    make_run(store, epochs=2)
    damaged = make_run(store)
    (damaged.path / "events.jsonl").write_text("{]\n")
    app = page("runs", runs=damaged.id)
    assert "Damaged" in list(app.dataframe[0].value["state"])
    assert "are damaged" in words(app)


def test_a_shipped_run_can_be_seen_but_not_touched(store, tmp_path):
    shipped = tmp_path / "shipped" / "mixing_lite.default"
    run = make_run(store, epochs=3)
    shipped.parent.mkdir()
    run.path.rename(shipped)
    (shipped / "card.json").write_text("{}")
    app = page("live", run="mixing_lite.default")
    assert "Finished" in words(app) and charts(app) == 5 and buttons(app) == []
    table = page("runs").dataframe[0].value
    assert list(table["started"]) == ["shipped with the project"]
