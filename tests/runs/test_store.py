"""The store keeps runs, tells their true state, passes requests on, and survives what lies in its folder."""

import json
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from cifar_core.config import TrainConfig
from cifar_core.files import PROJECT_ROOT
from cifar_core.recipes import get_recipe
from cifar_core.runs import store as subject
from cifar_core.runs.events import Resume, RunEnd, Step
from cifar_core.runs.requests import ControlRequest
from cifar_core.runs.store import Run, RunStore, Status, StoreError, UnknownRun

STEP, END = Step(1, 1, 2.5, 0.25, 0.1, 100.0), RunEnd("finished", 9, 1.5, 1, 0.5)


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "runs")


@pytest.fixture
def run(store):
    return store.create(get_recipe("smoke").config)


def end(run, state="running", heartbeat=None):
    """Leave a run as a process would that wrote this state and is gone."""
    run.write_status(Status(state, pid=99))
    if heartbeat is not None:
        document = json.loads((run.path / "status.json").read_text())
        (run.path / "status.json").write_text(json.dumps({**document, "heartbeat": heartbeat}))


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
        "import sys, time; from pathlib import Path; from cifar_core.runs.store import Run, Status\n"
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


def test_what_is_no_run_is_left_out(store, run):
    (store.root / "empty").mkdir()
    (store.root / "notes.txt").write_text("mine")
    (store.root / "dangling").symlink_to(store.root / "nowhere")
    (store.root / "deep" / "er").mkdir(parents=True)
    (store.root / "deep" / "er" / "config.json").write_text("{}")
    assert [one.id for one in store.list() if one.path.parent == store.root] == [run.id]


def test_a_store_without_a_folder_is_empty(tmp_path):
    assert all(run.shipped for run in RunStore(tmp_path / "none").list())


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


def test_a_file_is_no_folder_of_runs(tmp_path):
    (file := tmp_path / "runs").write_text("mine")
    with pytest.raises(StoreError, match=rf"{file} is not a folder.*--runs-dir"):
        RunStore(file)
