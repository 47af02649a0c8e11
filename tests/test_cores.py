"""How many processors a container leaves, read from a made /sys and /proc."""

import os
from pathlib import Path

import pytest
import torch

from cifar_core import device
from cifar_core.cores import cpu_quota, machine_cores, processors

V1 = "6:memory:/\n4:cpu,cpuacct:{place}\n0::/ignored\n"


def made(root: Path, cgroup: str, files: dict[str, str]) -> Path:
    """A folder with /proc/self/cgroup and files below /sys/fs/cgroup."""
    for name, text in {
        "proc/self/cgroup": cgroup,
        **{f"sys/fs/cgroup/{k}": v for k, v in files.items()},
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


QUOTAS = {
    "v2, in a container": ("0::/\n", {"cpu.max": "150000 100000\n"}, 1.5),
    "v2, none": ("0::/\n", {"cpu.max": "max 100000\n"}, None),
    "v2, one around it is smaller": (
        "0::/user.slice/app\n",
        {"user.slice/app/cpu.max": "400000 100000\n", "user.slice/cpu.max": "50000 50000\n"},
        1.0,
    ),
    "v1": (
        V1.format(place="/app"),
        {"cpu,cpuacct/app/cpu.cfs_quota_us": "250000\n", "cpu,cpuacct/app/cpu.cfs_period_us": "100000\n"},
        2.5,
    ),
    "v1, the host's place": (
        V1.format(place="/docker/0123"),
        {"cpu,cpuacct/cpu.cfs_quota_us": "50000\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"},
        0.5,
    ),
    "v1, none": (
        V1.format(place="/"),
        {"cpu,cpuacct/cpu.cfs_quota_us": "-1\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"},
        None,
    ),
    "damaged": ("0::/\n", {"cpu.max": "many\n"}, None),
}


@pytest.mark.parametrize(("cgroup", "files", "quota"), QUOTAS.values(), ids=QUOTAS)
def test_the_quota_is_the_smallest_that_holds(tmp_path, cgroup, files, quota):
    assert cpu_quota(made(tmp_path, cgroup, files)) == quota


def test_without_cgroups_there_is_none(tmp_path):
    assert cpu_quota(tmp_path) is None
    assert machine_cores(tmp_path) == os.cpu_count()


def test_a_quota_caps_the_processors_and_leaves_one_at_least(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(16)), raising=False)
    assert (machine_cores(tmp_path), processors(tmp_path)) == (64, 16)
    made(tmp_path, "0::/\n", {"cpu.max": "250000 100000"})
    assert (machine_cores(tmp_path), processors(tmp_path)) == (3, 3)  # two and a half take three at times
    made(tmp_path, "0::/\n", {"cpu.max": "10000 100000"})
    assert processors(tmp_path) == 1


@pytest.mark.parametrize(
    ("quota", "whole", "given", "processes", "threads"),
    [
        (None, 8, "", 1, 6),  # as they are
        (2.5, 3, "", 1, 3),
        (16.0, 16, "", 1, 6),
        (None, 8, "1", 4, 2),  # torchrun's own 1
        (None, 2, "1", 4, 1),
        (None, 8, "6", 4, 6),  # the user's
    ],
)
def test_threads_are_shared_out_and_a_quota_is_told_once(
    monkeypatch, capsys, quota, whole, given, processes, threads
):
    counts = [6]
    monkeypatch.setenv("OMP_NUM_THREADS", given) if given else monkeypatch.delenv("OMP_NUM_THREADS", False)
    monkeypatch.setattr(device, "cpu_quota", lambda: quota)
    monkeypatch.setattr(device, "processors", lambda: whole)
    monkeypatch.setattr(torch, "get_num_threads", lambda: counts[-1])
    monkeypatch.setattr(torch, "set_num_threads", counts.append)
    device.limit_threads(processes)
    device.limit_threads(processes)
    assert counts[-1] == threads
    said = capsys.readouterr().err
    assert said.count("quota") == (quota == 2.5) and (not said or ("2.5" in said and "3 threads" in said))
