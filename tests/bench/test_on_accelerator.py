"""What is measured on an accelerator is kept part by part, whatever fails, and ends in time."""

import json

import pytest

from cifar_core.bench.mixing import Layer
from tests.tools import on_accelerator as subject

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(subject, "LAYERS", [Layer(2, 3, 4, 3, 1, 1, 8)])
    monkeypatch.setattr(subject, "WAYS", {"as it is": None})
    monkeypatch.setattr(subject, "ROUNDS", 1)
    monkeypatch.setattr(subject, "TESTS", ["tests/test_format.py"])


def test_figures_are_kept_after_each_part(tmp_path, monkeypatch):
    smoke = ["cifar_core", "train", "--recipe", "smoke", "--now", "--runs-dir", str(tmp_path / "runs")]
    monkeypatch.setattr(subject, "commands", lambda scripts, out: [("smoke", smoke), ("bad", ["no_module"])])
    monkeypatch.setattr(subject, "phases_of", lambda config: 1 / 0)
    subject.main(tmp_path / "out", [], 120.0)
    figures = json.loads((tmp_path / "out/figures.json").read_text())
    assert figures["tests"] == 0 and figures["smoke"] == 0 and figures["bad"] == 1
    assert figures["steps"].startswith("ZeroDivisionError")
    assert {one["form"] for one in figures["mixing"]} == set(subject.FORMS)
    assert all(one["error"] < 0.1 and one["ms"] > 0 for one in figures["mixing"])
    assert "accuracy" in (tmp_path / "out/smoke.txt").read_text()


def test_what_would_take_too_long_is_ended(tmp_path):
    said = subject.call(["timeit", "-n", "1", "import time; time.sleep(60)"], tmp_path / "out.txt", 0.5)
    assert said == "the time was up"


def test_a_training_step_is_timed_at_each_size_of_the_recipe():
    config = subject.get_recipe("smoke").config.replace(image_sizes=(16, 20, 20))
    found = list(subject.steps(config, subject.find_device("auto")))
    assert [(one["way"], one["size"]) for one in found] == [("as it is", 16), ("as it is", 20)]
