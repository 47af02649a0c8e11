"""The networks that the page answers with: offered by name, loaded once however many ask."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cifar_core.inference import backends
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.onnx_backend import OnnxNetwork
from demo.classify import networks as networks_module
from demo.classify.networks import NetworkError, ServedNetworks, quicken
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


@pytest.mark.slow
def test_a_network_answers_at_once_and_later_through_the_quicker_backend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIFAR_LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(backends, "quicker", lambda other, _: other)
    classifier = ServedNetworks(quick=True).get("one.v1").classifier
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32), np.uint8)
    expected = Classifier.load("one.v1", "cpu").probs(pixels)
    assert classifier.probs(pixels) == pytest.approx(expected, abs=1e-5)
    end = time.monotonic() + 100
    while not isinstance(classifier.network, OnnxNetwork) and time.monotonic() < end:
        time.sleep(0.1)
    assert isinstance(classifier.network, OnnxNetwork), "another process has written the graph"
    assert classifier.probs(pixels) == pytest.approx(expected, abs=1e-5)

    monkeypatch.setattr(networks_module.subprocess, "run", None)  # the next start needs none
    again = Classifier.load("one.v1", "cpu")
    quicken(again, tmp_path / "one.v1")
    assert isinstance(again.network, OnnxNetwork)


def test_without_its_packages_a_network_goes_on_with_torch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CIFAR_LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(networks_module, "EXPORT", "raise ImportError('onnx')")
    classifier = Classifier.load("two.v1", "cpu")
    before = classifier.network
    quicken(classifier, tmp_path / "two.v1")
    assert classifier.network is before
