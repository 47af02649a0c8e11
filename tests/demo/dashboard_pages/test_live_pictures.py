"""The twelve pictures of a run's page: answers that move with the epochs, are asked for, or still come."""

import base64
import dataclasses
import json

import numpy as np
import pytest

from cifar_core.data.synthetic import SHAPE_NAMES
from cifar_core.runs.history import History
from cifar_core.runs.sample import FILE
from cifar_core.runs.store import StoreError
from demo.dashboard_pages.live.pictures import (
    ASK,
    HEADING,
    NONE_KEPT,
    SOON,
    answered,
    course_of,
    title_of,
    top_of,
)
from demo.shared.pictures import course_line
from tests.support.fake_runs import epoch_end, keep_running, make_run, sample
from tests.support.page_tests import button, buttons, page, words
from tests.support.toy_checkpoints import save_toy


def test_the_page_shows_what_the_newest_epoch_says(store):
    run = make_run(store, epochs=4, state="running")
    lock = keep_running(run)
    app = page("live", run=run.id)
    told = answered(sample(), History.of(run).epochs)
    assert 0 < told.hits(0) < told.hits(-1) <= 12
    said = words(app)
    assert f"After epoch 4 it is right about {told.hits(-1)} of 12 validation pictures" in said
    assert said.count("image-rendering:pixelated") == 12 and said.count("right: ") == told.hits(-1)
    run.append(epoch_end(5, True, 0.3))
    assert "After epoch 5 it is right about" in words(app.run())
    lock.release()


def test_before_the_first_epoch_the_page_says_when_they_come(store):
    run = make_run(store, epochs=0, state="running")
    lock = keep_running(run)
    assert SOON in words(page("live", run=run.id))
    lock.release()


def test_a_run_without_answers_is_asked_when_somebody_wants_it(store):
    make_old(run := make_run(store, recipe="smoke"))
    app = page("live", run=run.id)
    assert NONE_KEPT in words(app) and ASK not in buttons(app), "it has no weights to ask"
    save_toy(run.best_checkpoint, class_names=list(SHAPE_NAMES))
    app = page("live", run=run.id)
    button(app, ASK).click().run()
    said = words(app)
    assert "The best weights are right about" in said and said.count("image-rendering:pixelated") == 12


def test_weights_that_cannot_be_read_are_said(store):
    make_old(run := make_run(store))
    run.best_checkpoint.mkdir(parents=True)
    (run.best_checkpoint / "card.json").write_text("{]")
    app = page("live", run=run.id)
    button(app, ASK).click().run()
    assert "damaged" in words(app) and app.error and not app.exception


def make_old(run):
    """As an earlier version left it: no pictures, no answers."""
    (run.path / FILE).unlink()
    events = [json.loads(line) for line in (run.path / "events.jsonl").read_text().splitlines()]
    for event in events:
        event.pop("answers", None)
    (run.path / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))


@pytest.mark.parametrize(
    "text", ["{", "{}", '{"shape": [1], "pixels": "", "targets": [], "class_names": []}']
)
def test_damaged_pictures_are_said_and_the_rest_stays(store, text):
    run = make_run(store)
    (run.path / FILE).write_text(text)
    app = page("live", run=run.id)
    assert app.error and HEADING in words(app) and "Finished after" in words(app)


def test_answers_that_do_not_fit_are_said():
    epoch = dataclasses.replace(epoch_end(1, False, 1.0), answers=[[1.0]])
    with pytest.raises(StoreError, match="epoch 1 do not fit"):
        answered(sample(), [epoch])


def test_title_bars_and_course():
    epochs = [epoch_end(number, False, quality) for number, quality in ((1, 0.4), (2, 1.0))]
    assert answered(sample(), [dataclasses.replace(epochs[0], answers=[])]) is None
    told = answered(sample(), epochs)
    assert title_of(told, "test").endswith(f"12 test pictures; after epoch 1 it was {told.hits(0)}")
    assert top_of(np.array([0.1, 0.7, 0.2]), ["a", "b", "c"]) == [("b", 0.7), ("c", 0.2), ("a", 0.1)]
    assert "airplane: from 64 % after epoch 1 to 64 % after epoch 2" in course_of(told, 0)
    assert course_of(answered(sample(), epochs[:1]), 0) == ""


def test_a_course_is_drawn_from_left_to_right_and_words_are_escaped():
    drawn = course_line([0.0, 1.0], '<b> & "c"')
    assert "&lt;b&gt;" in drawn and "<b>" not in drawn
    svg = base64.b64decode(drawn.split("base64,")[1].split('"')[0]).decode()
    assert 'points="0.0,22.0 100.0,1.0"' in svg
