"""A sweep as a detached process: no password where others can read it, one process a study, and its signs."""

import os

import pytest

from cifar_core.runs.store import RunStore, StoreError
from cifar_core.sweep import launch
from cifar_core.sweep.launch import ask_to_stop, asked_to_stop, at_work, is_at_work, launch_sweep, log_tail

STORAGE = "postgresql+psycopg://me:secret@host/studies"


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "runs")


@pytest.fixture
def started(monkeypatch):
    """(command line, log, variables) of each process that was started."""
    found = []
    monkeypatch.setattr(launch, "start_detached", lambda *told: found.append(told))
    return found


def test_the_storage_goes_by_the_environment(store, started, tmp_path):
    launch_sweep(store, STORAGE, "mine", tmp_path)
    ((command, log, variables),) = started
    assert command[3:] == [
        "sweep",
        "--study",
        "mine",
        "--runs-dir",
        str(store.root),
        "--data-dir",
        str(tmp_path),
    ]
    assert "secret" not in " ".join(command) and variables == {"CIFAR_LAB_STORAGE": STORAGE}
    log.write_text("one\ntwo\n")
    assert log_tail(store, "mine", 1) == "two"


def test_a_second_click_starts_no_second_process(store, started):
    assert not is_at_work(store, "mine")
    for _ in range(2):
        launch_sweep(store, STORAGE, "mine", None)
    assert len(started) == 1 and is_at_work(store, "mine") and not is_at_work(store, "other")


def test_one_that_never_shows_itself_is_not_waited_for_long(store, started):
    launch_sweep(store, STORAGE, "mine", None)
    sign = store.root / ".sweeps" / "mine.start"
    os.utime(sign, (1, 1))
    assert not is_at_work(store, "mine")


def test_its_signs_fall_with_the_process(store):
    with at_work(store, "mine"):
        assert is_at_work(store, "mine") and not asked_to_stop(store, "mine")
        ask_to_stop(store, "mine")
        assert asked_to_stop(store, "mine")
    assert not is_at_work(store, "mine")
    with at_work(store, "mine"):  # the next one, begun by hand, was not asked
        assert not asked_to_stop(store, "mine")


def test_a_stop_before_the_process_shows_itself_is_kept_for_it(store, started):
    launch_sweep(store, STORAGE, "mine", None)
    ask_to_stop(store, "mine")
    with at_work(store, "mine"):
        assert asked_to_stop(store, "mine")
    launch_sweep(store, STORAGE, "mine", None)
    with at_work(store, "mine"):
        assert len(started) == 2 and not asked_to_stop(store, "mine")


def test_a_folder_that_cannot_be_written_is_said(tmp_path, started):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        launch_sweep(RunStore(tmp_path / "file"), STORAGE, "mine", None)
