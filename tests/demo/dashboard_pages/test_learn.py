"""The guided tour: each step has its address, its idea and its button, with runs and without."""

from dataclasses import replace

import pytest

from cifar_core.recipes import get_recipe
from cifar_core.runs.store import Status
from cifar_core.runs.summary import Summary, summarize_all
from cifar_core.runs.trash import delete_run
from demo.dashboard_pages.learn.lessons import (
    LESSONS,
    describe_end,
    describe_gain,
    lesson_number,
    run_of_recipe,
    run_under_way,
)
from tests.support.fake_runs import keep_running, make_run
from tests.support.page_tests import button, buttons, charts, page, words

TRAINED = {"2": "lesson_first", "3": "lesson_overfit", "4": "lesson_augment"}


@pytest.mark.parametrize(("text", "number"), [("", 1), ("3", 3), ("7", 7), ("8", 1), ("0", 1), ("two", 1)])
def test_a_url_that_names_no_step_opens_the_first(text, number):
    assert lesson_number(text) == number


@pytest.mark.parametrize("number", range(1, len(LESSONS) + 1))
def test_every_step_opens_without_any_run(store, number):
    lesson = LESSONS[number - 1]
    app = page("learn", step=str(number))
    said = words(app)
    assert app.title[0].value == lesson.title and lesson.idea in said and lesson.notice in said


def test_the_first_step_shows_others_on_demand(store):
    app = page("learn")
    before = words(app)
    button(app, "Show others").click().run()
    assert words(app) != before


@pytest.mark.parametrize(("step", "recipe"), TRAINED.items())
def test_the_button_trains_the_recipe_of_the_step(store, launched, step, recipe):
    app = page("learn", step=step)
    assert "Nobody has trained this here yet" in words(app)
    button(app, "Train it").click().run()
    assert [run.config().recipe for run in launched] == [recipe]
    assert not app.exception


def test_a_run_that_moves_is_shown_and_not_started_twice(store):
    run = make_run(store, recipe="lesson_first", mixes=False, state="running", epochs=2, total_epochs=5)
    lock = keep_running(run)
    app = page("learn", step="2")
    assert charts(app) == 2 and "Train it" not in buttons(app)
    lock.release()


def test_the_curves_of_the_run_before_stay_until_the_next_has_its_own(store):
    before = make_run(store, recipe="lesson_first", mixes=False, epochs=5, total_epochs=5)
    waiting = store.create(get_recipe("lesson_first").config)
    waiting.write_status(Status("waiting", message="Waits for another run."))
    lock = keep_running(waiting)
    app = page("learn", step="2")
    said = words(app)
    assert charts(app) == 2 and "curves of the previous run" in said and "Train it" not in buttons(app)
    last = before.events()[-2]
    assert describe_end("lesson_first", last.train_accuracy, last.val_accuracy) in said
    assert page("learn", step="6").table[0].value["epochs"].tolist() == ["5"]
    lock.release()


def test_a_run_that_fails_before_its_first_epoch_says_why(store):
    make_run(store, recipe="lesson_first", mixes=False, epochs=5, total_epochs=5)
    failed = store.create(get_recipe("lesson_first").config)
    failed.write_status(Status("failed", message="No server answered; name a folder with CIFAR-10."))
    app = page("learn", step="2")
    assert app.error[0].value.replace("\\", "") == "No server answered; name a folder with CIFAR-10."
    assert charts(app) == 2 and "Train it" in buttons(app)


def test_a_run_that_is_deleted_while_it_is_shown_is_a_sentence(store, monkeypatch):
    run = make_run(store, recipe="lesson_first", mixes=False, total_epochs=5)
    shown = summarize_all(store)
    monkeypatch.setattr("cifar_core.runs.summary.summarize_all", lambda _: shown)
    delete_run(store, run)
    app = page("learn", step="2")
    assert "This run cannot be shown." in words(app) and not charts(app) and not app.error
    assert "Train it" in buttons(app)


def test_the_end_is_told_with_the_figures_of_the_run(store):
    run = make_run(store, recipe="lesson_overfit", mixes=False, epochs=6, total_epochs=30)
    last = run.events()[-2]
    said = words(page("learn", step="3"))
    assert describe_end("lesson_overfit", last.train_accuracy, last.val_accuracy) in said


def test_what_augmentation_gained_is_computed_from_both_runs(store):
    without = make_run(store, recipe="lesson_overfit", mixes=False, total_epochs=30, quality=0.5)
    augmented = make_run(store, recipe="lesson_augment", mixes=False, total_epochs=30, quality=0.6)
    ends = [run.events()[-2].val_accuracy for run in (without, augmented)]
    assert describe_gain(*ends) in words(
        page("learn", step="4")
    ) and " more of every hundred" in describe_gain(*ends)
    assert "10.0 fewer" in describe_gain(0.5, 0.4)
    assert describe_gain(None, 0.4) == ""


def test_the_newest_own_run_comes_before_the_shipped_one(store, monkeypatch):
    config = get_recipe("lesson_first").config
    shipped = Summary("s", "s", "finished", 9.0, True, config=config, epochs=5)
    older = replace(shipped, id="o", created=1.0, shipped=False)
    newer = replace(older, id="n", created=2.0, config=config.replace(seed=3))
    without_epoch = replace(older, id="f", created=3.0, epochs=0, state="failed")
    other = replace(older, id="c", created=4.0, config=config.replace(train_size=100))
    summaries = [shipped, older, newer, without_epoch, other]
    assert run_of_recipe("lesson_first", summaries) == newer
    assert run_of_recipe("lesson_first", [shipped, without_epoch, other]) == shipped
    assert run_of_recipe("lesson_augment", summaries) is None
    waiting = replace(older, id="w", created=5.0, epochs=0, state="waiting")
    assert run_of_recipe("lesson_first", [*summaries, waiting]) == newer
    assert run_under_way("lesson_first", [*summaries, waiting]) == waiting
    assert run_under_way("lesson_first", summaries) is None


def test_runs_are_compared_with_what_they_cost(store):
    make_run(store, recipe="lesson_first", mixes=False, total_epochs=5)
    make_run(store, recipe="lesson_augment", mixes=False, total_epochs=30, quality=1.1)
    app = page("learn", step="6")
    assert charts(app) == 1 and "2,000, augmented is ahead" in words(app)
    assert app.table[0].value.shape[0] == 2


def test_the_mix_changes_with_the_drawing(store, monkeypatch):
    monkeypatch.undo()  # the shipped networks are there
    app = page("learn", step="5")
    first = words(app)
    button(app, "Another picture").click().run()
    assert words(app) != first and charts(app) == 1


def test_on_a_public_page_nothing_is_trained(store, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_PUBLIC", "1")
    app = page("learn", step="2")
    assert "Train it" not in buttons(app)
