"""The guided tour: each step has its address, its idea and its button, with runs and without."""

from dataclasses import replace

import pytest

from cifar_core.recipes import get_recipe
from cifar_core.runs.store import Status
from cifar_core.runs.summary import Summary, summarize_all
from cifar_core.runs.trash import delete_run
from demo.dashboard_pages.learn.lessons import (
    COMPARED,
    LESSONS,
    comparable_runs,
    describe_end,
    describe_gain,
    lesson_number,
    next_seed,
    run_of_recipe,
    run_under_way,
)
from demo.dashboard_pages.learn.mixing_guess import describe_guess, question_on
from demo.shared.drawings import DRAWINGS
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
    shipped = get_recipe(recipe).config
    (run,) = launched
    assert run.config() == shipped.replace(seed=shipped.seed + 1), (
        "the shipped run's own seed would show it again"
    )
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
    make_run(store, recipe="lesson_overfit", mixes=False, total_epochs=30)
    make_run(store, recipe="lesson_augment", mixes=False, total_epochs=30, quality=1.1)
    make_run(store, recipe="lesson_augment", mixes=False, total_epochs=30, quality=1.2, seed=5)
    app = page("learn", step="6")
    assert charts(app) == 1 and "with augmentation is ahead" in words(app)
    assert app.table[0].value.shape[0] == 2
    assert "no run of these" in words(page("learn", step="6", what="depth"))


@pytest.mark.parametrize("recipes", COMPARED.values(), ids=list(COMPARED))
def test_what_is_compared_differs_in_one_thing(recipes):
    first, *others = (get_recipe(recipe).config for recipe in recipes)
    things = {name for config in others for name in config.differences(first)} - {"recipe"}
    assert len(things) == 1


def test_runs_of_one_seed_are_compared_and_the_next_has_a_new_one():
    def summary(recipe, seed, created):
        config = get_recipe(recipe).config.replace(seed=seed)
        return Summary(f"{recipe}{seed}", "", "finished", created, created == 0, config=config, epochs=30)

    plain, changed = "lesson_overfit", "lesson_augment"
    runs = [summary(plain, 0, 0), summary(changed, 0, 0), summary(plain, 1, 1.0)]
    assert {item.config.seed for item in comparable_runs([plain, changed], runs).values()} == {0}
    runs.append(summary(changed, 1, 2.0))
    assert {item.config.seed for item in comparable_runs([plain, changed], runs).values()} == {1}
    assert next_seed(plain, runs) == 2 and next_seed("lesson_first", runs) == 1
    assert comparable_runs(["s5-cnn-2"], runs) == {}


def test_a_guess_comes_before_the_mix(store, monkeypatch):
    monkeypatch.undo()  # the shipped networks are there
    app = page("learn", step="5")
    assert 'role="img"' not in words(app)
    guess = next(item for item in app.radio if item.label == "Your guess")
    assert len(guess.options) == len(DRAWINGS) - 1
    answers = set()
    for name in guess.options:
        guess.set_value(name).run()
        assert words(app).count('role="img"') == 6 * len(DRAWINGS), "a bar for each block of each picture"
        answers.add("**Right" in words(app))
    assert answers == {True, False}
    button(app, "Other pictures").click().run()
    assert next(item for item in app.radio if item.label == "Your guess").value is None
    assert 'role="img"' not in words(app)


def test_the_question_is_about_the_kernel_that_varies_most_and_has_a_clear_answer():
    shares = (0.2, 0.9, 0.1, 0.7, 0.3, 0.6, 0.5)
    mixes = [{"A": [0.5, 0.5], "B": [share, 1 - share], "C": [0.4, 0.6]} for share in shares]
    question = question_on(mixes, turn=0)
    assert (question.block, question.kernel, question.example, question.answer) == ("B", 0, 1, 3)
    assert sorted(question.shown) == [0, 1, 2, 3, 4]
    assert question_on(mixes, turn=0) == question
    assert sorted(question_on(mixes[:5], turn=1).shown) == [0, 1, 2, 3, 4]


def test_a_wrong_guess_is_told_with_both_shares():
    taken = {"cat": "20 %", "ship": "70 %"}
    assert describe_guess("ship", "ship", taken).startswith("Right")
    wrong = describe_guess("cat", "ship", taken)
    assert "the ship with 70 %" in wrong and "the cat gets 20 %" in wrong


def test_on_a_public_page_nothing_is_trained(store, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_PUBLIC", "1")
    app = page("learn", step="2")
    assert "Train it" not in buttons(app)
