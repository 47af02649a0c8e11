"""Held-out images are those that training never sees, of the classes that the network knows."""

from types import SimpleNamespace

import numpy as np
import pytest

from cifar_core.config import ConfigError
from cifar_core.data import DataError, load_data, split_train_val
from cifar_core.data.synthetic import SHAPE_NAMES
from cifar_core.inference.held_out import config_of, select_images, splits_of

CONFIG = {"data": "synthetic", "val_size": 200, "split_seed": 1}


@pytest.fixture(scope="module")
def data():
    return load_data(source="synthetic")


def card(data, class_names=SHAPE_NAMES, **config):
    return SimpleNamespace(
        config={**CONFIG, **config}, class_names=list(class_names), data_fingerprint=data.fingerprint
    )


def test_validation_images_are_those_that_training_never_sees(data):
    places = split_train_val(data.train.targets, 200, 1)[1]
    whole = select_images(card(data), data, "val")
    assert np.array_equal(whole.images, data.train.images[places])
    assert np.array_equal(whole.targets, data.train.targets[places])
    assert (whole.split, whole.total, len(whole), whole.other_data) == ("val", 200, 200, False)
    assert len(select_images(card(data), data)) == len(data.test)


def test_a_number_of_them_is_drawn_the_same_each_time(data):
    whole, few = (select_images(card(data), data, "val", count) for count in (0, 50))
    again = select_images(card(data), data, "val", 50)
    assert len(few) == 50 and few.total == 200 and few.key == again.key != whole.key
    assert np.array_equal(few.images, again.images)
    assert len(select_images(card(data), data, "val", 1000)) == 200


def test_another_copy_of_the_data_is_told(data):
    other = card(data)
    other.data_fingerprint = "another"
    assert select_images(other, data).other_data


def test_a_run_that_set_nothing_aside_has_test_images_only(data):
    assert splits_of(config_of(card(data, monitored="test"))) == ["test"]
    with pytest.raises(ConfigError, match=r"no validation images.*test"):
        select_images(card(data, monitored="test"), data, "val")


def test_what_does_not_fit_is_refused(data):
    with pytest.raises(DataError, match=r"disk.*a, b"):
        select_images(card(data, class_names="ab"), data)
    with pytest.raises(DataError, match="2000"):
        select_images(card(data, val_size=2000), data, "val")
    with pytest.raises(ConfigError, match="val_size"):
        config_of(card(data, val_size="many"))
