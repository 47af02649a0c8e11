"""The networks that the page answers with: offered by name, loaded once however many ask."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from cifar_core.inference.classifier import Classifier
from demo.classify.networks import NetworkError, ServedNetworks
from tests.support.toy_checkpoints import save_toy


@pytest.fixture(autouse=True)
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two toy networks in the place of the shipped ones."""
    for seed, name in enumerate(("one.v1", "two.v1")):
        save_toy(tmp_path / name, seed=seed)
    monkeypatch.setattr("cifar_core.checkpoint.checkpoints_dir", lambda: tmp_path)


def test_those_that_were_asked_have_a_speed() -> None:
    networks = ServedNetworks()
    assert networks.names == ["one.v1", "two.v1"] and networks.speeds == {}
    assert networks.get("two.v1").milliseconds > 0
    assert list(networks.speeds) == ["two.v1"]
    with pytest.raises(NetworkError, match=r"no network 'three' here; choose one of: one.v1, two.v1"):
        networks.get("three")


def test_two_who_ask_at_once_load_a_network_once() -> None:
    loaded: list[str | None] = []

    class Slow(Classifier):
        @classmethod
        def load(cls, name: str | None, *options: Any) -> Classifier:
            loaded.append(name)
            time.sleep(0.05)
            return super().load(name, *options)

    networks = ServedNetworks(kind=Slow)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(networks.get, ["two.v1", "two.v1"])
    assert loaded == ["two.v1"] and first is second
