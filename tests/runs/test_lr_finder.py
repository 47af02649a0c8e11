"""A search for a learning rate: its folder, the line that it stands in, and its end when nobody looks."""

import json
import os
import time

import pytest

from cifar_core.cli import main
from cifar_core.recipes import get_recipe
from cifar_core.runs import lr_finder as subject
from cifar_core.runs import queue
from cifar_core.runs.lr_finder import (
    KEEP_DAYS,
    LrFinder,
    SearchFolder,
    list_searches,
    live_searches,
    remove_old_searches,
)
from cifar_core.runs.queue import Place, line_name
from cifar_core.runs.store import RunStore, StoreError
from cifar_core.training.in_turn import find_lr_in_turn

TINY = {"model_args": {"widths": [4, 8], "num_kernels": 2}, "train_size": 200, "val_size": 50}
TINY |= {"batch_size": 20, "precision": "fp32"}
QUICK = {**TINY, "model_args": {"widths": [8, 16], "num_kernels": 2}, "optimizer": "adamw", "lr": 0.05}


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "runs")


@pytest.fixture
def folder(store):
    return SearchFolder.create(store, get_recipe("smoke").config.replace(**TINY), None)


def test_a_search_keeps_its_settings_and_is_no_run(store, folder):
    assert folder.config().batch_size == 20 and folder.data_dir() is None
    assert folder.read() == LrFinder("waiting", folder.config().lr) and folder.read().going_on
    assert [run for run in store.list() if not run.shipped] == []


def test_it_is_watched_until_somebody_looks_away(folder, monkeypatch):
    assert folder.watched
    monkeypatch.setattr(subject, "WATCH_SECONDS", 0.01)
    time.sleep(0.05)
    assert not folder.watched
    folder.watch()
    folder.stop()
    assert not folder.watched


def test_it_lives_while_a_process_works_on_it(store, folder):
    assert not folder.alive and live_searches(store) == []
    with SearchFolder(folder.path).lock():
        assert [one.path for one in live_searches(store)] == [folder.path]
        folder.change(state="finished")
        assert not folder.alive
    assert live_searches(RunStore(store.root / "none")) == []


def age(folder, days):
    moment = time.time() - days * subject.DAY_SECONDS
    for path in (*folder.path.iterdir(), folder.path):
        os.utime(path, (moment, moment))


@pytest.mark.parametrize("state", ["finished", "stopped", "failed", "running"])
def test_old_searches_are_removed_after_some_days(store, state):
    old, new, other = (
        SearchFolder.create(store, get_recipe("smoke").config.replace(**TINY), None) for _ in range(3)
    )
    old.change(state=state)
    age(old, KEEP_DAYS + 0.1)
    age(new, KEEP_DAYS - 0.1)
    assert remove_old_searches(store) == 1
    assert {one.path for one in list_searches(store)} == {new.path, other.path}
    assert remove_old_searches(store) == 0 and remove_old_searches(RunStore(store.root / "none")) == 0


def test_a_search_that_lives_stays_however_old_and_the_next_one_makes_room(store, folder):
    with SearchFolder(folder.path).lock():
        age(folder, KEEP_DAYS + 1)
        assert remove_old_searches(store) == 0 and folder.path.exists()
    (folder.path / "search.json").write_text("{")  # damaged: nobody can go on with it
    age(folder, KEEP_DAYS + 1)
    newest = SearchFolder.create(store, get_recipe("smoke").config, None)
    assert [one.path for one in list_searches(store)] == [newest.path]


def test_a_link_among_the_searches_is_not_followed(store, folder, tmp_path):
    (tmp_path / "kept").mkdir()
    (store.root / subject.FOLDER / "link").symlink_to(tmp_path / "kept", target_is_directory=True)
    remove_old_searches(store, older_than_days=-1)
    assert (tmp_path / "kept").exists() and not folder.path.exists()


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

    find_lr_in_turn(folder, ended)
    place.leave()
    assert looks == ["waiting"] * 3 and folder.read().state == "stopped"


@pytest.mark.timeout(300)
def test_the_command_suggests_a_rate(store, capsys):
    settings = [
        f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in QUICK.items()
    ]
    words = ["lr-find", "--recipe", "smoke", "--set", *settings, "--runs-dir", str(store.root), "--json"]
    assert main(words) == 0
    found = LrFinder(**json.loads(capsys.readouterr().out))
    assert found.state == "finished" and 40 < len(found.points) <= 80
    rates, averages = [point[0] for point in found.points], [point[2] for point in found.points]
    assert rates == sorted(rates) and rates[0] < found.suggestion < rates[-1], "it fell, so there is one"
    at = min(range(len(rates)), key=lambda place: abs(rates[place] - found.suggestion))
    assert averages[at - 1] > averages[at + 1] > min(averages), "on the way down"
    assert Place.of(store.root, line_name()).take("the next one")


def test_a_failure_is_kept_as_a_sentence(store, tmp_path, capsys):
    words = ["lr-find", "--recipe", "mixing_lite", "--data-dir", str(tmp_path / "none")]
    assert main([*words, "--runs-dir", str(store.root)]) == 1
    (path,) = (store.root / subject.FOLDER).iterdir()
    assert SearchFolder(path).read().state == "failed" and "none" in SearchFolder(path).read().message
    assert len(capsys.readouterr().err.splitlines()) == 1
