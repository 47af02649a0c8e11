"""What a process takes of its machine, as the system tells it, and where the system tells nothing."""

import json
import mmap
import time
from pathlib import Path

import pytest

from cifar_core.cores import machine_cores
from cifar_core.runs import status as subject
from cifar_core.runs.run import Run
from cifar_core.runs.status import ResourceMeter, Resources
from cifar_core.runs.store import Status

linux = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")


def test_a_process_at_work_keeps_about_one_core_busy():
    meter, began = ResourceMeter(), time.process_time()
    wall = time.monotonic()
    while time.process_time() - began < 0.3:
        pass
    load = meter.read({})
    expected = 0.3 / (time.monotonic() - wall)  # other work on the machine may hold it up
    assert load.cores == pytest.approx(expected, rel=0.3)
    assert load.all_cores == machine_cores()


def test_one_that_sleeps_keeps_none():
    meter = ResourceMeter()
    time.sleep(0.2)
    assert meter.read({}).cores < 0.5


@linux
def test_memory_grows_with_what_is_kept():
    before = ResourceMeter().read({}).memory_mb
    with mmap.mmap(-1, 60_000_000) as kept:  # fresh pages, not what Python has kept of freed ones
        kept.write(b"x" * 60_000_000)
        assert ResourceMeter().read({}).memory_mb - before > 45


@linux
def test_the_machine_is_at_work_for_a_share_of_its_time():
    meter = ResourceMeter()
    time.sleep(0.1)
    assert 0 <= meter.read({}).machine <= 1


def test_without_proc_nothing_is_made_up(tmp_path):
    nowhere = tmp_path / "none"
    assert subject._machine_times(nowhere) == (0.0, 0.0)
    peak = subject._memory_mb(nowhere)
    assert peak is None or peak > 1


def test_the_figures_of_a_gpu_are_taken_over():
    load = ResourceMeter().read({"gpu_memory_mb": 10.0, "gpu_total_mb": 20.0})
    assert (load.gpu_memory_mb, load.gpu_total_mb, load.gpu) == (10.0, 20.0, None)


def test_a_status_holds_it(tmp_path):
    status = Status("running", resources=Resources(1.5, 0.5, 2, 0.25))
    run = Run(tmp_path)
    run.write_status(status)
    document = (tmp_path / "status.json").read_text()
    assert Status.from_json(json.loads(document)).resources == status.resources
