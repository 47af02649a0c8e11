"""A file is there whole or not at all: whatever fails, and whenever the process is killed."""

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cifar_core import files
from cifar_core.files import PROJECT_ROOT, sync_folder, write_bytes, write_json


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "folder" / "file.json"
    path.parent.mkdir()
    path.write_text("old")
    return path


def test_writes_and_replaces(path):
    write_bytes(path, b"new\0\n")
    assert path.read_bytes() == b"new\0\n"
    write_json(path, {"a": [1, None, "é"]})
    assert json.loads(path.read_text()) == {"a": [1, None, "é"]}
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_alone(path, monkeypatch, call):
    def fail(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, call, fail)
    with pytest.raises(OSError, match="No space"):
        write_bytes(path, b"new")
    assert path.read_text() == "old" and list(path.parent.iterdir()) == [path]


@pytest.fixture
def failing(monkeypatch):
    """Let a function of `os` fail so many times before it works; gives the calls."""

    def make(name, code, times):
        calls, real = [], getattr(os, name)

        def call(*arguments):
            calls.append(arguments)
            if len(calls) <= times:
                raise OSError(code, os.strerror(code))
            return real(*arguments)

        monkeypatch.setattr(files.os, name, call)
        return calls

    return make


def test_a_file_that_a_reader_holds_open_is_replaced_when_it_is_free(path, failing):
    calls = failing("replace", errno.EACCES, 3)
    write_bytes(path, b"new")
    assert path.read_bytes() == b"new" and len(calls) == 4


def test_a_file_that_is_never_free_is_an_error_after_about_a_second(path, failing):
    failing("replace", errno.EACCES, 10_000)
    begun = time.monotonic()
    with pytest.raises(PermissionError):
        write_bytes(path, b"new")
    assert 0.5 < time.monotonic() - begun < 3
    assert path.read_text() == "old" and list(path.parent.iterdir()) == [path]


folders_sync = pytest.mark.skipif(os.name != "posix", reason="Windows syncs no folder")


@folders_sync
@pytest.mark.parametrize("code", sorted({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}))
def test_a_folder_that_cannot_be_synced_is_passed_over(tmp_path, failing, code):
    calls = failing("fsync", code, 1)
    sync_folder(tmp_path)
    assert len(calls) == 1


@folders_sync
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_a_folder_whose_sync_fails_is_an_error(tmp_path, failing, code):
    failing("fsync", code, 1)
    with pytest.raises(OSError, match=os.strerror(code)):
        sync_folder(tmp_path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_what_is_no_json_is_refused_before_anything_is_touched(path, value):
    with pytest.raises((ValueError, TypeError)):
        write_json(path, {"value": value})
    assert path.read_text() == "old" and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("name", ["", ".", "/"])
def test_what_names_no_file_is_an_error_of_its_own(name):
    with pytest.raises(IsADirectoryError):
        write_bytes(Path(name), b"")


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_bytes(tmp_path / "no" / "file", b"new")


def test_the_content_lasts_before_the_name_and_the_name_before_the_return(path, monkeypatch):
    """What survives a power failure cannot be tried here; the order of the calls can."""
    calls = []

    def recorded(name, call):
        def record(*arguments):
            calls.append(name)
            return call(*arguments)

        return record

    for name in ("fsync", "replace"):
        monkeypatch.setattr(files.os, name, recorded(name, getattr(os, name)))
    write_bytes(path, b"new")
    assert calls == (["fsync", "replace", "fsync"] if os.name == "posix" else ["fsync", "replace"])


def test_a_reader_never_sees_a_part(path):
    documents = [{"number": number, "filling": "x" * 100_000} for number in (0, 1)]
    write_json(path, documents[0])
    done = threading.Event()

    def write():
        for number in range(40):
            write_json(path, documents[number % 2])
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    reads = 0
    while not done.is_set() or reads == 0:
        assert json.loads(path.read_bytes()) in documents
        reads += 1
    writer.join()


KILLED = """
import os, signal, sys
from pathlib import Path
from cifar_core import files
setattr(files.os, sys.argv[2], lambda *arguments: os.kill(os.getpid(), signal.SIGKILL))
files.write_bytes(Path(sys.argv[1]), b"new")
"""


@pytest.mark.skipif(os.name != "posix", reason="kills by a POSIX signal")
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_killed_while_writing_leaves_the_old_file(path, call):
    command = [sys.executable, "-c", KILLED, str(path), call]
    assert subprocess.run(command, check=False, cwd=PROJECT_ROOT).returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    write_bytes(path, b"newer")
    assert path.read_text() == "newer"
