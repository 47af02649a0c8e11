"""On a public host a training is cut down, whatever the form says, and one at a time."""

import pytest

from cifar_core.recipes import get_recipe, list_recipes
from demo.dashboard_pages.train.limits import (
    CAPS_TEXT,
    KEPT_RUNS,
    MOST_BATCH,
    MOST_EPOCHS,
    MOST_IMAGES,
    capped,
    whats_in_the_way,
)
from tests.support.fake_runs import make_run
from tests.support.page_tests import button, page, words


@pytest.mark.parametrize("name", list_recipes())
def test_every_recipe_is_cut_down(name):
    config = capped(get_recipe(name).config, get_recipe(name).config)
    assert config.epochs <= MOST_EPOCHS and 0 < config.train_size <= MOST_IMAGES
    assert config.val_size <= MOST_IMAGES and config.batch_size <= MOST_BATCH
    assert config.accumulation_steps == 1 and config.monitored == "val"


def test_what_is_small_already_stays_and_the_network_is_the_recipes():
    recipe = get_recipe("smoke").config
    asked = recipe.replace(epochs=2, train_size=150, lr=0.123, model="speed", model_args={"width": 9999})
    cut = capped(asked, recipe)
    assert (cut.epochs, cut.train_size, cut.lr) == (2, 150, 0.123)
    assert (cut.model, cut.model_args) == (recipe.model, recipe.model_args)


def test_one_at_a_time(store):
    assert whats_in_the_way(store) == ""
    with make_run(store, epochs=2, state="running").lock():
        assert "under way" in whats_in_the_way(store)


def test_the_disk_is_not_filled(store, monkeypatch):
    monkeypatch.setattr("demo.dashboard_pages.train.limits.KEPT_RUNS", 1)
    make_run(store, epochs=2)
    assert KEPT_RUNS > 1 and "keeps no more runs" in whats_in_the_way(store)


def test_the_page_says_the_caps_and_starts_a_cut_run(store, launched, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_PUBLIC", "1")
    app = page()
    app.radio(key="recipe").set_value("smoke").run()
    assert CAPS_TEXT in words(app)
    button(app, "Train").click().run()
    (run,) = launched
    config = run.config()
    assert config.epochs <= MOST_EPOCHS and 0 < config.train_size <= MOST_IMAGES
