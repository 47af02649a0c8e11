"""How long a training would take, on the Train page: known, being measured, or not known; Train goes on."""

import dataclasses

import pytest

from cifar_core.estimate.speed import about, estimate_seconds
from cifar_core.estimate.store import keep_speed
from cifar_core.recipes import get_recipe, list_recipes
from demo.dashboard_pages.train.recipes import card_figures
from demo.widgets import training_time as cost
from demo.widgets.training_time import BEING_MEASURED, BESIDE, MAX_STARTS, UNKNOWN, answer_for
from tests.estimate.test_speed import speed
from tests.support.fake_runs import make_run
from tests.support.page_tests import button, number, page, words

CONFIG = get_recipe(list_recipes()[0]).config  # the one that the page opens with


class Process:
    """A process that was started in name only."""

    code: int | None = None

    def poll(self) -> int | None:
        return self.code


@pytest.fixture
def patient(monkeypatch):
    """The form is asked for long enough; gives the processes that were started."""
    monkeypatch.setattr(cost, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(cost.st, "session_state", {})
    started = []

    def start(config, store):
        started.append(Process())
        return started[-1]

    monkeypatch.setattr(cost, "start_measuring", start)
    return started


def ask(store, config=CONFIG):
    """Asked twice: the first time the form may just have changed."""
    answer_for(config, store)
    return answer_for(config, store)


def test_before_the_start_size_and_time_are_shown(store):
    keep_speed(CONFIG, speed())
    app = page()
    said = words(app)
    for shown in ("Parameters", "1.00 k", "Multiply-adds a picture", "2.00 k", "(measured)"):
        assert shown in said
    assert f"about {about(estimate_seconds(CONFIG, speed()))} (measured)" in said


def test_another_number_of_epochs_is_another_time_at_once(store):
    keep_speed(CONFIG, speed())
    app = page()
    number(app, "epochs").set_value(100).run()
    before, after = (
        about(estimate_seconds(CONFIG.replace(epochs=epochs), speed())) for epochs in (CONFIG.epochs, 100)
    )
    assert before != after and f"about {after} (measured)" in words(app)


def test_the_card_tells_the_same_time(store):
    keep_speed(CONFIG.replace(epochs=3), speed())
    answer = answer_for(CONFIG, store)
    (here,) = [words for words in card_figures(get_recipe(CONFIG.recipe), []) if words.endswith(" here")]
    assert here.removesuffix(" here") in answer.words


def test_while_it_is_measured_a_calm_line_says_so_and_train_works(store, launched):
    app = page()
    assert BEING_MEASURED in words(app)
    assert not app.exception and not app.error
    assert not button(app, "Train").disabled


def test_it_is_measured_once_and_looked_for_until_it_is_known(store, patient):
    assert ask(store).words == BEING_MEASURED and ask(store).look_seconds
    assert len(patient) == 1
    keep_speed(CONFIG, speed())
    patient[0].code = 0
    answer = ask(store)
    assert answer.speed == speed() and answer.look_seconds is None
    assert len(patient) == 1


def test_one_process_at_a_time(store, patient):
    ask(store)
    other = get_recipe("smoke").config
    assert ask(store, other).words == BEING_MEASURED
    assert len(patient) == 1
    patient[0].code = 1
    ask(store, other)
    assert len(patient) == 2


def test_a_form_that_is_being_changed_is_left_alone(store, patient, monkeypatch):
    monkeypatch.setattr(cost, "PATIENCE_SECONDS", 60.0)
    assert ask(store).words == BEING_MEASURED
    assert not patient


def test_a_process_that_fails_without_a_word_is_not_started_for_ever(store, patient):
    for _ in range(MAX_STARTS + 3):
        answer = ask(store)
        for process in patient:
            process.code = 1
    assert answer.words == UNKNOWN and answer.look_seconds is None
    assert len(patient) == MAX_STARTS


def test_a_process_that_cannot_be_started_is_said(store, patient, monkeypatch):
    def fail(config, store):
        raise OSError("no more processes")

    monkeypatch.setattr(cost, "start_measuring", fail)
    assert ask(store).words == UNKNOWN


def test_a_reason_is_given_and_train_works(store):
    keep_speed(CONFIG, "There is not enough memory.")
    app = page()
    assert "There is not enough memory." in words(app)
    assert not button(app, "Train").disabled


def test_beside_a_training_nothing_is_measured(store, patient):
    run = make_run(store, epochs=1, state="running")
    with run.lock():
        assert ask(store).words == BESIDE and ask(store).look_seconds
        assert not patient
        keep_speed(CONFIG, speed())
        assert "longer while another training runs" in ask(store).words


def test_a_busy_machine_is_named(store):
    keep_speed(CONFIG, dataclasses.replace(speed(), busy=True, measured=4e9))
    assert "busy" in answer_for(CONFIG, store).words
