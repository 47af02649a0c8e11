"""CIFAR-100 by the roads of CIFAR-10: the Hub's files, torchvision's archive and files, class folders."""

import dataclasses
import hashlib
import tarfile

import numpy as np
import pytest

from cifar_core.config import TrainConfig
from cifar_core.data import DataError, Split, check_data, load_data
from cifar_core.datasets import CIFAR100, DATA_SETS


def drawn(count: int, seed: int) -> Split:
    images = np.random.default_rng(seed).integers(0, 256, (count, 3, 32, 32), np.uint8)
    return Split(images, np.arange(count) % 100)


@pytest.fixture
def splits() -> dict[str, Split]:
    return {"train": drawn(200, 1), "test": drawn(100, 2)}


@pytest.fixture
def batches(tmp_path, toy, splits, monkeypatch):
    """torchvision's files with toy content, whose sums count as the published ones."""
    folder, sums = tmp_path / "torchvision" / CIFAR100.archive.folder, {}
    folder.mkdir(parents=True)
    for name, split in splits.items():
        coarse = (split.targets // 5).tolist()
        content = {"data": split.images.reshape(len(split), -1), "fine_labels": split.targets.tolist()}
        (folder / name).write_bytes(toy.dump_old({**content, "coarse_labels": coarse}))
        sums[name] = {name: hashlib.md5((folder / name).read_bytes()).hexdigest()}
    archive = dataclasses.replace(CIFAR100.archive, train=sums["train"], test=sums["test"])
    monkeypatch.setitem(DATA_SETS, "cifar100", dataclasses.replace(CIFAR100, archive=archive))
    return folder


def is_whole(data, splits) -> bool:
    return data.class_names == CIFAR100.class_names and all(
        np.array_equal(found.images, split.images) and np.array_equal(found.targets, split.targets)
        for found, split in zip((data.train, data.test), splits.values(), strict=True)
    )


def test_its_facts():
    assert len(set(CIFAR100.class_names)) == 100 == len(CIFAR100.class_names)
    config = TrainConfig(data="cifar100", normalization="cifar100", classes="wolf,bee")
    assert config.data_set.train_images == 1000 and not CIFAR100.is_drawn


def test_it_comes_from_the_hub(splits, toy, network, tmp_path, cache_dir):
    folder = tmp_path / "repository"
    toy.write_parquet(folder / "cifar100", *splits.values(), shards=1, columns=("img", "fine_label"))
    network.hub(folder, CIFAR100.hub.repo)
    assert is_whole(load_data(source="cifar100", cache_dir=cache_dir), splits)
    network.log.clear()
    assert is_whole(load_data(source="cifar100", cache_dir=cache_dir), splits) and not network.log
    assert is_whole(load_data(folder, source="cifar100", cache_dir=cache_dir), splits)
    with pytest.raises(DataError, match=r"no CIFAR-10: .*hf download uoft-cs/cifar10"):
        load_data(folder, cache_dir=cache_dir)


def test_it_comes_from_torchvisions_files_and_archive(splits, batches, tmp_path, cache_dir, monkeypatch):
    assert is_whole(load_data(batches.parent, source="cifar100", cache_dir=cache_dir), splits)
    path = tmp_path / CIFAR100.archive.name
    with tarfile.open(path, "w:gz") as file:
        file.add(batches, CIFAR100.archive.folder)
    with pytest.raises(DataError, match="md5"):
        load_data(path, source="cifar100", cache_dir=cache_dir)
    known, md5 = DATA_SETS["cifar100"], hashlib.md5(path.read_bytes()).hexdigest()
    archive = dataclasses.replace(known.archive, md5=md5)
    monkeypatch.setitem(DATA_SETS, "cifar100", dataclasses.replace(known, archive=archive))
    assert is_whole(load_data(path, source="cifar100", cache_dir=cache_dir), splits)


def test_it_comes_from_class_folders_and_is_reported(splits, toy, tmp_path, cache_dir):
    folder = toy.write_folders(tmp_path / "folders", *splits.values(), class_names=CIFAR100.class_names)
    assert is_whole(load_data(folder, source="cifar100", cache_dir=cache_dir), splits)
    report = check_data(folder, source="cifar100", cache_dir=cache_dir)
    assert report["official_counts"] is False and report["test"]["per_class"]["wolf"] == 1
