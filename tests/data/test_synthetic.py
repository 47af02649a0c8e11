"""The drawn set: the same every time, balanced, learnable, and honest about what it is."""

import time

import numpy as np
import pytest

from cifar_core.data import DataError, load_data
from cifar_core.data.synthetic import SHAPE_NAMES, make_synthetic


@pytest.fixture(scope="module")
def data():
    return load_data(source="synthetic")


def test_sizes_classes_and_words(data):
    assert data.train.images.shape == (2000, 3, 32, 32) and data.test.images.shape == (500, 3, 32, 32)
    assert data.train.images.dtype == np.uint8 and data.train.targets.dtype == np.int64
    assert np.bincount(data.train.targets).tolist() == [200] * 10
    assert np.bincount(data.test.targets).tolist() == [50] * 10
    assert data.class_names == SHAPE_NAMES and "synthetic" in data.source and "not CIFAR-10" in data.source


def test_pixels_are_the_same_on_every_machine(data):
    fingerprint = "acc0190d77c3a804a24bb7cb8e7c31a296074a44877cee3e70ef037738ff8a9e"
    assert data.fingerprint == fingerprint
    assert make_synthetic(seed=1, train_size=10, test_size=10).fingerprint != fingerprint


def test_is_drawn_at_once():
    start = time.process_time()
    make_synthetic()
    assert time.process_time() - start < 2.0


def test_the_test_set_repeats_no_training_image(data):
    assert len({image.tobytes() for split in (data.train, data.test) for image in split.images}) == 2500


def test_neighbors_guess_better_than_chance_and_not_perfectly(data):
    """The nearest of the training images, by plain pixels: what needs no shapes to be understood."""
    train, test = (
        split.images.reshape(len(split), -1).astype(np.float32) for split in (data.train, data.test)
    )
    distances = (train**2).sum(1)[None] - 2 * test @ train.T
    guesses = data.train.targets[distances.argmin(1)]
    assert 0.2 < (guesses == data.test.targets).mean() < 0.9


def test_needs_its_name_and_looks_at_no_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_DATA", str(tmp_path / "no"))
    assert load_data(tmp_path / "no", source="synthetic", cache_dir=tmp_path / "cache").source.startswith(
        "synthetic"
    )
    assert not (tmp_path / "cache").exists()


def test_unknown_source_is_refused():
    with pytest.raises(DataError, match=r"imagenet.*cifar10, .*synthetic"):
        load_data(source="imagenet")
