"""The store keeps runs and finds them, and survives what lies in its folder."""

import time
from pathlib import Path

import pytest

from cifar_core.config import TrainConfig
from cifar_core.recipes import get_recipe
from cifar_core.runs import store as subject
from cifar_core.runs.events import RunEnd, Step
from cifar_core.runs.store import RunStore, StoreError, UnknownRun

STEP, END = Step(1, 1, 2.5, 0.25, 0.1, 100.0), RunEnd("finished", 9, 1.5, 1, 0.5)


# Creating and finding


def test_new_run_waits_with_its_settings(store, tmp_path):
    config = get_recipe("smoke").config.replace(epochs=7, milestones=(3, 4))
    run = store.create(config, tmp_path / "data")
    found = store.get(run.id)
    assert found.config() == config
    assert found.status().state == "waiting"
    assert found.data_dir == tmp_path / "data"
    assert abs(found.created - time.time()) < 60
    assert found.events() == [] and found.log_tail() == ""


def test_data_dir_is_kept_for_every_working_directory(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = store.create(TrainConfig(), Path("pictures"))
    monkeypatch.chdir("/")
    assert run.data_dir == tmp_path / "pictures"


@pytest.mark.parametrize("recipe", ["../../outside", "a/b", "..", "", "x" * 500, "naïve\0name", "a b\n"])
def test_any_recipe_name_gives_a_folder_in_the_store(store, recipe):
    run = store.create(TrainConfig().replace(recipe=recipe))
    assert run.path.parent == store.root and store.get(run.id).config().recipe == recipe


def test_store_in_a_place_that_cannot_hold_it_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="--runs-dir"):
        RunStore(tmp_path / "file" / "runs").create(TrainConfig())


def test_runs_are_listed_newest_first(store):
    runs = [store.create(TrainConfig()) for _ in range(3)]
    assert [run.id for run in store.list() if run.path.parent == store.root] == [run.id for run in runs[::-1]]


@pytest.mark.parametrize("name", ["nothing", "", ".", "..", "../other", "/etc", "a/b", "x" * 5000, "a\0b"])
def test_unknown_runs_are_refused(store, run, tmp_path, name):
    for place in (tmp_path, tmp_path / "other"):  # what lies outside is no run of this store
        place.mkdir(exist_ok=True)
        (place / "config.json").write_bytes((run.path / "config.json").read_bytes())
    with pytest.raises(UnknownRun, match="lists them"):
        store.get(name)


def test_a_run_is_also_found_by_its_path(store, run):
    assert store.get(str(run.path)).id == run.id


def test_shipped_runs_are_listed_last_and_read_as_finished(store, run, tmp_path, monkeypatch):
    folder = tmp_path / "checkpoints" / "toy.v1"
    folder.mkdir(parents=True)
    (folder / "config.json").write_bytes((run.path / "config.json").read_bytes())
    (folder / "events.jsonl").write_text("")
    (folder / "card.json").write_text("{}")
    monkeypatch.setattr(subject, "checkpoints_dir", lambda: tmp_path / "checkpoints")
    assert [one.id for one in store.list()] == [run.id, "toy.v1"]
    shipped = store.get("toy.v1")
    assert shipped.shipped and shipped.status().state == "finished" and shipped.best_checkpoint == folder


# Damage

DAMAGED = {
    "empty": b"",
    "torn": b'{"state": "run',
    "a list": b"[1, 2]",
    "null": b"null",
    "no text": b"\xff\xfe\x00{",
    "nested without end": b"[" * 100_000,
    "other keys": b'{"self": 1, "colour": "blue"}',
    "other types": b'{"state": "waiting", "heartbeat": "x", "pid": null, "created": "y", "data_dir": 5}',
    "an unknown state": b'{"state": "confused"}',
    "a huge number": b'{"lr": 1' + b"0" * 400 + b', "created": 1' + b"0" * 400 + b"}",
    "no numbers": b'{"created": NaN, "lr": NaN, "state": "running", "heartbeat": Infinity}',
}


@pytest.mark.parametrize("name", ["run.json", "config.json", "status.json"])
@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED.keys())
def test_damaged_files_never_break_the_list(store, run, name, content):
    (run.path / name).write_bytes(content)
    own = [one for one in store.list() if one.path.parent == store.root]
    assert [one.id for one in own] == [run.id]
    assert isinstance(own[0].created, float) and own[0].data_dir is None
    status = own[0].status()
    if name == "run.json":
        assert status.state == "waiting"
    else:
        assert status.state == "damaged" and len(status.message.splitlines()) == 1


@pytest.mark.parametrize("name", ["config.json", "status.json"])
def test_missing_files_show_as_damaged(store, run, name):
    (run.path / name).unlink()
    status = store.get(run.id).status()
    assert status.state == "damaged" and name in status.message


def test_what_is_no_run_is_left_out(store, run):
    (store.root / "empty").mkdir()
    (store.root / "notes.txt").write_text("mine")
    (store.root / "dangling").symlink_to(store.root / "nowhere")
    (store.root / "deep" / "er").mkdir(parents=True)
    (store.root / "deep" / "er" / "config.json").write_text("{}")
    assert [one.id for one in store.list() if one.path.parent == store.root] == [run.id]


def test_a_store_without_a_folder_is_empty(tmp_path):
    assert all(run.shipped for run in RunStore(tmp_path / "none").list())


def test_a_file_is_no_folder_of_runs(tmp_path):
    (file := tmp_path / "runs").write_text("mine")
    with pytest.raises(StoreError, match=rf"{file} is not a folder.*--runs-dir"):
        RunStore(file)
