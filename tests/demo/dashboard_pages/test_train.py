"""The page that starts a training: recipes, pictures, settings, the queue, and the caps of a public host."""

import re

import pytest

from cifar_core.recipes import get_recipe, list_recipes
from cifar_core.recipes.sizes import Size, network_sizes
from cifar_core.runs.requests import ControlRequest
from cifar_core.runs.status import QUEUED, Status
from cifar_core.settings import GROUPS
from demo.dashboard_pages.train.public import (
    CAPS_TEXT,
    KEPT_RUNS,
    MOST_BATCH,
    MOST_EPOCHS,
    MOST_IMAGES,
    capped,
    whats_in_the_way,
)
from demo.widgets.panels import NO_BREAK
from tests.support.fake_runs import accuracy, make_run
from tests.support.own_pictures import NAMES, make_own
from tests.support.page_tests import button, buttons, number, page, words

FIRST = list_recipes()[0]  # the one that the form opens with


def test_every_recipe_is_listed_under_its_kind(store):
    app = page()
    listed = list(app.radio(key="recipe").options)
    for kind in ("lesson", "stated", "fast"):
        app.button_group(key="kind").set_value(kind).run()
        assert not app.exception
        listed += app.radio(key="recipe").options
    assert sorted(listed) == sorted(list_recipes())


@pytest.mark.parametrize("name", ["mixing_lite", "lesson_first", "s2-vgg", "s1-mixing11-fast"])
def test_a_recipe_of_each_kind_has_an_address_a_card_and_a_form(store, name):
    app = page("train", recipe=name)
    assert not app.exception and not app.error
    assert app.radio(key="recipe").value == name
    assert number(app, "epochs").value == get_recipe(name).config.epochs
    assert f"train --recipe {name}" in words(app)
    for caption in app.radio(key="recipe").proto.captions:
        assert re.search(r" parameters · .* multiply\\?-adds a picture · ", caption), caption


def test_own_classes_are_read_from_their_folder(store, tmp_path, monkeypatch):
    app = page("train", recipe="own_classes")
    assert not app.exception and button(app, "Train").disabled
    folder = make_own(tmp_path / "own")
    app.text_input(key="own-folder").set_value(str(tmp_path)).run()
    assert not app.exception and button(app, "Train").disabled and "2 to 100" in words(app)
    app.text_input(key="own-folder").set_value(str(folder)).run()
    assert not app.exception and not button(app, "Train").disabled
    assert f"--data-dir {folder}" in app.code[0].value and "--set" not in app.code[0].value
    monkeypatch.setattr("cifar_core.runs.launch.launch", lambda run: None)
    button(app, "Train").click().run()
    (run,) = (run for run in store.list() if not run.shipped)
    assert run.config().classes == tuple(sorted(NAMES)) and run.data_dir == folder


def test_a_change_is_marked_counted_shown_as_a_command_and_undone(store):
    app = page()
    assert all(title in words(app) for title in GROUPS)
    number(app, "lr").set_value(0.025).run()
    assert "changed from" in number(app, "lr").label
    assert "--set lr=0.025" in app.code[0].value
    number(app, "momentum").set_value(0.5).run()
    assert "How weights change, 1 changed" in words(app)
    assert "More settings, 1 changed" in [item.label for item in app.expander]
    button(app, "Reset to the recipe").click().run()
    assert "changed" not in number(app, "lr").label
    assert "--set" not in app.code[0].value


def test_every_network_can_be_chosen_also_one_that_no_recipe_trains(store, monkeypatch):
    sizes = (*network_sizes(), Size("new_family", {}, 10, 1_230_000, 4_560_000))
    monkeypatch.setattr("cifar_core.recipes.sizes.network_sizes", lambda: sizes)
    app = page()
    model = next(item for item in app.selectbox if str(item.key).endswith(":model"))
    assert list(model.options) == sorted({size.model for size in sizes})
    model.set_value("new_family").run()
    assert "--set model=new_family" in app.code[0].value
    assert "1.23 M" in words(app) and "4.56 M" in words(app)


def test_each_recipe_keeps_its_own_changes(store):
    app = page()
    number(app, "epochs").set_value(7).run()
    app.radio(key="recipe").set_value("smoke").run()
    assert number(app, "epochs").value == get_recipe("smoke").config.epochs
    app.radio(key="recipe").set_value(FIRST).run()
    assert number(app, "epochs").value == 7


def test_train_makes_a_run_starts_it_and_shows_it(store, launched):
    app = page()
    app.radio(key="recipe").set_value("smoke").run()
    number(app, "epochs").set_value(2).run()
    button(app, "Train").click().run()
    assert not app.exception
    (run,) = launched
    config = store.get(run.id).config()
    assert (config.recipe, config.epochs, config.data) == ("smoke", 2, "synthetic")
    assert app.query_params["run"] == run.id
    assert "Waiting" in words(app)


def test_what_trains_and_waits_is_listed_and_can_be_withdrawn(store):
    assert "in line" not in words(page())
    running = make_run(store, epochs=2, state="running")
    waiting = store.create(get_recipe("smoke").config)
    with running.lock(), waiting.lock():
        message = f"Waits for {running.id} to finish."
        waiting.write_status(Status("waiting", stage=QUEUED, message=message, queued=1.0))
        app = page()
        said = words(app)
        assert "1 training under way, 1 in line" in said and message in said
        assert buttons(app).count("Withdraw") == 1
        button(app, "Withdraw").click().run()
        assert waiting.take_request() == ControlRequest("stop")
        assert "Withdraw" in buttons(page("live", run=waiting.id))


def test_bad_values_are_refused_in_a_sentence_and_nothing_is_lost(store):
    app = page()
    number(app, "seed").set_value(5).run()
    for field, bad, good, said in (
        ("epochs", 0, 3, "epochs is 0; it must be from 1 to 1000"),
        ("lr", -1.0, 0.1, "lr is -1.0; it must be from"),
    ):
        number(app, field).set_value(bad).run()
        assert said in words(app) and button(app, "Train").disabled
        number(app, field).set_value(good).run()
        assert not app.error and not button(app, "Train").disabled
    next(item for item in app.text_input if item.key.endswith(":milestones")).set_value("50, x").run()
    assert "milestones is '50, x'; it must be a list of whole numbers" in words(app)
    assert number(app, "seed").value == 5


def test_a_folder_without_data_is_refused_before_the_start(store, tmp_path):
    app = page()
    app.text_input(key="folder").set_value(str(tmp_path / "nowhere")).run()
    assert "there is no such file or folder" in words(app)
    assert button(app, "Train").disabled
    app.radio(key=f"data:{FIRST}").set_value("synthetic").run()
    assert not button(app, "Train").disabled


def test_the_folder_of_the_last_run_is_offered(store, tmp_path):
    store.create(get_recipe("mixing_lite").config, tmp_path)
    assert page().text_input(key="folder").value == str(tmp_path)


def test_a_shipped_run_is_not_called_the_best_here(store, tmp_path):
    shipped = tmp_path / "shipped" / "speed_mixing.v9"
    shipped.parent.mkdir()
    epochs = get_recipe(FIRST).config.epochs
    make_run(store, epochs=6, total_epochs=epochs, recipe=FIRST).path.rename(shipped)
    (shipped / "card.json").write_text("{}")
    caption = page().radio(key="recipe").proto.captions[0]
    assert f"shipped 89.76{NO_BREAK}%" in caption and "here" not in caption
    make_run(store, epochs=3, total_epochs=epochs, recipe=FIRST)
    own = f"here {100 * accuracy(3, 1.0):.2f}{NO_BREAK}%"
    assert own in page().radio(key="recipe").proto.captions[0]


def test_the_chosen_recipe_is_there_again_after_another_page(store):
    app = page("train", recipe="s2-vgg-fast")
    app.switch_page("dashboard_pages/runs/page.py")
    app.query_params.clear()
    app.run()
    app.switch_page("dashboard_pages/train/page.py")
    app.query_params.clear()
    app.run()
    assert app.radio(key="recipe").value == "s2-vgg-fast"
    assert app.button_group(key="kind").value in ("fast", ["fast"])


# Where strangers share the machine


def test_every_recipe_is_cut_down():
    for name in list_recipes():
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
    monkeypatch.setattr("demo.dashboard_pages.train.public.KEPT_RUNS", 1)
    make_run(store, epochs=2)
    assert KEPT_RUNS > 1 and "no room" in whats_in_the_way(store)


def test_the_page_says_the_caps_and_starts_a_cut_run(store, launched, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_PUBLIC", "1")
    app = page()
    app.radio(key="recipe").set_value("smoke").run()
    assert CAPS_TEXT in words(app) and "Time on this machine" not in words(app)
    assert not [item for item in app.text_input if item.key == "folder"]
    button(app, "Train").click().run()
    (run,) = launched
    config = run.config()
    assert config.epochs <= MOST_EPOCHS and 0 < config.train_size <= MOST_IMAGES
