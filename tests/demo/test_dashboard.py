"""The pages that start something: train, and try a network."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from cifar_core.config import GROUPS
from cifar_core.data.synthetic import SHAPE_NAMES
from cifar_core.files import DEFAULT_CHECKPOINT
from cifar_core.recipes import get_recipe, list_recipes
from cifar_core.runs.requests import ControlRequest
from cifar_core.runs.status import QUEUED, Status
from demo.shared.drawings import DRAWINGS
from tests.support.fake_runs import accuracy, make_run
from tests.support.page_tests import button, buttons, charts, number, page, words
from tests.support.toy_checkpoints import save_toy

FIRST = list_recipes()[0]  # the one that the form opens with


def test_every_recipe_is_listed_under_its_kind(store):
    app = page()
    listed = list(app.radio(key="recipe").options)
    for kind in ("lesson", "stated", "fast"):
        app.button_group(key="kind").set_value(kind).run()
        assert not app.exception
        listed += app.radio(key="recipe").options
    assert sorted(listed) == sorted(list_recipes())


@pytest.mark.parametrize("name", list_recipes())
def test_every_recipe_has_an_address_a_card_and_a_form(store, name):
    app = page("train", recipe=name)
    assert not app.exception and not app.error
    assert app.radio(key="recipe").value == name
    assert number(app, "epochs").value == get_recipe(name).config.epochs
    assert f"train --recipe {name}" in words(app)


def test_a_change_is_marked_shown_as_a_command_and_undone(store):
    app = page()
    number(app, "lr").set_value(0.025).run()
    assert "changed from" in number(app, "lr").label
    assert "--set lr=0.025" in app.code[0].value
    button(app, "Back to the recipe").click().run()
    assert "changed" not in number(app, "lr").label
    assert "--set" not in app.code[0].value


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
        assert "1 training under way, 1 in line; a new one waits for its turn" in said and message in said
        assert buttons(app).count("Withdraw") == 1
        button(app, "Withdraw").click().run()
        assert waiting.take_request() == ControlRequest("stop")
        assert "Withdraw" in buttons(page("live", run=waiting.id))


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [("epochs", 0, "epochs is 0; it must be from 1 to 1000"), ("lr", -1.0, "lr is -1.0; it must be from")],
)
def test_a_bad_number_is_refused_in_a_sentence_and_nothing_is_lost(store, field, value, sentence):
    app = page()
    number(app, "seed").set_value(5).run()
    number(app, field).set_value(value).run()
    assert sentence in words(app)
    assert button(app, "Train").disabled
    assert number(app, "seed").value == 5


def test_bad_text_is_refused_in_a_sentence(store):
    app = page()
    field = next(item for item in app.text_input if item.label == "milestones")
    field.set_value("50, x").run()
    assert "milestones is '50, x'; it must be a list of whole numbers" in words(app)


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


def test_cards_tell_what_runs_have_shown(store):
    make_run(store, epochs=6, recipe=FIRST)
    assert "best here 89.76 %" in page().radio(key="recipe").proto.captions[0]


def test_cards_tell_every_networks_size_before_anything_is_trained(store):
    for caption in page().radio(key="recipe").proto.captions:
        assert re.search(r" parameters · .* multiply\\?-adds a picture · ", caption), caption


def test_a_shipped_run_is_not_called_the_best_here(store, tmp_path):
    shipped = tmp_path / "shipped" / "speed_mixing.v9"
    shipped.parent.mkdir()
    make_run(store, epochs=6, recipe=FIRST).path.rename(shipped)
    (shipped / "card.json").write_text("{}")
    caption = page().radio(key="recipe").proto.captions[0]
    assert "shipped run 89.76 %" in caption and "best here" not in caption
    make_run(store, epochs=3, recipe=FIRST)
    assert f"best here {100 * accuracy(3, 1.0):.2f} %" in page().radio(key="recipe").proto.captions[0]


def test_the_chosen_recipe_is_there_again_after_another_page(store):
    app = page("train", recipe="s2-vgg-fast")
    app.switch_page("dashboard_pages/runs/page.py")
    app.query_params.clear()
    app.run()
    app.switch_page("dashboard_pages/train/page.py")
    app.query_params.clear()
    app.run()
    assert app.radio(key="recipe").value == "s2-vgg-fast"
    assert app.query_params["recipe"] in ("s2-vgg-fast", ["s2-vgg-fast"])
    assert app.button_group(key="kind").value in ("fast", ["fast"])


def test_settings_stand_in_groups_that_say_what_was_changed(store):
    app = page()
    said = words(app)
    assert all(title in said for title in GROUPS)
    number(app, "momentum").set_value(0.5).run()
    assert "How weights change, 1 changed" in words(app)
    assert "More settings, 1 changed" in [item.label for item in app.expander]


def test_a_public_host_trains_little_and_takes_no_paths(store, monkeypatch):
    monkeypatch.setenv("SPACE_ID", "someone/something")
    app = page()
    assert "a training here is cut to 3 epochs of 2,000 pictures" in words(app)
    assert not [item for item in app.text_input if item.key == "folder"]


def test_without_a_network_the_page_says_what_to_do(store):
    assert "No trained network yet" in words(page("try_network"))


def test_a_broken_checkpoint_is_said(store):
    run = make_run(store)
    run.best_checkpoint.mkdir(parents=True)
    (run.best_checkpoint / "card.json").write_text("{]")
    app = page("try_network", run=run.id)
    assert app.error


def test_a_network_answers_twelve_pictures_and_another_twelve(store):
    run = store.create(get_recipe("smoke").config)
    config = run.config().to_json()
    save_toy(run.best_checkpoint, class_names=list(SHAPE_NAMES), config=config)
    app = page("try_network", run=run.id)
    said = words(app)
    assert "91.23 % of all 10,000 test pictures right" in said
    assert said.count("image-rendering:pixelated") == 12
    assert charts(app) == 1
    button(app, "Another twelve").click().run()
    assert words(app).count("image-rendering:pixelated") == 12 and words(app) != said


def test_try_opens_with_the_default_networks_answers_also_without_any_data(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_RUNS", str(tmp_path))
    monkeypatch.delenv("CIFAR_DATA", raising=False)
    app = page("try_network")
    assert app.query_params["run"] == DEFAULT_CHECKPOINT
    said = words(app)
    assert "so these are drawings" in said and "right: truck" in said
    assert said.count("image-rendering:pixelated") == len(DRAWINGS)


def test_without_pictures_the_network_can_still_be_tried_on_an_own_one(store):
    run = store.create(get_recipe("mixing_lite").config, store.root / "nowhere")
    save_toy(run.best_checkpoint)
    app = page("try_network", run=run.id)
    assert "There are no test pictures on this machine" in words(app)
    drawn = words(app).count("image-rendering:pixelated")
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(picture, "PNG")
    app.get("file_uploader")[0].upload("teal.png", picture.getvalue(), "image/png").run()
    assert not app.exception
    assert words(app).count("image-rendering:pixelated") == drawn + 1
    app.get("file_uploader")[0].upload("broken.png", b"no picture", "image/png").run()
    assert not app.exception and app.error


@pytest.mark.parametrize(("strange", "said"), [(True, True), (False, False)])
def test_an_own_picture_that_is_none_of_the_classes_is_said_to_be(tmp_path, monkeypatch, strange, said):
    monkeypatch.setenv("CIFAR_LAB_RUNS", str(tmp_path))
    app = page("try_network")  # the default network, which knows what is strange to it
    noise = np.random.default_rng(0).integers(0, 256, (300, 900, 3), dtype=np.uint8)
    image = Image.fromarray(noise) if strange else DRAWINGS["truck"]()
    picture = io.BytesIO()
    image.save(picture, "PNG")
    app.get("file_uploader")[0].upload("own.png", picture.getvalue(), "image/png").run()
    assert ("none of the things that the network knows; nearest is" in words(app)) == said
