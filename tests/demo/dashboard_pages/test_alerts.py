"""What a watcher hears of a run: that it learns no more, and that it has ended."""

import dataclasses

import pytest

from cifar_core.runs.events import RunEnd
from cifar_core.runs.history import History
from cifar_core.runs.store import Status
from demo.dashboard_pages.live.alerts import describe_end, describe_plateau
from tests.support.fake_runs import epoch_end, keep_running, make_run, start
from tests.support.page_tests import page, words


def history_of(losses, total=20):
    history = History(start=start(total, mixes=False))
    for number, loss in enumerate(losses, 1):
        history.add([dataclasses.replace(epoch_end(number, False, 1.0), val_loss=loss)])
    return history


def test_a_loss_that_falls_needs_no_word():
    assert describe_plateau(History()) == ""
    assert describe_plateau(history_of([2.0, 1.5, 1.6, 1.7])) == ""
    assert describe_plateau(history_of([2.0, 1.5, 1.6, 1.7, 1.4])) == ""


def test_a_loss_that_has_not_fallen_for_three_epochs_is_said():
    said = describe_plateau(history_of([2.0, 1.5, 1.6, 1.7, 1.5]))
    assert said.startswith("The validation loss has not fallen for 3 epochs (1.50 at epoch 2)")


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
    for number in (3, 4, 5):
        run.append(dataclasses.replace(epoch_end(number, True, 1.0), val_loss=3.0))
    lock = keep_running(run)
    assert "has not fallen for 3 epochs" in words(page("live", run=run.id))
    lock.release()


def test_words_of_the_end(store):
    run = make_run(store)
    assert describe_end(run, Status("failed", message="The loss is no number.")).endswith(
        ": failed. The loss is no number."
    )
