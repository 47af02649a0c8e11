"""The newcomer's page: pictures, networks, formulas and depth, each from what is really there."""

import numpy as np
import pytest

from cifar_core.data.synthetic import SHAPE_NAMES, make_synthetic
from cifar_core.models import create_model
from cifar_core.models.summary import parts_of
from cifar_core.recipes import get_recipe
from demo.dashboard_pages.basics.network import describe_drawing, network_drawing
from demo.shared.pictures import random_rows, sheet
from demo.widgets.dataset_pictures import (
    augmentation_html,
    class_rows_html,
    count_rows,
    describe_counts,
    mean_pictures,
    mean_pictures_html,
)
from tests.support.fake_runs import make_run
from tests.support.page_tests import charts, page, words


@pytest.fixture(scope="module")
def data():
    return make_synthetic(train_size=200, test_size=100)


# Pictures


def test_rows_hold_different_pictures_of_their_class_drawn_by_the_seed(data):
    rows = random_rows(data.train.targets, 10, seed=3)
    for label, numbers in enumerate(rows):
        assert len(set(numbers.tolist())) == 10
        assert (data.train.targets[numbers] == label).all()
    again, other = (random_rows(data.train.targets, 10, seed=seed) for seed in (3, 4))
    assert all(map(np.array_equal, rows, again)) and not all(map(np.array_equal, rows, other))


def test_a_class_of_few_pictures_gives_what_it_has():
    assert [len(row) for row in random_rows(np.array([0, 0, 1]), 3, seed=0)] == [2, 1, 0]


def test_a_sheet_keeps_every_pixel():
    pictures = np.random.default_rng(0).integers(0, 255, (5, 4, 3, 3), dtype=np.uint8)
    whole = sheet([list(pictures[:3]), list(pictures[3:])])
    assert whole.shape == (2 * 4 + 2, 3 * 3 + 2 * 2, 3)
    assert np.array_equal(whole[:4, 5:8], pictures[1]) and np.array_equal(whole[6:, :3], pictures[3])
    assert (whole[4:6] == 255).all() and (whole[6:, 10:] == 255).all()


def test_each_class_has_its_name_and_a_described_picture(data):
    text = class_rows_html(data, seed=0)
    assert text.count("<img") == 10
    assert all(f'alt="10 pictures of the class {name}"' in text for name in SHAPE_NAMES)


def test_a_mean_picture_is_the_mean_of_its_class(data):
    pictures = mean_pictures(data)
    assert pictures.shape == (10, 32, 32, 3) and pictures.dtype == np.uint8
    own = data.train.images[data.train.targets == 4].astype(int)
    assert abs(int(pictures[4, 7, 9, 2]) - own[:, 2, 7, 9].mean()) <= 0.5
    text = mean_pictures_html(pictures, data.class_names)
    assert all(f'alt="Mean picture of the class {name}"' in text for name in SHAPE_NAMES)


def test_counts_are_counted(data):
    assert count_rows(data)[0] == {"class": SHAPE_NAMES[0], "training": "20", "test": "10"}
    assert describe_counts(data).startswith(
        "200 training pictures, 20 of each class; 100 test pictures, 10 of each"
    )


def test_augmentation_changes_pictures_unless_there_is_none(data):
    config = get_recipe("s2-vgg").config
    changed, again, other = (augmentation_html(data, config, seed) for seed in (1, 1, 2))
    assert changed == again != other
    assert changed != augmentation_html(data, config.replace(augmentation="none"), 1)


def test_without_augmentation_the_network_sees_the_picture_itself(data, monkeypatch):
    taken = []
    monkeypatch.setattr("demo.widgets.dataset_pictures.data_uri", lambda picture: taken.append(picture) or "")
    augmentation_html(data, get_recipe("s5-cnn-2").config, 0)
    row = taken[0]
    assert all(np.array_equal(row[:, 34 * place : 34 * place + 32], row[:, :32]) for place in range(10))


# Networks


def test_a_drawing_has_a_row_for_each_part_with_its_figures():
    parts = parts_of(create_model("plain_cnn_2"))
    text = network_drawing(parts)
    assert text.count("<li") == len(parts) == 3
    assert "16 × 16 × 16" in text and "448 parameters" in text and "convolution 3×3, 3 → 16" in text
    sentence = describe_drawing(parts)
    assert sentence.startswith("3 parts: 269 k parameters, 98 % of them in the last part")
    assert "63 % of that in part 2" in sentence
    alike = describe_drawing([parts[1], parts[1], parts[0]])
    assert "in each of the parts 1 and 2" in alike


# The page


def test_the_page_opens_with_the_pictures_and_says_where_they_are_from(store):
    app = page("basics")
    said = words(app)
    assert "drawn shapes" in said and "2,000 training pictures" in said and "Seed 0" in said


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ("network", "multiply-accumulate"),
        ("learning", "2.30"),
        ("depth", "Three networks that differ in one thing"),
    ],
)
def test_every_part_has_its_own_address(store, part, sentence):
    app = page("basics", part=part)
    assert sentence in words(app)


def test_the_loss_follows_the_slider(store):
    app = page("basics", part="learning")
    app.slider[0].set_value(1.0).run()
    assert "**0.00**" in words(app)


def test_depths_that_were_trained_are_compared(store):
    make_run(store, recipe="s5-cnn-2", mixes=False)
    make_run(store, recipe="s5-cnn-4", mixes=False, quality=1.1)
    app = page("basics", part="depth")
    assert charts(app) == 1
    assert "depth 4 is ahead" in words(app)
