"""The line before a device: one at a time, in the order of launch, also after a kill; who waits can leave."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from cifar_core.files import PROJECT_ROOT
from cifar_core.format import run_name
from cifar_core.recipes import get_recipe
from cifar_core.runs import queue as subject
from cifar_core.runs.labels import FILE as LABELS
from cifar_core.runs.labels import Labels, write_labels
from cifar_core.runs.queue import Withdrawn, active_runs, called, describe_waiting, line_name, turn
from cifar_core.runs.requests import ControlRequest
from cifar_core.runs.status import STARTING, Status
from cifar_core.runs.store import RunStore, StoreError
from tests.support.texts import says


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(subject, "LOOK_SECONDS", 0.01)
    return RunStore(tmp_path / "runs")


def launched(store, queued):
    """A run as `launch` leaves it, its process not started yet."""
    run = store.create(get_recipe("smoke").config)
    run.write_status(Status("waiting", stage=STARTING, queued=queued, line=line_name()))
    return run


class Waiter(threading.Thread):
    """A process in line, as a thread: trains until it is let go."""

    def __init__(self, run, order, now=False):
        super().__init__(daemon=True)
        self.run_, self.order, self.now, self.told = run, order, now, []
        self.has_it, self.go, self.error = threading.Event(), threading.Event(), None
        self.start()

    def run(self):
        try:
            with turn(self.run_, self.now, self.told.append):
                self.order.append(self.run_.id)
                self.run_.write_status(Status("running"))
                self.has_it.set()
                self.go.wait(20)
                self.run_.write_status(Status("finished"))
        except Exception as error:
            self.error = error

    def finish(self):
        self.go.set()
        self.join(20)


def until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def in_line(waiter):
    return waiter.run_.status().stage == subject.QUEUED


def test_a_free_device_is_taken_at_once(store):
    run, told = launched(store, time.time()), []
    with turn(run, told=told.append):
        assert run.status().state == "waiting"  # until its process writes something else
        assert store.list()[0].id == run.id
    assert told == []


def test_others_wait_and_start_in_the_order_of_their_launch(store):
    base, order = time.time() - 60, []
    first = Waiter(launched(store, base), order)
    first.has_it.wait(20)
    third = Waiter(launched(store, base + 2), order)  # its process is quicker to start
    until(lambda: in_line(third))
    second = Waiter(launched(store, base + 1), order)
    until(lambda: in_line(second) and len(third.told) == 2)
    assert second.told == [f"Waits for {run_name(first.run_.id)} to finish."]
    assert says(third.told[-1], run_name(first.run_.id), "1 in line")
    assert second.run_.status().message == second.told[-1]
    for waiter in (first, second, third):
        waiter.has_it.wait(20)
        waiter.finish()
    assert order == [first.run_.id, second.run_.id, third.run_.id]


def test_a_run_launched_earlier_keeps_its_place_while_its_process_starts(store):
    early, order = launched(store, time.time() - 1), []
    late = Waiter(launched(store, time.time()), order)
    until(lambda: in_line(late))
    early_waiter = Waiter(early, order)
    for waiter in (early_waiter, late):
        waiter.has_it.wait(20)
        waiter.finish()
    assert order == [early.id, late.run_.id]


def test_a_process_that_never_came_does_not_hold_the_line_up(store, monkeypatch):
    monkeypatch.setattr(subject, "START_SECONDS", 0.2)
    launched(store, time.time())
    run = launched(store, time.time() + 0.01)
    with turn(run):
        pass


def test_who_waits_can_be_withdrawn(store):
    order = []
    first = Waiter(launched(store, time.time() - 50), order)
    first.has_it.wait(20)
    second = Waiter(launched(store, time.time() - 40), order)
    until(lambda: in_line(second))
    second.run_.request("stop")
    second.join(20)
    assert isinstance(second.error, Withdrawn)
    status = second.run_.status()
    assert (status.state, status.message) == ("stopped", "Withdrawn before its turn.")
    assert second.run_.waiting_request() is None
    first.finish()
    assert order == [first.run_.id]


def test_another_request_is_kept_for_the_first_step(store):
    run = launched(store, time.time())
    run.request("pause", factor=0.5)
    with turn(run):
        assert run.waiting_request() == ControlRequest("pause", factor=0.5)


def test_now_does_not_wait_and_others_wait_for_it(store):
    order = []
    first = Waiter(launched(store, time.time() - 50), order)
    first.has_it.wait(20)
    beside = Waiter(launched(store, time.time() - 40), order, now=True)
    assert beside.has_it.wait(20)
    beside.finish()
    first.finish()
    alone = Waiter(launched(store, time.time() - 30), order, now=True)
    alone.has_it.wait(20)
    waits = Waiter(launched(store, time.time() - 20), order)
    until(lambda: in_line(waits))
    assert waits.told == [f"Waits for {run_name(alone.run_.id)} to finish."]
    alone.finish()
    waits.finish()


def test_another_accelerator_has_a_line_of_its_own(store, monkeypatch):
    order = []
    first = Waiter(launched(store, time.time() - 50), order)
    first.has_it.wait(20)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    with turn(launched(store, time.time())):
        pass
    first.finish()


def test_a_run_that_a_process_works_on_is_refused(store, monkeypatch):
    monkeypatch.setattr(subject, "LOCK_SECONDS", 0.1)
    run = launched(store, time.time())
    with run.lock(), pytest.raises(StoreError, match="Another process trains"), turn(run):
        pass


HOLD = """
import sys, time
from pathlib import Path
from cifar_core.runs.queue import turn
from cifar_core.runs.run import Run
with turn(Run(Path(sys.argv[1]))):
    print("mine", flush=True)
    time.sleep(60)
"""


def process_of(run):
    command = [sys.executable, "-c", HOLD, str(run.path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT)


def test_a_kill_of_the_one_that_trains_lets_the_next_one_start(store):
    with process_of(launched(store, time.time() - 50)) as process:
        assert process.stdout.readline() == "mine\n"
        waiter = Waiter(launched(store, time.time() - 40), [])
        until(lambda: in_line(waiter))
        assert not waiter.has_it.is_set()
        process.kill()
        assert waiter.has_it.wait(20)
        waiter.finish()


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_one_that_is_ended_in_line_leaves_it(store, name):
    first = Waiter(launched(store, time.time() - 50), [])
    first.has_it.wait(20)
    run = launched(store, time.time() - 40)
    with process_of(run) as process:
        until(lambda: run.status().stage == subject.QUEUED)
        assert [other.id for other, _ in active_runs(store)][-1] == run.id
        process.send_signal(getattr(signal, name))
        process.wait(20)
    assert run.status().state == ("failed" if name == "SIGKILL" else "stopped")
    assert run.id not in [other.id for other, _ in active_runs(store)]
    first.finish()


def test_words():
    assert says(describe_waiting("", 0), "another training")
    assert says(describe_waiting("a-1", 2), "a-1", "2 in line")


def test_a_run_is_called_by_the_name_that_was_given_to_it(tmp_path):
    store = RunStore(tmp_path)
    run = store.create(get_recipe("smoke").config)
    assert called(store, run.id) == run_name(run.id)
    write_labels(run, Labels("the wide one"))
    assert called(store, run.id) == "the wide one"
    (run.path / LABELS).write_text("{")
    assert called(store, run.id) == run_name(run.id)
    assert called(store, "the search for a learning rate") == "the search for a learning rate"
    assert called(store, "") == ""
