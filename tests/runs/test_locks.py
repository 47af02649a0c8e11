"""A folder whose locks never answer is named at once; any other is taken as it is."""

import threading
import time

import pytest

from cifar_core.files import StoreError
from cifar_core.runs import locks as subject
from cifar_core.runs.store import RunStore


def test_locks_that_hang_are_an_error_that_names_the_way_out(tmp_path, monkeypatch):
    never = threading.Event()
    monkeypatch.setattr(subject, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr("filelock._unix.fcntl.flock", lambda *_: never.wait())
    begun = time.monotonic()
    with pytest.raises(StoreError) as caught:
        RunStore(tmp_path)
    never.set()
    assert time.monotonic() - begun < 5 and str(tmp_path) in str(caught.value)
    assert "--runs-dir" in str(caught.value) and "CIFAR_LAB_RUNS" in str(caught.value)


def test_a_folder_that_holds_locks_keeps_no_trace(tmp_path):
    RunStore(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_can_be_listed(tmp_path, monkeypatch):
    def refuse(*_arguments):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("filelock._unix.os.open", refuse)
    assert all(run.shipped for run in RunStore(tmp_path).list())
