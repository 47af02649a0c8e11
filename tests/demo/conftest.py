"""What the tests of the dashboard share: a store without any run, and processes started in name only."""

import pytest

from cifar_core.runs.store import RunStore


@pytest.fixture
def store(tmp_path, monkeypatch):
    """An empty store; no shipped runs, no data folder, no kept speeds, no measuring, not a public host."""
    monkeypatch.setenv("CIFAR_LAB_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("CIFAR_LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("demo.time_here._measuring", {})
    monkeypatch.setattr("demo.time_here.PATIENCE_SECONDS", 1e9)
    for name in ("SPACE_ID", "CIFAR_LAB_PUBLIC", "CIFAR_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("cifar_core.runs.store.checkpoints_dir", lambda: tmp_path / "shipped")
    monkeypatch.setattr("demo.trial.checkpoints_dir", lambda: tmp_path / "shipped")
    monkeypatch.setattr("demo.stated_results.checkpoints_dir", lambda: tmp_path / "shipped")
    return RunStore()


@pytest.fixture
def launched(monkeypatch):
    """Runs that the pages start, in place of processes."""
    started = []
    for where in ("cifar_core.runs.launcher.launch", "demo.live_head.launch"):
        monkeypatch.setattr(where, started.append)
    return started
