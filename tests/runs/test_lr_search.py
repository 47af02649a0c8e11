"""A search for a learning rate: its folder, the line that it stands in, and its end when nobody looks."""

import json
import time

import pytest

from cifar_core.cli import lr_find, main
from cifar_core.recipes import get_recipe
from cifar_core.runs import lr_search as subject
from cifar_core.runs import queue
from cifar_core.runs.lr_search import LrSearch, SearchFolder
from cifar_core.runs.queue import Place, line_name
from cifar_core.runs.store import RunStore, StoreError

TINY = {"model_args": {"widths": [4, 8], "num_kernels": 2}, "train_size": 200, "val_size": 50}
TINY |= {"batch_size": 20, "precision": "fp32"}


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "runs")


@pytest.fixture
def folder(store):
    return SearchFolder.create(store, get_recipe("smoke").config.replace(**TINY), None)


def test_a_search_keeps_its_settings_and_is_no_run(store, folder):
    assert folder.config().batch_size == 20 and folder.data_dir() is None
    assert folder.read() == LrSearch("waiting", folder.config().lr) and folder.read().going_on
    assert [run for run in store.list() if not run.shipped] == []


def test_it_is_watched_until_somebody_looks_away(folder, monkeypatch):
    assert folder.watched
    monkeypatch.setattr(subject, "WATCH_SECONDS", 0.01)
    time.sleep(0.05)
    assert not folder.watched
    folder.watch()
    folder.stop()
    assert not folder.watched


def test_damage_is_a_sentence(folder):
    (folder.path / "search.json").write_text('{"state": 5}')
    with pytest.raises(StoreError, match="damaged"):
        folder.read()


def test_a_search_waits_for_its_turn_and_ends_when_nobody_looks(store, folder, monkeypatch):
    monkeypatch.setattr(queue, "LOOK_SECONDS", 0.01)
    place = Place.of(store.root, line_name())
    assert place.take("a training")
    looks = []

    def ended(folder):
        looks.append(folder.read().state)
        return len(looks) == 3

    lr_find.search(folder, ended)
    place.leave()
    assert looks == ["waiting"] * 3 and folder.read().state == "stopped"


@pytest.mark.timeout(300)
def test_the_command_suggests_a_rate(store, capsys):
    settings = [
        f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in TINY.items()
    ]
    words = ["lr-find", "--recipe", "smoke", "--set", *settings, "--runs-dir", str(store.root), "--json"]
    assert main(words) == 0
    found = LrSearch(**json.loads(capsys.readouterr().out))
    assert found.state == "finished" and 40 < len(found.points) <= 80
    assert found.suggestion is None or found.points[0][0] < found.suggestion < found.points[-1][0]
    assert Place.of(store.root, line_name()).take("the next one")


def test_a_failure_is_kept_as_a_sentence(store, tmp_path, capsys):
    words = ["lr-find", "--recipe", "mixing_lite", "--data-dir", str(tmp_path / "none")]
    assert main([*words, "--runs-dir", str(store.root)]) == 1
    (path,) = (store.root / subject.FOLDER).iterdir()
    assert SearchFolder(path).read().state == "failed" and "none" in SearchFolder(path).read().message
    assert len(capsys.readouterr().err.splitlines()) == 1
