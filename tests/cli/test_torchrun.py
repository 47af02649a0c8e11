"""`train` under torchrun: one run folder, one voice, whatever happens to the processes."""

import os
import re
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest

from cifar_core.files import PROJECT_ROOT
from cifar_core.runs.events import Beat, Epoch, LearningRate, Resume
from cifar_core.runs.queue import Place, line_name
from cifar_core.runs.store import RunStore
from cifar_core.training.runner import train_run
from tests.support.ports import free_port
from tests.support.shared_training import config_of, environment, torchrun

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
SMALL = {"model_args": {"widths": [4, 8], "num_kernels": 2}, "epochs": 900}
SECONDS = 90  # for what takes two seconds on a machine with nothing else to do


@pytest.fixture
def run(tmp_path):
    return RunStore(tmp_path).create(config_of(SMALL))


def resume(run):
    return torchrun(2, "cifar_core", "train", "--resume", run.id, "--runs-dir", str(run.path.parent))


def until(happened, process):
    """Wait for it, while the process lives."""
    end = time.monotonic() + SECONDS
    while not happened():
        assert process.poll() is None and time.monotonic() < end, process.stdout.read()
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def train_here(run, epochs: int) -> None:
    """Go on alone for so many epochs."""
    left = [epochs]

    def count(event, status):
        left[0] -= isinstance(event, Epoch)
        if not left[0] and isinstance(event, Beat):
            run.request("stop")

    assert train_run(run, listener=count).state == "stopped"


@pytest.mark.timeout(4 * SECONDS)
def test_a_run_is_steered_loses_a_process_and_goes_on_with_any_number(run, capsys):
    train_here(run, epochs=1)
    with resume(run) as process:
        until(lambda: run.status().state == "running" and run.status().epoch > 2, process)
        run.request("pause")
        until(lambda: run.status().state == "paused", process)
        done = run.status().done
        run.request("continue", factor=0.5)
        until(lambda: run.status().done > done, process)
        (follower,) = set(children(process.pid)) - {run.status().pid}
        os.kill(follower, signal.SIGKILL)
        killed = time.monotonic()
        until(lambda: run.status().state == "failed", process)
        assert time.monotonic() - killed < 20
        said = process.communicate(timeout=SECONDS)[0]
    message = run.status().message
    assert "2 processes" in message and "killed" in message and "Resume" in message
    assert process.returncode == 1
    assert said.count(message.partition(" Resume")[0]) == 1 and "began with one process" in said
    train_here(run, epochs=1)
    assert "began with 2 processes" in capsys.readouterr().err
    events = run.events()
    assert [event.factor for event in events if isinstance(event, LearningRate)] == [0.5]
    assert sum(isinstance(event, Resume) for event in events) == 2
    epochs = [event.epoch for event in events if isinstance(event, Epoch)]
    assert epochs == list(range(1, len(epochs) + 1)) and len(epochs) >= 3


def test_a_refusal_is_said_once(tmp_path):
    arguments = ("train", "--recipe", "smoke", "--set", "epochs=0", "--runs-dir", str(tmp_path))
    with torchrun(2, "cifar_core", *arguments) as process:
        said = process.communicate(timeout=SECONDS)[0]
    assert process.returncode == 1 and len(re.findall("wrong use: epochs is 0", said)) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_fewer_images_than_processes_are_refused_and_kept_as_the_reason(tmp_path):
    run = RunStore(tmp_path).create(config_of({**SMALL, "batch_size": 2}))
    arguments = ("train", "--resume", run.id, "--runs-dir", str(tmp_path))
    with torchrun(3, "cifar_core", *arguments) as process:
        said = process.communicate(timeout=SECONDS)[0]
    assert run.status().state == "failed"
    assert said.count(run.status().message) == 1 and "3 processes" in run.status().message


@pytest.mark.slow
def test_only_the_leader_waits_in_line_and_all_leave_it(run):
    place = Place.of(run.path.parent, line_name())
    assert place.take("somebody")
    with resume(run) as process:
        until(lambda: run.status().stage == "in line", process)
        run.request("stop")
        said = process.communicate(timeout=SECONDS)[0]
    place.leave()
    assert process.returncode == 0 and run.status().state == "stopped"
    assert said.count("somebody") == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("who", "number"), [("torchrun", signal.SIGINT), ("0", signal.SIGTERM), ("1", signal.SIGTERM)]
)
def test_whoever_is_told_to_end_the_run_is_saved(run, who, number):
    with resume(run) as process:
        until(lambda: run.status().epoch > 1, process)
        leader = run.status().pid
        (follower,) = set(children(process.pid)) - {leader}
        os.kill({"torchrun": process.pid, "0": leader, "1": follower}[who], number)
        said = process.communicate(timeout=SECONDS)[0]
    assert run.status().state == "stopped" and (run.last_checkpoint / "resume.json").exists()
    assert said.count(f"Run {run.id} stopped") == 1
    assert f"torchrun --nproc-per-node=2 -m cifar_core train --resume {run.id}" in said


README = (PROJECT_ROOT / "demo" / "README.md").read_text(encoding="utf-8")


def lines_of(mark: str) -> list[str]:
    """The commands of a block of the README."""
    found = re.search(rf"<!-- {mark} -->\n```bash\n(.*?)```", README, re.S)
    assert found
    return [line.partition("#")[0].strip() for line in found[1].splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize(("mark", "processes"), [("torchrun", 2), ("torchrun-hosts", 4)])
def test_the_readmes_lines_train_one_run(tmp_path, mark, processes):
    """All lines of a block at once, with this machine in the place of every host."""
    with_port = environment(CIFAR_LAB_RUNS=str(tmp_path), PET_MASTER_PORT=str(free_port()))
    commands = [shlex.split(line.replace("HOST", "127.0.0.1")) for line in lines_of(mark)]
    started = [subprocess.Popen(command, env=with_port, cwd=PROJECT_ROOT) for command in commands]
    assert [process.wait(2 * SECONDS) for process in started] == [0] * len(commands)
    (run,) = RunStore(tmp_path).root.glob("smoke-*")
    run = RunStore(tmp_path).get(run.name)
    assert run.status().state == "finished"
    assert run.events()[0].device.startswith(f"{processes} × ")
