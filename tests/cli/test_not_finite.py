"""Weights that overflow: every command that asks the network says so in one sentence, and keeps nothing."""

import pytest
from PIL import Image
from safetensors.torch import load_file, save_file

from cifar_core.checkpoint import WEIGHTS
from cifar_core.datasets import SYNTHETIC
from tests.support.toy_checkpoints import save_toy

COMMANDS = {
    "predict": ("predict", "{picture}", "--checkpoint", "{network}"),
    "evaluate": ("evaluate", "--checkpoint", "{network}"),
    "calibrate": ("calibrate", "{network}"),
    "prepare": ("prepare", "{network}"),
    "export": ("export", "--checkpoint", "{network}", "--output", "{folder}/x.onnx"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_it_is_said_and_nothing_is_kept(name, call, tmp_path):
    if name == "export":
        pytest.importorskip("onnxscript")
    config, names = {"data": "synthetic", "val_size": 100}, list(SYNTHETIC.class_names)
    network = save_toy(tmp_path / "toy", config=config, class_names=names)
    weights = load_file(network / WEIGHTS)
    huge = {
        key: 1e30 * one if one.is_floating_point() and one.ndim > 1 else one for key, one in weights.items()
    }
    save_file(huge, network / WEIGHTS)
    Image.effect_noise((64, 64), 60).convert("RGB").save(picture := tmp_path / "noise.png")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    places = {"network": network, "picture": picture, "folder": tmp_path}
    code, out, err = call(*(part.format(**places) for part in COMMANDS[name]))
    assert code == 1 and "not finite" in err and "Traceback" not in err and "nan" not in out
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
