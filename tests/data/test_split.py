"""The validation split: stratified, by seed alone, without overlap. Some classes alone, in any order."""

import numpy as np
import pytest

from cifar_core.data import DataError, held_out, split_train_val
from cifar_core.data.split import only_classes
from cifar_core.data.synthetic import SHAPE_NAMES, make_synthetic


@pytest.fixture
def targets() -> np.ndarray:
    return np.random.default_rng(0).permutation(np.arange(1000) % 10)


def test_every_class_gives_its_share(targets):
    _, val = split_train_val(targets, 100, seed=0)
    assert np.bincount(targets[val]).tolist() == [10] * 10


def test_parts_are_sorted_and_make_up_the_whole(targets):
    train, val = split_train_val(targets, 137, seed=3)
    assert len(val) == 137 and train.dtype == val.dtype == np.int64
    assert np.array_equal(train, np.sort(train)) and np.array_equal(val, np.sort(val))
    assert np.array_equal(np.sort(np.concatenate([train, val])), np.arange(1000))


def test_uneven_classes_give_by_largest_remainder():
    targets = np.repeat([0, 1, 2], [70, 20, 11])
    _, val = split_train_val(targets, 10, seed=0)
    assert np.bincount(targets[val]).tolist() == [7, 2, 1]


def test_seed_decides_alone(targets):
    first, again = (split_train_val(targets, 100, seed=5)[1] for _ in range(2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, split_train_val(targets, 100, seed=6)[1])


def test_indices_stay_what_they_are():
    """Written down once: a checkpoint's val accuracy means nothing if the split moves."""
    _, val = split_train_val(np.arange(40) % 4, 8, seed=0)
    assert val.tolist() == [2, 3, 11, 13, 18, 20, 21, 32]


@pytest.mark.parametrize("val_size", [0, 999])
def test_extremes_are_allowed(targets, val_size):
    train, val = split_train_val(targets, val_size, seed=0)
    assert (len(train), len(val)) == (1000 - val_size, val_size)


@pytest.mark.parametrize("val_size", [-1, 1000, 5000])
def test_sizes_outside_the_data_are_refused(targets, val_size):
    with pytest.raises(DataError, match=f"val_size is {val_size}; it must be from 0 to 999"):
        split_train_val(targets, val_size, seed=0)


def test_held_out_pictures_are_the_whole_test_or_what_is_cut_from_training():
    data = make_synthetic(train_size=200, test_size=30)
    source, places = held_out(data, "test", 50, seed=1)
    assert source is data.test and places.tolist() == list(range(30))
    source, places = held_out(data, "val", 50, seed=1)
    assert source is data.train
    assert np.array_equal(places, split_train_val(data.train.targets, 50, 1)[1])
    with pytest.raises(DataError, match="val_size is 200"):
        held_out(data, "val", 200, seed=1)


def test_labels_of_some_classes_follow_the_order_that_is_asked_for():
    whole = make_synthetic(train_size=40, test_size=20)
    data = only_classes(whole, ["checks", "square"])
    assert data.class_names == ("checks", "square") and data.fingerprint != whole.fingerprint
    for split, source in ((data.train, whole.train), (data.test, whole.test)):
        labels = np.array([SHAPE_NAMES.index(name) for name in data.class_names])
        chosen = np.isin(source.targets, labels)
        assert np.array_equal(split.images, source.images[chosen])
        assert np.array_equal(labels[split.targets], source.targets[chosen])
    with pytest.raises(DataError, match=r"zebra.*disk, ring"):
        only_classes(whole, ["disk", "zebra"])
