"""A run's folder: events that last, its true state, requests that are passed on, and what may be damaged."""

import json
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from cifar_core.files import PROJECT_ROOT
from cifar_core.runs.events import Resume, RunEnd, Step
from cifar_core.runs.requests import ControlRequest
from cifar_core.runs.run import Run
from cifar_core.runs.store import Status, StoreError

STEP, END = Step(1, 1, 2.5, 0.25, 0.1, 100.0), RunEnd("finished", 9, 1.5, 1, 0.5)


def end(run, state="running", heartbeat=None):
    """Leave a run as a process would that wrote this state and is gone."""
    run.write_status(Status(state, pid=99))
    if heartbeat is not None:
        document = json.loads((run.path / "status.json").read_text())
        (run.path / "status.json").write_text(json.dumps({**document, "heartbeat": heartbeat}))


# Events


def test_events_are_read_on_from_where_one_was(run):
    run.append(STEP)
    first, offset = run.read_events()
    assert (first, offset) == ([STEP], run.events_size())
    assert run.read_events(offset) == ([], offset)
    run.append(END)
    assert run.read_events(offset)[0] == [END] and run.events() == [STEP, END]


def test_a_line_that_is_still_written_is_left_for_the_next_time(run):
    run.append(STEP)
    path = run.path / "events.jsonl"
    whole = path.read_bytes()
    run.append(END)
    both = path.read_bytes()
    for size in range(len(whole), len(both)):
        path.write_bytes(both[:size])
        assert run.read_events() == ([STEP], len(whole))


def test_truncating_forgets_later_events_and_torn_lines(run):
    run.append(STEP)
    size = run.events_size()
    run.append(END)
    run.truncate_events(size)
    assert run.events() == [STEP]
    with open(run.path / "events.jsonl", "ab") as file:
        file.write(b'{"type": "st')
    run.truncate_events(size + 1000)  # the file is shorter than a state remembers
    run.append(Resume(1, 2.0))
    assert run.events() == [STEP, Resume(1, 2.0)]


def test_truncating_a_run_without_events_is_nothing(run):
    run.truncate_events(0)
    assert run.events() == []


# Status


def test_status_comes_back(run):
    status = Status("stopped", 5, 0.0, "training", "words", 3, 9, 2, 1.5)
    run.write_status(status)
    read = run.status()
    assert abs(read.heartbeat - time.time()) < 60
    assert replace(read, heartbeat=0.0) == status


@pytest.mark.parametrize("state", ["running", "paused"])
def test_a_dead_process_shows_as_failed(run, state):
    end(run, state)
    status = run.status()
    assert status.state == "failed" and "Resume" in status.message and status.eta_seconds is None


def test_a_process_that_holds_the_lock_is_alive(run):
    end(run, heartbeat=0.0)  # however long ago it last showed itself
    with run.lock():
        assert run.status().state == "running"
    assert run.status().state == "failed"


@pytest.mark.parametrize("state", ["waiting", "running"])
def test_a_clock_that_was_ahead_keeps_no_dead_run_alive(run, state):
    end(run, state, heartbeat=time.time() + 86_400)
    assert run.status().state == "failed"


def test_a_killed_process_is_noticed_at_once(run):
    """The lock falls with the process, also by kill -9."""
    script = (
        "import sys, time; from pathlib import Path\n"
        "from cifar_core.runs.run import Run; from cifar_core.runs.status import Status\n"
        "run = Run(Path(sys.argv[1]))\n"
        "with run.lock():\n"
        "    run.write_status(Status('running')); print('ready', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", script, str(run.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT) as process:
        assert process.stdout.readline() == "ready\n"
        assert run.status().state == "running"
        process.kill()
    assert run.status().state == "failed"


def test_many_readers_do_not_take_each_other_for_the_process(run):
    end(run, heartbeat=time.time() - 60)
    seen = set()
    readers = [
        threading.Thread(target=lambda: seen.update(run.status().state for _ in range(50))) for _ in range(4)
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert seen == {"failed"}


def test_a_process_has_a_minute_to_start(run):
    end(run, "waiting", time.time() - 50)
    assert run.status().state == "waiting"
    end(run, "waiting", time.time() - 70)
    assert run.status().state == "failed"


# Requests


@pytest.mark.parametrize("what", ["stop", "pause", "continue"])
def test_a_request_is_taken_once(run, what):
    run.request(what)
    assert run.take_request() == ControlRequest(what)
    assert run.take_request() is None


def test_the_latest_request_counts(run):
    run.request("pause")
    run.request("stop")
    assert run.take_request() == ControlRequest("stop") and run.take_request() is None


@pytest.mark.parametrize("state", ["finished", "stopped", "failed", "running"])
def test_a_run_without_a_process_takes_no_requests(run, state):
    end(run, state)
    with pytest.raises(StoreError, match=r"only a waiting, running or paused run can stop"):
        run.request("stop")
    assert not (run.path / "request.json").exists()


def test_a_change_of_the_learning_rate_waits_beside_a_word(run):
    """Else a pause right after it would undo it."""
    run.request(factor=0.5)
    run.request("pause")
    assert run.waiting_request() == ControlRequest("pause", factor=0.5)
    run.request(rate=0.02)
    assert run.take_request() == ControlRequest("pause", rate=0.02) and run.waiting_request() is None


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"factor": 0.0}, "The factor of the schedule is 0; it must be from 0.001 to 1000"),
        ({"factor": float("nan")}, "The factor of the schedule is nan; it must be"),
        ({"rate": -0.1}, "The learning rate is -0.1; it must be from 1e-08 to 100"),
        ({"rate": float("inf")}, "The learning rate is inf; it must be"),
    ],
)
def test_a_learning_rate_out_of_its_limits_is_refused(run, asked, sentence):
    with pytest.raises(StoreError, match=sentence):
        run.request(**asked)
    assert run.waiting_request() is None


def test_a_finished_run_does_not_change_its_learning_rate(run):
    end(run, "finished")
    with pytest.raises(StoreError, match="paused run can change its learning rate"):
        run.request(factor=0.5)


def test_unknown_requests_are_refused(run):
    with pytest.raises(StoreError, match="stop, pause, continue"):
        run.request("explode")


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"request": "explode"}', '{"request": ["stop"]}', "{", '{"factor": -1}', '{"rate": NaN}'],
)
def test_a_damaged_request_is_thrown_away(run, content):
    (run.path / "request.json").write_text(content)
    assert run.take_request() is None
    assert not (run.path / "request.json").exists()


# Damage


@pytest.mark.parametrize("line", [b"{", b"[1]", b"5", b'{"type": "step"}', b"\xff", b"[" * 100_000, b"\0\0"])
def test_damaged_events_give_one_sentence(run, line):
    run.append(STEP)
    with open(run.path / "events.jsonl", "ab") as file:
        file.write(line + b"\n")
    with pytest.raises(StoreError, match=f"The events of run '{run.id}' are damaged") as refused:
        run.events()
    assert len(str(refused.value).splitlines()) == 1


def test_lines_that_only_together_are_json_are_damaged(run):
    line = b'{"type": "lr", "step": 1, "factor": 0.5, "time": 1.0}'
    for lines in ([line + b"," + line], [line[:30], line[31:]], [b'{"type": "', line[10:]]):
        (run.path / "events.jsonl").write_bytes(b"".join(one + b"\n" for one in [line, *lines]))
        with pytest.raises(StoreError, match="are damaged"):
            run.events()


def test_an_events_file_that_is_a_folder_gives_one_sentence(run):
    (run.path / "events.jsonl").mkdir()
    with pytest.raises(StoreError, match="cannot be read"):
        run.events()


def test_a_run_whose_folder_goes_away_is_damaged(run):
    end(run)
    shutil.rmtree(run.path)
    assert run.status().state == "damaged" and run.events() == []
    assert not run.path.exists()


def test_log_tail_is_the_end_of_the_log(run):
    (run.path / "log.txt").write_bytes(b"".join(b"line %d\n" % number for number in range(100)) + b"caf\xe9")
    tail = run.log_tail(3).splitlines()
    assert tail[:2] == ["line 98", "line 99"] and tail[2].startswith("caf")


def test_run_reads_only_its_folder(tmp_path):
    """A Run is a view: making one of any path touches nothing."""
    run = Run(tmp_path / "nowhere")
    assert run.status().state == "damaged" and run.created == 0.0 and not run.path.exists()
