"""Data sets by name: all classes, two of them, the drawn set; and one that is an entry of the table alone."""

import dataclasses
import hashlib

import numpy as np
import pytest

from cifar_core.data import DATA_SETS, DataError, Split, load_data
from cifar_core.data.dataset import fingerprint_of
from cifar_core.datasets import CIFAR10, SYNTHETIC, Archive, DataSet, Hub


def same(split, expected) -> bool:
    return np.array_equal(split.images, expected.images) and np.array_equal(split.targets, expected.targets)


def test_what_is_told_beforehand_of_the_drawn_set_is_so():
    data, known = load_data(source="synthetic"), DATA_SETS["synthetic"]
    assert data.class_names == known.class_names and known.is_drawn
    assert (len(data.train), len(data.test)) == (known.train_images, known.test_images)


def test_some_classes_of_a_set_are_told_beforehand_as_they_are_read():
    chosen = SYNTHETIC.only(["checks", "disk", "ring"])
    data, whole = load_data(source=chosen), load_data(source=SYNTHETIC)
    assert data.class_names == chosen.class_names == ("checks", "disk", "ring")
    assert (len(data.train), len(data.test)) == (chosen.train_images, chosen.test_images) == (600, 150)
    assert len(whole.train) == chosen.whole.train_images
    two = DATA_SETS["airplane_automobile"]
    assert CIFAR10.only(["airplane", "automobile"]).train_images == two.train_images
    for names in (["disk"], ["disk", "disk"], ["disk", "cat"]):
        with pytest.raises(ValueError, match=r"disk, ring, .*checks"):
            SYNTHETIC.only(names)


def test_two_classes_are_cut_from_the_whole(parquet_dir, train, test, monkeypatch, cache_dir):
    monkeypatch.setenv("CIFAR_LAB_CACHE", str(cache_dir))
    data = load_data(parquet_dir, source="airplane_automobile")
    assert data.class_names == ("airplane", "automobile")
    for split, source in ((data.train, train), (data.test, test)):
        assert same(split, Split(source.images[source.targets < 2], source.targets[source.targets < 2]))
    assert data.fingerprint == fingerprint_of(data.train, data.test)
    assert "only airplane, automobile" in data.kind and str(parquet_dir) in data.source


def test_a_name_that_is_none_is_answered_with_those_that_exist():
    with pytest.raises(DataError, match=r"'imagenet'.*cifar10, .*synthetic"):
        load_data(source="imagenet")


@pytest.fixture
def birds(monkeypatch) -> DataSet:
    """Another data set: five classes in a smaller size, in columns and files of its own."""
    archive = Archive("http://home/birds.tar.gz", "", "birds-python", labels="kinds", key="archive-birds")
    hub = Hub("someone/birds", "photos", image="picture", label="kind")
    names = ("crow", "duck", "finch", "gull", "hawk")
    entry = DataSet("birds", "Birds", "Birds", names, 40, 20, hub=hub, archive=archive, image_size=16)
    monkeypatch.setitem(DATA_SETS, "birds", entry)
    return entry


@pytest.fixture
def birds_splits() -> tuple[Split, Split]:
    generator = np.random.default_rng(3)
    return tuple(
        Split(generator.integers(0, 256, (n, 3, 16, 16), np.uint8), np.arange(n) % 5) for n in (40, 20)
    )


def test_another_data_set_comes_from_the_hub_by_its_entry(
    birds, birds_splits, toy, network, tmp_path, cache_dir
):
    folder = tmp_path / "repository"
    toy.write_parquet(folder / "photos", *birds_splits, columns=(birds.hub.image, birds.hub.label))
    network.hub(folder, birds.hub.repo)
    data = load_data(source="birds", cache_dir=cache_dir)
    assert same(data.train, birds_splits[0]) and same(data.test, birds_splits[1])
    assert data.class_names == birds.class_names and birds.hub.repo in data.source
    network.log.clear()
    assert load_data(source="birds", cache_dir=cache_dir).fingerprint == data.fingerprint and not network.log
    with pytest.raises(DataError, match=r"no column 'img'.*hf download uoft-cs/cifar10"):
        load_data(folder / "photos", cache_dir=cache_dir)


def test_another_data_set_comes_from_batches_and_class_folders(birds, birds_splits, toy, tmp_path, cache_dir):
    content = {
        name: toy.dump_old({"data": split.images.reshape(len(split), -1), "kinds": split.targets.tolist()})
        for name, split in zip(("train", "test"), birds_splits, strict=True)
    }
    sums = [{name: hashlib.md5(data).hexdigest()} for name, data in content.items()]
    archive = dataclasses.replace(birds.archive, train=sums[0], test=sums[1])
    DATA_SETS["birds"] = dataclasses.replace(birds, archive=archive)
    batches = tmp_path / "birds-python"
    batches.mkdir()
    for name, data in content.items():
        (batches / name).write_bytes(data)
    folders = toy.write_folders(tmp_path / "folders", *birds_splits, class_names=birds.class_names)
    for place in (batches, folders):
        data = load_data(place, source="birds", cache_dir=cache_dir)
        assert same(data.train, birds_splits[0]) and same(data.test, birds_splits[1])


def test_a_cache_of_another_data_set_is_not_taken_for_it(birds, folders_dir, cache_dir):
    assert load_data(folders_dir, cache_dir=cache_dir).class_names == CIFAR10.class_names
    with pytest.raises(DataError, match="is not a class; the classes are crow, "):
        load_data(folders_dir, source="birds", cache_dir=cache_dir)
