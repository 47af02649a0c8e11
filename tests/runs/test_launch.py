"""A launched run is a process of its own: it outlives who started it, and says how it ended."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cifar_core.checkpoint import CARD, WEIGHTS
from cifar_core.files import PROJECT_ROOT
from cifar_core.recipes import get_recipe
from cifar_core.runs import launch as subject
from cifar_core.runs.events import Epoch, Resume
from cifar_core.runs.launch import launch, train_command
from cifar_core.runs.store import RunStore, Status, StoreError

TINY = {
    "model_args": {"widths": [4, 8], "num_kernels": 2},
    "train_size": 200,
    "val_size": 50,
    "batch_size": 50,
}
EPOCHS = 6


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return RunStore(tmp_path_factory.mktemp("with space") / "runs")


@pytest.fixture
def apart(tmp_path):
    """A store of its own: what never starts would stand before others in the line of the shared one."""
    return RunStore(tmp_path)


def make(store, data_dir=None, **changes):
    config = get_recipe("smoke").config.replace(**TINY, epochs=EPOCHS, precision="fp32", **changes)
    return store.create(config, data_dir)


def wait_for(condition, seconds=90.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


# The process, with something quicker in the place of training

SAY = """
import json, os, sys
session = hasattr(os, "getsid") and os.getsid(0) == os.getpid()
print(json.dumps({"session": session, "folder": os.getcwd(), "input": sys.stdin.read(),
                  "path": os.environ["PYTHONPATH"].split(os.pathsep), "mine": os.environ["MINE"],
                  "utf8": sys.flags.utf8_mode}))
print("trouble", file=sys.stderr)
"""


def test_the_process_has_a_session_of_its_own_and_writes_to_the_log(apart, monkeypatch):
    run = make(apart)
    monkeypatch.setattr(subject, "train_command", lambda run: [sys.executable, "-c", SAY])
    monkeypatch.setenv("MINE", "kept")
    monkeypatch.setenv("PYTHONPATH", "/some/where")
    (run.path / "log.txt").write_text("from before\n")
    process = launch(run)
    assert process.wait(60) == 0
    before, said, trouble = run.log_tail().splitlines()
    assert (before, trouble) == ("from before", "trouble")
    assert json.loads(said) == {
        "session": os.name == "posix", "utf8": 1, "folder": str(PROJECT_ROOT), "input": "", "mine": "kept",
        "path": [str(PROJECT_ROOT), "/some/where"],
    }  # fmt: skip


def test_a_launched_run_waits_and_forgets_old_requests(apart, monkeypatch):
    monkeypatch.setattr(subject, "train_command", lambda run: [sys.executable, "-c", ""])
    run = make(apart)
    run.request("stop")
    run.write_status(Status("stopped", message="before"))
    assert launch(run).wait(60) == 0
    assert run.take_request() is None
    assert (run.status().state, run.status().message) == ("waiting", "")


@pytest.mark.parametrize("state", ["running", "paused"])
def test_a_run_that_a_process_works_on_is_not_launched_again(store, monkeypatch, state):
    monkeypatch.setattr(subject, "train_command", lambda run: pytest.fail("a second process was started"))
    run = make(store)
    run.write_status(Status(state, pid=4321))
    with run.lock(), pytest.raises(StoreError, match=f"is {state} already, as process 4321"):
        launch(run)
    assert run.status().state == "failed"  # as nobody holds the lock any more


def test_a_shipped_run_is_not_launched(store):
    run = make(store)
    (run.path / "card.json").write_text("{}")
    with pytest.raises(StoreError, match="came with the project"):
        launch(run)


def test_the_command_trains_this_run_in_this_store(store):
    run = make(store)
    command = train_command(run)
    assert command[:3] == [sys.executable, "-m", "cifar_core"] and command[3] == "train"
    assert command[4:] == ["--resume", run.id, "--runs-dir", str(store.root)]


# Real training

PARENT = """
import sys, time
from pathlib import Path
from cifar_core.runs.launch import launch
from cifar_core.runs.store import RunStore
process = launch(RunStore(Path(sys.argv[1])).get(sys.argv[2]))
print(process.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def misled(store):
    """A run whose data folder is not there: (run, exit code)."""
    run = make(store, Path("/no/such/folder"), data="cifar10")
    process = launch(run)
    yield run, process
    process.kill()
    process.wait(60)


@pytest.fixture(scope="module")
def orphan(store, misled):
    """A run whose launcher was killed with its whole process group as soon as it had started it."""
    run = make(store)
    command = [sys.executable, "-c", PARENT, str(store.root), run.id]
    parent = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT, start_new_session=True
    )
    with parent:
        pid = int(parent.stdout.readline())
        os.killpg(parent.pid, signal.SIGKILL)
    yield run, pid
    if run.status().state == "running":
        os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.timeout(300)  # two processes import torch, one after the other
@pytest.mark.skipif(os.name != "posix", reason="kills a process group")
def test_a_launched_run_outlives_its_launcher_and_goes_on_after_a_kill(orphan):
    run, pid = orphan
    assert run.status().state in ("waiting", "running")
    wait_for(lambda: run.status().epoch >= 3)
    status = run.status()
    assert (status.state, status.pid, status.total) == ("running", pid, 4 * EPOCHS)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: run.status().state == "failed")
    completed = sum(isinstance(event, Epoch) for event in run.events())
    assert 2 <= completed < EPOCHS and "Resume" in run.status().message

    process = launch(run)
    assert run.status().state in ("waiting", "running")
    assert process.wait(90) == 0, run.log_tail()
    assert run.status().state == "finished" and f"Run {run.id} finished" in run.log_tail()
    assert sum(isinstance(event, Resume) for event in run.events()) == 1

    from cifar_core.training.runner import train_run

    whole = RunStore(run.path.parent).create(run.config())
    train_run(whole)
    assert best(run) == best(whole)
    assert (run.best_checkpoint / WEIGHTS).read_bytes() == (whole.best_checkpoint / WEIGHTS).read_bytes()
    assert (run.last_checkpoint / WEIGHTS).read_bytes() == (whole.last_checkpoint / WEIGHTS).read_bytes()


def best(run):
    epochs = [
        (event.epoch, event.val_loss, event.val_accuracy, event.mixing)
        for event in run.events()
        if isinstance(event, Epoch)
    ]
    return epochs, json.loads((run.best_checkpoint / CARD).read_text())["metrics"]


def test_a_launched_run_that_fails_says_why(misled):
    run, process = misled
    assert process.wait(90) == 1
    status = run.status()
    assert status.state == "failed" and "/no/such/folder" in status.message
    assert len(status.message.splitlines()) == 1
    log = run.log_tail()
    assert "error:" in log and "/no/such/folder" in log and "Traceback" not in log


def test_a_run_whose_folder_goes_away_cannot_be_launched(store):
    run = make(store)
    shutil.rmtree(run.path)
    with pytest.raises((StoreError, OSError)):
        launch(run)
    assert not run.path.exists()
