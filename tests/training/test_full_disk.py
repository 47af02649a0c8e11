"""A training outlives writes that fail: it waits where it must, goes on by itself, and loses nothing."""

import dataclasses
import errno
import os
import threading
import time

import pytest

from cifar_core.recipes import get_recipe
from cifar_core.runs.events import Beat, Epoch, Resume, RunEnd, Step
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore
from cifar_core.training import session
from cifar_core.training.runner import train_run

resource = pytest.importorskip("resource")  # not on Windows

TINY = {"model_args": {"widths": [4, 8], "num_kernels": 2}, "train_size": 150, "val_size": 50}
TINY |= {"batch_size": 50, "epochs": 2, "precision": "fp32"}
SMALL = 4096  # bytes that still hold a status, and no weights
UNLIMITED = resource.RLIM_INFINITY


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(session, "ROOM_SECONDS", 0.05)
    monkeypatch.setattr(session, "PAUSE_POLL_SECONDS", 0.01)
    monkeypatch.setattr(session, "STATUS_SECONDS", 0.02)
    return RunStore(tmp_path).create(get_recipe("smoke").config.replace(**TINY))


@pytest.fixture
def limit():
    """Limit the size of files that this process writes: the system itself then refuses what is larger."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def once(condition, action):
    """Do `action` when `condition` holds; gives the thread that looks."""

    def look():
        until = time.monotonic() + 60
        while not condition() and time.monotonic() < until:
            time.sleep(0.01)
        action()

    thread = threading.Thread(target=look)
    thread.start()
    return thread


def results(run):
    """What a run found, without times."""
    events = [event for event in run.events() if isinstance(event, Step | Epoch)]
    times = {"seconds", "val_seconds", "network_seconds", "images_per_second"}
    return [{k: v for k, v in dataclasses.asdict(event).items() if k not in times} for event in events]


def test_a_checkpoint_without_room_pauses_the_run_until_there_is(run, limit, tmp_path, capfd):
    said = []

    def notice():
        said.append(run.status())
        limit(UNLIMITED)

    def fill(event, status):
        if isinstance(event, Beat) and event.step == 2 and not event.validating:
            limit(SMALL)

    looking = once(lambda: run.status().state == "paused", notice)
    assert train_run(run, listener=fill).state == "finished"
    looking.join()
    assert said[0].state == "paused" and "cannot be written" in said[0].message
    assert str(run.path) in said[0].message and "goes on by itself" in said[0].message
    assert capfd.readouterr().err.count("cannot be written") == 1
    assert (run.status().state, run.status().message) == ("finished", "")
    untroubled = RunStore(tmp_path / "other").create(run.config())
    train_run(untroubled)
    assert results(run) == results(untroubled)


def test_a_run_without_room_can_be_stopped_and_goes_on_from_its_last_saved_state(run, limit):
    def fill(event, status):
        if isinstance(event, Epoch) and event.epoch == 1:
            limit(SMALL)

    looking = once(lambda: run.status().state == "paused", lambda: run.request("stop"))
    assert train_run(run, listener=fill).state == "stopped"
    looking.join()
    limit(UNLIMITED)
    status = run.status()
    assert status.state == "stopped" and "cannot be written" in status.message
    assert "by itself" not in status.message
    assert train_run(run).state == "finished"
    assert [event.step for event in run.events() if isinstance(event, Resume)] == [3]


def test_an_event_without_room_is_written_whole_when_there_is(run, limit):
    """Its line is cut off where the room ends; nothing of that stays."""
    sizes = []

    def fill(event, status):
        if isinstance(event, Step) and event.step == 1:
            sizes.append(run.events_size())
            limit(run.events_size() + 40)

    def lift():
        sizes.append(run.events_size())
        limit(UNLIMITED)

    looking = once(
        lambda: bool(sizes) and not run.path.joinpath("checkpoints").exists() and _waits(run), lift
    )
    assert train_run(run, listener=fill).state == "finished"
    looking.join()
    assert sizes[0] == sizes[1]
    assert [event.step for event in run.events() if isinstance(event, Step)] == [1, 2, 3, 4, 5, 6]


def _waits(run: Run) -> bool:
    """Whether the next event has been refused: the second one would come at once."""
    before = run.events_size()
    time.sleep(0.5)
    return run.events_size() == before


@pytest.fixture
def failing_replace(monkeypatch):
    """Refuse to replace status.json: from the beat `first` on, so many times."""

    def make(times):
        left, real = [times], os.replace

        def replace(source, target):
            if os.path.basename(target) == "status.json" and left[0] > 0:
                left[0] -= 1
                raise OSError(errno.EACCES, os.strerror(errno.EACCES))
            return real(source, target)

        monkeypatch.setattr("cifar_core.files.REPLACE_SECONDS", 0.0)
        monkeypatch.setattr("cifar_core.files.os.replace", replace)

    return make


def test_a_status_that_cannot_be_written_ends_nothing(run, failing_replace, capfd):
    failing_replace(3)
    assert train_run(run).state == "finished"
    assert run.status().state == "finished"
    assert capfd.readouterr().err.count("status cannot be written") == 1


def test_the_last_status_is_tried_again(run, failing_replace):
    def refuse(event, status):
        if isinstance(event, Beat) and event.step == 6:
            failing_replace(4)

    assert train_run(run, listener=refuse).state == "finished"
    assert run.status().state == "finished"


@pytest.mark.skipif(os.name != "posix", reason="Windows moves no folder that is in use")
def test_a_run_whose_folder_is_gone_ends(run):
    def remove(event, status):
        if isinstance(event, Beat) and event.step == 2 and not event.validating:
            os.rename(run.path, run.path.with_name("elsewhere"))

    with pytest.raises(OSError, match="No such file"):
        train_run(run, listener=remove)


def test_the_last_events_lie_in_a_run_that_waited_at_its_end(run, limit):
    def fill(event, status):
        if isinstance(event, Beat) and event.step == 6:
            limit(SMALL)

    looking = once(lambda: run.status().state == "paused", lambda: limit(UNLIMITED))
    assert train_run(run, listener=fill).state == "finished"
    looking.join()
    assert isinstance(run.events()[-1], RunEnd) and run.best_checkpoint.exists()
