"""A run on own pictures knows their names and numbers before it reads them, and fits few of them."""

import pytest

from cifar_core.config import ConfigError, TrainConfig
from cifar_core.data import DataError
from cifar_core.estimate.speed import images_an_epoch
from cifar_core.runs.own_classes import with_own_classes
from cifar_core.runs.store import RunStore
from tests.support.own_pictures import NAMES, make_own

OWN = TrainConfig(data="own", val_size=2000, batch_size=500)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return make_own(tmp_path_factory.mktemp("own"), train=50)


def test_a_run_that_is_made_knows_its_classes(place, tmp_path):
    run = RunStore(tmp_path).create(OWN, place)
    config = run.config()
    assert config.classes == tuple(sorted(NAMES)) and config.own_images == (120, 30)
    assert config.data_set.class_names == config.classes and run.data_dir == place
    assert config.val_size == 24 and config.batch_size == 12 and images_an_epoch(config) == 96
    assert config.replace(classes=(), own_images=(), val_size=2000, batch_size=500) == OWN


def test_few_images_change_nothing_that_fits_them(place):
    config = with_own_classes(OWN.replace(val_size=10, batch_size=4), place)
    assert (config.val_size, config.batch_size) == (10, 4)


def test_some_of_the_classes_can_be_named(place):
    config = with_own_classes(OWN.replace(classes=[NAMES[2], NAMES[0]]), place)
    assert config.classes == (NAMES[2], NAMES[0]) and config.own_images == (80, 20)
    with pytest.raises(ConfigError, match="zebra"):
        with_own_classes(OWN.replace(classes=["zebra", NAMES[0]]), place)


def test_without_their_folder_no_run_is_made(tmp_path):
    store = RunStore(tmp_path / "runs")
    with pytest.raises(DataError, match="--data-dir"):
        store.create(OWN)
    with pytest.raises(DataError, match="2 to 100"):
        store.create(OWN, tmp_path)
    assert not (tmp_path / "runs").exists()


def test_other_data_sets_are_left_as_they_are():
    config = TrainConfig(batch_size=5000)
    assert with_own_classes(config, None) is config
