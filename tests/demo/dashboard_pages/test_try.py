"""The page that tries a network: on test pictures, on drawings without any, on an upload."""

import io

import numpy as np
import pytest
from PIL import Image

from cifar_core.data.synthetic import SHAPE_NAMES
from cifar_core.files import DEFAULT_CHECKPOINT
from cifar_core.recipes import get_recipe
from demo.shared.drawings import DRAWINGS
from tests.support.camera_pictures import RAW, STEREO, two_in_one
from tests.support.fake_runs import make_run
from tests.support.page_tests import button, charts, page, words
from tests.support.toy_checkpoints import save_toy


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
    assert said.count("image-rendering:pixelated") == 24 and said.count("where the network looked") == 12
    assert charts(app) == 1
    button(app, "Another twelve").click().run()
    assert words(app).count("image-rendering:pixelated") == 24 and words(app) != said


def test_try_opens_with_the_default_networks_answers_also_without_any_data(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_RUNS", str(tmp_path))
    monkeypatch.delenv("CIFAR_DATA", raising=False)
    app = page("try_network")
    assert app.selectbox(key="choice-run").value == DEFAULT_CHECKPOINT
    said = words(app)
    assert "so these are drawings" in said and "right: truck" in said
    assert said.count("image-rendering:pixelated") == 2 * len(DRAWINGS)


def test_without_pictures_the_network_can_still_be_tried_on_an_own_one(store):
    run = store.create(get_recipe("mixing_lite").config, store.root / "nowhere")
    save_toy(run.best_checkpoint)
    app = page("try_network", run=run.id)
    assert "so these are drawings" in words(app)
    drawn = words(app).count("image-rendering:pixelated")
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "teal").save(picture, "PNG")
    app.get("file_uploader")[0].upload("teal.png", picture.getvalue(), "image/png").run()
    assert not app.exception
    assert words(app).count("image-rendering:pixelated") == drawn + 2
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
    assert ("none of the things that the network knows; the closest is" in words(app)) == said


@pytest.mark.parametrize("name", ["IMG_1234.HEIC", "STEREO.MPO", "photo.jfif", "photo.avif", "photo"])
def test_any_file_reaches_our_decoder(store, name):
    run = store.create(get_recipe("mixing_lite").config, store.root / "nowhere")
    save_toy(run.best_checkpoint)
    app = page("try_network", run=run.id)
    data = two_in_one(STEREO) if name.endswith("MPO") else RAW["Nikon NEF"]
    app.get("file_uploader")[0].upload(name, data, "").run()
    assert not app.exception
    said = words(app) + " ".join(error.value for error in app.error)
    assert ("several pictures" if name.endswith("MPO") else "raw camera file (Nikon NEF)") in said
