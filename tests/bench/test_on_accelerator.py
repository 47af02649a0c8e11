"""What is measured on an accelerator is kept row by row, whatever fails, and ends in time."""

import json

import pytest

from cifar_core.bench.mixing import Layer
from tests.tools import on_accelerator as subject

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def short(monkeypatch):
    """Little to measure; smoke stands for speed94, and CIFAR-10 is not asked for."""
    smoke = subject.get_recipe("smoke")
    monkeypatch.setattr(subject, "LAYERS", [Layer(2, 3, 4, 3, 1, 1, 8)])
    monkeypatch.setattr(subject, "WAYS", {"as it is": None, "bad": {"mode": "no such mode"}})
    monkeypatch.setattr(subject, "ROUNDS", 1)
    monkeypatch.setattr(subject, "TESTS", ["tests/test_format.py"])
    monkeypatch.setattr(subject, "load_data", lambda **_: None)
    monkeypatch.setattr(subject, "get_recipe", lambda name: smoke)
    ours = subject.training
    monkeypatch.setattr(subject, "training", lambda name, out: ours("smoke", out))


def test_figures_are_kept_after_each_row(tmp_path, monkeypatch):
    monkeypatch.setattr(subject, "commands", lambda scripts, out: [("bad", ["no_module"])])
    subject.main(tmp_path / "out", [], 300.0)
    figures = json.loads((tmp_path / "out/figures.json").read_text())
    assert figures["tests"] == 0 and figures["speed94"] == 0 and figures["bad"] == 1
    assert {one["form"] for one in figures["mixing"]} == set(subject.FORMS)
    assert all(one["error"] < 0.05 and one["ms"] > 0 for one in figures["mixing"])
    good, bad = figures["steps"]
    assert good["ms"] > 0 and "trouble" not in good and "no such mode" in bad["trouble"]
    assert "accuracy" in (tmp_path / "out/speed94.txt").read_text()


def test_what_would_take_too_long_is_ended(tmp_path):
    said = subject.call(["timeit", "-n", "1", "import time; time.sleep(60)"], tmp_path / "out.txt", 0.5)
    assert said == "the time was up"


def test_a_training_step_is_timed_at_each_size_of_the_recipe(monkeypatch):
    monkeypatch.setattr(subject, "WAYS", {"as it is": None})
    config = subject.get_recipe("smoke").config.replace(image_sizes=(16, 20, 20))
    found = list(subject.steps(config, subject.find_device("auto")))
    assert [(one["way"], one["size"]) for one in found] == [("as it is", 16), ("as it is", 20)]
