"""The page of own classes: a set is made, shown, trained on and deleted; on a public host there is none."""

import io

import numpy as np
import pytest
from PIL import Image

from cifar_core.data.own_pictures import create_set, own_sets
from cifar_core.files import DEFAULT_CHECKPOINT
from cifar_core.images.decode import decode
from cifar_core.runs.store import RunStore
from cifar_core.runs.summary import summarize_all
from demo.dashboard_pages.own.training import bases, config_for
from tests.support.page_tests import button, buttons, page, words


def picture(seed):
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 40, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def desk(store):
    """A set of two classes with ten pictures each, one with a name that is not English."""
    made = create_set(store.root, "My desk")
    for label, name in enumerate(("Schlüssel", "cup")):
        made.add_class(name)
        for seed in range(10):
            content = picture(100 * label + seed)
            made.add(name, content, decode(content))
    return made


def test_a_set_is_made_by_its_name_and_classes_by_theirs(store):
    app = page("own")
    app.text_input[0].set_value("My desk")
    button(app, "Make the set").click()
    app.run()
    for name in ("cup", "key"):
        app.text_input[0].set_value(name)
        button(app, "Add the class").click()
        app.run()
    assert list(own_sets(store.root)[0].classes()) == ["cup", "key"]
    assert "cup: 0 pictures" in words(app)
    app.text_input[0].set_value("CUP")
    button(app, "Add the class").click()
    app.run()
    assert "already" in words(app)


def test_a_set_is_shown_with_what_can_be_learned_from_it(desk):
    said = words(page("own"))
    assert "Schlüssel: 10 pictures" in said and "2 classes: 16 pictures" in said and "4 pictures" in said
    assert said.count("data:image/png") == 20
    assert "stay on this machine" in said


def test_what_is_not_enough_is_said_in_place_of_the_button(store, desk):
    desk.remove_class("cup")
    app = page("own")
    assert "2 to 100 classes" in words(app) and "Train" not in buttons(app)


@pytest.fixture
def run(desk, launched):
    """The run that Train starts on the set."""
    app = page("own")
    button(app, "Train").click()
    app.run()
    (started,) = launched
    return started


def test_train_makes_a_run_of_the_set(desk, run):
    config = run.config()
    assert run.data_dir == desk.path and config.data_set.class_names == ("Schlüssel", "cup")
    assert config.own_images == (16, 4)


def test_every_shipped_network_that_mixes_can_be_begun_with(tmp_path):
    known = bases(summarize_all(RunStore(tmp_path)))
    assert next(iter(known)) == DEFAULT_CHECKPOINT and "speed94.v2" not in known
    config = config_for(known["mixing95.v1"])
    assert (config.start_from, config.model, config.data) == ("mixing95.v1", "deep_mixing", "own")
    assert config_for(None).start_from == ""


def test_a_folder_is_named_and_what_is_wrong_with_it_said(store, desk, tmp_path):
    app = page("own", **{"from": "folder"})
    assert "Train" not in buttons(app)
    app.text_input[0].set_value(str(desk.path))
    app.run()
    assert "2 classes" in words(app) and "Train" in buttons(app)
    app.text_input[0].set_value(str(tmp_path / "nothing"))
    app.run()
    assert "nothing" in words(app) and "Train" not in buttons(app)


def test_a_set_goes_with_all_that_is_kept_of_its_pictures(store, run):
    (run.path / "pictures.json").write_text("{}")
    app = page("own")
    button(app, "Delete My desk now").click()
    app.run()
    assert own_sets(store.root) == [] and not (run.path / "pictures.json").exists()
    assert (run.path / "config.json").exists()


def test_a_public_host_takes_no_pictures_to_learn_from(store, desk, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_PUBLIC", "1")
    app = page("own")
    assert "off on a public host" in words(app) and not app.text_input and not buttons(app)
