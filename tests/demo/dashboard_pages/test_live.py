"""The page of one run: its head and buttons, what is heard of it, and how often it is looked at."""

import dataclasses
import json
import shutil

import pytest

from cifar_core.files import DEFAULT_CHECKPOINT
from cifar_core.recipes import get_recipe
from cifar_core.runs.events import LearningRate, RunEnd
from cifar_core.runs.history import History
from cifar_core.runs.requests import ControlRequest
from cifar_core.runs.status import Resources, Status
from demo.dashboard_pages.live.curves import LOOK_SECONDS, WAIT_SECONDS, YOUNG, earlier_run, refresh_seconds
from demo.dashboard_pages.live.head import describe_end, describe_plateau
from tests.support.fake_runs import epoch_end, keep_running, make_run, start
from tests.support.page_tests import button, buttons, charts, number, page, words

OFTEN, SELDOM = LOOK_SECONDS


@pytest.mark.parametrize("run_id", ["nope-1", "../../etc", "", "a/b", "."])
def test_an_id_from_outside_the_store_finds_nothing(store, run_id):
    app = page("live", run=run_id)
    assert f"no run '{run_id}'" in words(app) and not charts(app)


def test_without_a_run_of_ones_own_the_default_networks_is_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_RUNS", str(tmp_path))
    app = page("live")
    assert DEFAULT_CHECKPOINT in words(app)
    assert "26 pixels in epochs 1 to 6" in words(app)


def test_a_run_stopped_within_its_first_epoch_says_what_to_do(store):
    run = make_run(store, epochs=0, state="stopped")
    app = page("live", run=run.id)
    assert "Resume starts again" in words(app) and "Resume" in buttons(app)
    assert "After the first epoch" in words(app)
    run.last_checkpoint.mkdir(parents=True)
    assert "Resume goes on" in words(page("live", run=run.id))


def test_without_an_id_the_run_under_way_is_shown(store):
    active = make_run(store, state="running")
    make_run(store, state="finished")
    with active.lock():
        assert "Running" in words(page("live"))


def test_a_running_run_shows_its_head_curves_mixing_and_what_it_takes(store):
    run = make_run(store, epochs=4, state="running")
    taken = Resources(812.0, 1.9, 2, 0.97, 3200.0, 80_000.0, 0.45)
    with run.lock():
        run.write_status(dataclasses.replace(run.status(), resources=taken))
        app = page("live", run=run.id)
        said = words(app)
        for part in (
            "Running",
            "812 images/s",
            "5 of 6",
            "cpu, bf16",
            "812 MB",
            "1.9 of 2 cores",
            "97 % busy",
        ):
            assert part in said
        assert "45 %, 3.2 GB of 80.0 GB" in said and "pixels in epoch" not in said
        assert "2 min 10 s left" in app.get("progress")[0].proto.text
        assert "In stage3.1 one kernel has taken over" in said
        assert charts(app) == 6
        assert buttons(app)[:4] == ["Pause", "Stop", "Halve", "Double"]
        run.write_status(Status("running", resources=Resources()))
        assert "of 2 cores" not in words(app.run())


@pytest.mark.parametrize(
    ("state", "label", "asked"),
    [("running", "Pause", "pause"), ("running", "Stop", "stop"), ("paused", "Continue", "continue")],
)
def test_buttons_ask_the_process(store, state, label, asked):
    run = make_run(store, state=state)
    with run.lock():
        button(page("live", run=run.id), label).click().run()
        assert run.take_request() == ControlRequest(asked)


def test_the_learning_rate_is_changed_from_the_page(store):
    run = make_run(store, epochs=2, state="running")
    lock = keep_running(run)
    run.append(LearningRate(110, 0.5, 1.0))
    app = page("live", run=run.id)
    assert "half of the schedule" in words(app) and "Dotted: somebody changed" in words(app)
    button(app, "Halve").click().run()
    assert run.take_request() == ControlRequest(factor=0.25)
    button(app, "Back to the schedule").click().run()
    assert run.take_request() == ControlRequest(factor=1.0)
    number(app, "Times").set_value(0.3)
    button(app, "Change").click().run()
    assert run.take_request() == ControlRequest(factor=0.3)
    number(app, "Times").set_value(0.0)
    button(app, "Change").click().run()
    assert run.take_request() is None
    for _ in range(2):  # the sentence stays while the page is drawn anew
        assert "is 0; it must be from 0.001 to 1000" in words(app)
        app.run()
    button(app, "Pause").click().run()
    assert "it must be from 0.001" not in words(app)
    lock.release()


def test_a_failed_run_shows_its_log_and_can_be_resumed(store, launched):
    run = make_run(store, epochs=1, state="failed")
    (run.path / "log.txt").write_text("line one\nRuntimeError: boom\n")
    app = page("live", run=run.id)
    assert "RuntimeError: boom" in words(app) and "log" in app.error[0].value
    button(app, "Resume").click().run()
    assert [item.id for item in launched] == [run.id]


def test_a_failure_that_says_what_to_do_is_not_told_to_resume(store):
    run = make_run(store, epochs=1, state="failed")
    run.write_status(dataclasses.replace(run.status(), message="No number; start again with a smaller rate."))
    (error,) = page("live", run=run.id).error
    assert "smaller rate" in error.value and "Resume" not in error.value


def test_a_process_that_died_shows_as_failed(store):
    run = make_run(store, state="running")
    (error,) = page("live", run=run.id).error
    assert "killed" in error.value and "Resume" in error.value


def test_a_finished_run_has_no_buttons_and_says_its_result(store):
    app = page("live", run=make_run(store, epochs=6).id)
    assert buttons(app) == []
    assert "Finished after 6 epochs" in words(app) and "89.76 % of the validation pictures" in words(app)


def test_a_network_that_does_not_mix_is_said(store):
    app = page("live", run=make_run(store, mixes=False).id)
    assert "nothing to mix" in words(app)
    assert charts(app) == 3


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
    assert "not in this store" in words(listed)


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
    assert "Waiting" in words(app) and "Starting Python" in words(app) and not charts(app)


def test_who_opens_a_page_later_reads_no_event_anew(store, monkeypatch):
    run = make_run(store)
    page("live", run=run.id)
    monkeypatch.setattr("cifar_core.runs.store.Run.read_events", None)
    assert charts(page("live", run=run.id)) == 6


def test_a_shipped_run_can_be_seen_but_not_touched(store, tmp_path):
    shipped = tmp_path / "shipped" / "mixing_lite.default"
    run = make_run(store, epochs=3)
    shipped.parent.mkdir()
    run.path.rename(shipped)
    (shipped / "card.json").write_text("{}")
    app = page("live", run="mixing_lite.default")
    assert "Finished" in words(app) and charts(app) == 6 and buttons(app) == []
    table = page("runs").dataframe[0].value
    assert list(table["started"]) == ["shipped with the project"]


# What is heard of a run


def history_of(losses, total=20):
    history = History(start=start(total, mixes=False))
    for epoch, loss in enumerate(losses, 1):
        history.add([dataclasses.replace(epoch_end(epoch, False, 1.0), val_loss=loss)])
    return history


def test_a_loss_that_falls_needs_no_word():
    assert describe_plateau(History()) == ""
    assert describe_plateau(history_of([2.0, 1.5, 1.6, 1.7])) == ""
    assert describe_plateau(history_of([2.0, 1.5, 1.6, 1.7, 1.4])) == ""


def test_a_loss_that_has_not_fallen_for_three_epochs_is_said():
    said = describe_plateau(history_of([2.0, 1.5, 1.6, 1.7, 1.5]))
    assert "validation loss" in said and "3 epochs (1.50 at epoch 2)" in said


def test_a_long_run_is_given_more_time():
    losses = [2.0, 1.5] + [1.6] * 9
    assert describe_plateau(history_of(losses, total=100)) == ""
    assert "for 10 epochs" in describe_plateau(history_of([*losses, 1.6], total=100))


def test_a_run_that_has_ended_needs_no_advice():
    history = history_of([1.0, 2.0, 2.0, 2.0])
    history.add([RunEnd("finished", 200, 1.0, 1, 0.5)])
    assert describe_plateau(history) == ""


@pytest.mark.parametrize(("asked", "notes"), [(True, 1), (False, 0)])
def test_the_end_is_told_to_those_who_asked(store, asked, notes):
    run = make_run(store, epochs=6, state="running")
    lock = keep_running(run)
    app = page("live", run=run.id)
    app.toggle(key="tell").set_value(asked).run()
    assert not app.toast
    run.append(RunEnd("finished", 300, 75.0, 6, 0.9))
    run.write_status(Status("finished"))
    lock.release()
    app.run()
    assert not app.exception and len(app.toast) == notes
    assert all("finished" in note.value for note in app.toast)
    app.run()
    assert not app.toast, "told once"


def test_a_plateau_is_said_on_the_page(store):
    run = make_run(store, epochs=2, state="running")
    for epoch in (3, 4, 5):
        run.append(dataclasses.replace(epoch_end(epoch, True, 1.0), val_loss=3.0))
    lock = keep_running(run)
    assert "has not fallen for 3 epochs" in words(page("live", run=run.id))
    lock.release()


def test_words_of_the_end(store):
    run = make_run(store)
    assert describe_end(run, Status("failed", message="The loss is no number.")).endswith(
        ": failed. The loss is no number."
    )


# How often a run is looked at


def test_a_run_that_has_ended_is_looked_at_once():
    assert refresh_seconds(Status("finished"), 50, asked=False) is None


def test_what_is_waited_for_is_seen_soon():
    status = Status("running", eta_seconds=9000.0)
    assert refresh_seconds(status, 50, asked=True) == refresh_seconds(status, 0, asked=False) == WAIT_SECONDS


def test_a_resumed_run_is_waited_for_though_it_has_points():
    assert refresh_seconds(Status("waiting"), 500, asked=False) == WAIT_SECONDS


def test_a_long_run_is_looked_at_often_until_its_curves_have_a_shape():
    status = Status("running", eta_seconds=9000.0)
    assert refresh_seconds(status, YOUNG - 1, asked=False) == OFTEN
    assert refresh_seconds(status, YOUNG, asked=False) == SELDOM


@pytest.mark.parametrize(("left", "seconds"), [(5.0, OFTEN), (180.0, 3.0), (9000.0, SELDOM), (None, OFTEN)])
def test_a_long_run_is_looked_at_less_often(left, seconds):
    assert refresh_seconds(Status("running", eta_seconds=left), 50, asked=False) == seconds


def test_the_earlier_run_is_of_the_same_recipe_and_classes(store):
    first, others, run = make_run(store), make_run(store, data="synthetic"), make_run(store)
    for created, one in enumerate((first, others, run), start=1):
        (one.path / "run.json").write_text(json.dumps({"created": float(created)}))
    found = earlier_run(store, run)
    assert found is not None and found.id == first.id and earlier_run(store, others) is None
