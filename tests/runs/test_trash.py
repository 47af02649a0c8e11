"""Deleting moves a run aside, undo brings it back as it was, and what lives or ships is never touched."""

import json
import shutil
import time

import pytest

from cifar_core.config import TrainConfig
from cifar_core.runs import store as subject
from cifar_core.runs.store import RunStore, Status, StoreError
from cifar_core.runs.trash import (
    DAY_SECONDS,
    FOLDER,
    KEEP_DAYS,
    MARK,
    delete_run,
    empty_trash,
    list_deleted,
    remove_for_good,
    restore_run,
)


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(subject, "checkpoints_dir", lambda: tmp_path / "shipped")
    return RunStore(tmp_path / "runs")


@pytest.fixture
def run(store):
    return make(store)


def make(store, state="finished"):
    run = store.create(TrainConfig())
    (run.path / "checkpoints" / "best").mkdir(parents=True)
    (run.path / "checkpoints" / "best" / "weights.safetensors").write_bytes(b"w" * 5000)
    run.write_status(Status(state))
    return run


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "lock"
    }


def age(deleted, days):
    (deleted.path / MARK).write_text(json.dumps({"deleted": time.time() - days * DAY_SECONDS}))


def test_a_deleted_run_is_gone_and_comes_back_as_it_was(store, run):
    before = contents(run.path)
    deleted = delete_run(store, run)
    assert store.list() == [] and not run.path.exists()
    assert deleted.path == store.root / FOLDER / run.id and deleted.size > 5000
    assert [one.id for one in list_deleted(store)] == [run.id] and deleted.days_left == KEEP_DAYS
    assert restore_run(store, run.id).path == run.path
    assert contents(run.path) == before and list_deleted(store) == []
    assert store.get(run.id).status().state == "finished"


@pytest.mark.parametrize("run_id", [FOLDER, f"{FOLDER}/x"])
def test_the_trash_is_no_run(store, run, run_id):
    delete_run(store, run)
    with pytest.raises(StoreError, match="There is no run"):
        store.get(run_id)


@pytest.mark.parametrize("state", ["running", "paused", "waiting"])
def test_an_active_run_stays(store, run, state):
    run.write_status(Status(state))
    with run.lock(), pytest.raises(StoreError, match=f"is {state}; stop it first"):
        delete_run(store, run)
    assert run.path.exists() and list_deleted(store) == []


def test_a_process_that_has_not_shown_itself_yet_keeps_the_run(store, run):
    with run.lock(), pytest.raises(StoreError, match="A process still works on"):
        delete_run(store, run)
    assert run.path.exists() and not (run.path / MARK).exists()


@pytest.mark.parametrize("name", ["status.json", "config.json"])
def test_a_damaged_run_can_be_deleted(store, run, name):
    (run.path / name).write_text("{")
    delete_run(store, run)
    assert store.list() == []


def test_shipped_runs_and_those_of_another_store_stay(store, run, tmp_path):
    with pytest.raises(StoreError, match="cannot be deleted"):
        delete_run(RunStore(tmp_path / "other"), run)
    (run.path / "card.json").write_text("{}")
    with pytest.raises(StoreError, match="came with the project"):
        delete_run(store, run)
    assert run.path.exists()


def test_two_of_one_name_are_told_apart(store, run, tmp_path):
    shutil.copytree(run.path, tmp_path / "copy")
    delete_run(store, run)
    shutil.copytree(tmp_path / "copy", run.path)
    with pytest.raises(StoreError, match="remove that one for good first"):
        delete_run(store, run)
    with pytest.raises(StoreError, match="another run"):
        restore_run(store, run.id)
    assert run.path.exists() and len(list_deleted(store)) == 1
    remove_for_good(store, run.id)
    delete_run(store, run)


def test_the_trash_forgets_after_some_days(store):
    old, new = delete_run(store, make(store)), delete_run(store, make(store))
    age(old, KEEP_DAYS + 0.1)
    age(new, KEEP_DAYS - 0.1)
    kept = make(store)
    assert empty_trash(store) >= 5000
    assert [one.id for one in list_deleted(store)] == [new.id] and list_deleted(store)[0].days_left == 1
    assert [one.id for one in store.list()] == [kept.id]
    assert empty_trash(store) == 0
    assert empty_trash(store, older_than_days=0) >= 5000


@pytest.mark.parametrize("content", ["", "{", '{"deleted": "x"}', '{"deleted": NaN}', "[]"])
def test_a_damaged_mark_removes_nothing_early(store, run, content):
    deleted = delete_run(store, run)
    (deleted.path / MARK).write_text(content)
    assert empty_trash(store) == 0
    assert restore_run(store, run.id).path.exists()


@pytest.mark.parametrize("run_id", ["nothing", "", ".", "..", "../runs", "a/b", "x" * 5000])
def test_only_what_lies_in_the_trash_is_found(store, run, run_id):
    delete_run(store, make(store))
    for action in (restore_run, remove_for_good):
        with pytest.raises(StoreError, match="There is no deleted run"):
            action(store, run_id)
    assert run.path.exists()


def test_a_link_in_the_trash_is_not_followed(store, run, tmp_path):
    delete_run(store, make(store))
    (store.root / FOLDER / "link").symlink_to(run.path, target_is_directory=True)
    empty_trash(store, older_than_days=-1)
    assert contents(run.path)


def test_a_store_without_a_folder_has_no_trash(tmp_path):
    assert list_deleted(RunStore(tmp_path / "none")) == [] and empty_trash(RunStore(tmp_path / "none")) == 0
