"""All that holds pixels of own pictures goes; the networks that learned from them stay."""

import pytest

from cifar_core.data.dataset import place_key
from cifar_core.recipes import get_recipe
from cifar_core.runs.own_traces import forget_pictures, runs_on
from cifar_core.runs.store import RunStore


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("CIFAR_LAB_CACHE", str(folder))
    return folder


def test_the_pictures_of_one_folder_are_forgotten(tmp_path, cache):
    store, config = RunStore(tmp_path / "runs"), get_recipe("smoke").config
    place, other = tmp_path / "desk", tmp_path / "garden"
    mine, theirs = store.create(config, place), store.create(config, other)
    kept, gone = [], []
    for run, files in ((mine, gone), (theirs, kept)):
        best = run.path / "checkpoints" / "best"
        best.mkdir(parents=True)
        files += [run.path / "pictures.json", best / "portraits.json"]
        kept.append(best / "weights.safetensors")
    gone.append(cache / f"{place_key('own', place)}.images")
    kept.append(cache / f"{place_key('own', other)}.images")
    for path in kept + gone:
        path.write_bytes(b"x")
    assert [run.id for run in runs_on(store, place)] == [mine.id]
    for _ in range(2):  # a second time there is nothing left to delete
        forget_pictures(store, place)
        assert not any(path.exists() for path in gone) and all(path.exists() for path in kept)
