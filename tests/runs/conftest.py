"""A store without any run, own or shipped, and one new run in it."""

from pathlib import Path

import pytest

from cifar_core.recipes import get_recipe
from cifar_core.runs.run import Run
from cifar_core.runs.store import RunStore


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    monkeypatch.setenv("CIFAR_LAB_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr("cifar_core.runs.store.checkpoints_dir", lambda: tmp_path / "shipped")
    return RunStore()


@pytest.fixture
def run(store: RunStore) -> Run:
    return store.create(get_recipe("smoke").config)
