"""Data sets by name: all classes, two of them, or the drawn set."""

import numpy as np
import pytest

from cifar_core.config import field_specs
from cifar_core.data import DATA_SETS, DataError, ImageData, Split, load_named, named
from cifar_core.data.dataset import CLASS_NAMES, fingerprint_of
from cifar_core.data.named import only_classes


def toy(names=CLASS_NAMES, n=40):
    generator = np.random.default_rng(0)
    splits = [
        Split(generator.integers(0, 256, (n, 3, 32, 32), dtype=np.uint8), np.arange(n) % len(names))
        for _ in range(2)
    ]
    return ImageData(*splits, tuple(names), "a toy in /somewhere", fingerprint_of(*splits), "a toy")


def test_the_names_are_those_that_a_config_takes():
    (choices,) = (spec.choices for spec in field_specs() if spec.name == "data")
    assert set(choices) == set(DATA_SETS)


def test_what_is_told_beforehand_of_the_drawn_set_is_so():
    data, known = load_named("synthetic"), DATA_SETS["synthetic"]
    assert data.class_names == known.class_names
    assert (len(data.train), len(data.test)) == (known.train_images, known.test_images)


def test_two_classes_keep_their_images_order_and_labels(monkeypatch):
    whole = toy()
    monkeypatch.setattr(named, "load_data", lambda *_, **__: whole)
    data = load_named("airplane_automobile")
    assert data.class_names == ("airplane", "automobile")
    for split, source in ((data.train, whole.train), (data.test, whole.test)):
        chosen = source.targets < 2
        assert np.array_equal(split.images, source.images[chosen])
        assert np.array_equal(split.targets, source.targets[chosen])
    assert data.fingerprint == fingerprint_of(data.train, data.test) != whole.fingerprint
    assert data.kind == "a toy, only airplane and automobile" and "/somewhere" in data.source
    assert load_named("cifar10") is whole


def test_labels_follow_the_order_that_is_asked_for():
    data = only_classes(toy(), ["truck", "cat"])
    assert set(data.train.targets) == {0, 1}
    assert np.array_equal(
        data.train.targets == 1, toy().train.targets[np.isin(toy().train.targets, [3, 9])] == 3
    )


def test_a_class_that_is_missing_is_named():
    with pytest.raises(DataError, match="has no class 'zebra'; it has airplane, "):
        only_classes(toy(), ["cat", "zebra"])


def test_a_name_that_is_none_is_answered_with_those_that_exist():
    with pytest.raises(DataError, match="no data set 'cifar100'; the data sets are: cifar10, "):
        load_named("cifar100")
