"""The package from Python: quick to import, without effects, a network trained and used in three lines."""

import subprocess
import sys

import pytest
from PIL import Image

import cifar_core
from cifar_core.config import ConfigError
from cifar_core.data.synthetic import SHAPE_NAMES
from cifar_core.files import PROJECT_ROOT

TINY = {
    "model_args": {"widths": [4, 8], "num_kernels": 2},
    "train_size": 100,
    "val_size": 50,
    "batch_size": 50,
}


def python(script, **options):
    command = [sys.executable, "-W", "error", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout


def test_importing_is_quick_and_has_no_effect(tmp_path):
    script = (
        f"import sys; sys.path.insert(0, {str(PROJECT_ROOT)!r}); before = set(sys.modules)\n"
        "import os, random; environment, state = dict(os.environ), random.getstate()\n"
        "import cifar_core; dir(cifar_core)\n"
        "assert dict(os.environ) == environment and random.getstate() == state\n"
        "assert sum(os.times()[:2]) < 5, 'seconds of the processor, as others may keep the machine busy'\n"
        "print(sorted(name for name in set(sys.modules) - before if 'cifar' in name or name == 'torch'))"
    )
    assert python(script, cwd=tmp_path) == "['cifar_core']\n"
    assert list(tmp_path.iterdir()) == []


def test_light_names_do_not_bring_torch():
    script = (
        "import sys; from cifar_core import RunStore, TrainConfig, get_recipe, list_recipes, CLASS_NAMES\n"
        "print(get_recipe('smoke').config.recipe, len(CLASS_NAMES), 'torch' in sys.modules)"
    )
    assert python(script, cwd=PROJECT_ROOT) == "smoke 10 False\n"


def test_every_public_name_is_there():
    everything = {}
    exec("from cifar_core import *", everything)
    assert set(cifar_core.__all__) <= set(everything) & set(dir(cifar_core))
    assert len(set(cifar_core.__all__)) == len(cifar_core.__all__) <= 15
    assert all(everything[name] is getattr(cifar_core, name) for name in cifar_core.__all__)


def test_another_name_is_refused_with_those_there_are():
    with pytest.raises(AttributeError, match=r"no attribute 'fit'; it has: .*train"):
        _ = cifar_core.fit
    with pytest.raises(ImportError):
        exec("from cifar_core import fit")


def test_a_network_is_trained_and_used(tmp_path):
    run = cifar_core.train("smoke", runs_dir=tmp_path, epochs=1, **TINY)
    assert run.path.parent == tmp_path and run.status().state == "finished"
    assert [one.id for one in cifar_core.RunStore(tmp_path).list() if one.path.parent == tmp_path] == [run.id]
    classifier = cifar_core.Classifier.load(run.best_checkpoint)
    (prediction,) = classifier.predict([Image.new("RGB", (80, 60), "red")])
    assert isinstance(prediction, cifar_core.Prediction) and prediction.label in SHAPE_NAMES
    assert set(prediction.mixing) == {"B1", "B2", "B3"}
    model = cifar_core.create_model("mixing_lite", **TINY["model_args"])
    model.load_state_dict(classifier.model.state_dict())


def test_runs_lie_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_RUNS", str(tmp_path / "mine"))
    assert cifar_core.RunStore().root == tmp_path / "mine"
    monkeypatch.delenv("CIFAR_LAB_RUNS")
    assert cifar_core.RunStore().root == PROJECT_ROOT / "runs"


@pytest.mark.parametrize(
    ("recipe", "changes"),
    [("nothing", {}), ("smoke", {"colour": "red"}), ("smoke", {"epochs": 0}), ("smoke", {"lr": "high"})],
)
def test_wrong_settings_leave_nothing_behind(tmp_path, recipe, changes):
    with pytest.raises(ConfigError):
        cifar_core.train(recipe, runs_dir=tmp_path / "runs", **changes)
    assert not (tmp_path / "runs").exists()
