"""An exported network answers as the checkpoint does, for any number of images, or nothing is written."""

import json
import sys

import numpy as np
import pytest
import torch

from cifar_core.checkpoint import CheckpointError, load_checkpoint
from cifar_core.cli import main
from cifar_core.errors import InferenceError
from cifar_core.inference import export as subject
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.export import PACKAGES, SumOfConvolutions, batch_free, export_onnx
from cifar_core.models import create_model
from cifar_core.models.mixing import MixingConv2d
from tests.inference.test_folding import shaken
from tests.support.toy_checkpoints import save_toy


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return save_toy(tmp_path_factory.mktemp("toys") / "toy")


@pytest.fixture(scope="module")
def exported(toy, tmp_path_factory):
    for name in PACKAGES:
        pytest.importorskip(name)
    return export_onnx(toy, tmp_path_factory.mktemp("exports") / "deep" / "toy.onnx")


@pytest.fixture
def session(exported):
    import onnxruntime

    return onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("batch", [1, 2, 7, 33])
def test_it_answers_as_the_classifier(session, toy, batch):
    classifier = Classifier.load(toy, "cpu")
    images = np.random.default_rng(batch).integers(0, 256, (batch, 3, 32, 32), np.uint8)
    logits, *mixing = session.run(None, {"pixels": images.astype(np.float32) / 255})
    expected, expected_mixing = classifier.run(torch.from_numpy(images))
    np.testing.assert_allclose(logits, expected.numpy(), atol=1e-4)
    assert len(mixing) == len(expected_mixing) > 0
    for mine, other in zip(mixing, expected_mixing, strict=True):
        np.testing.assert_allclose(mine, other.numpy(), atol=1e-4)


def test_it_says_what_goes_in_and_out(session, toy):
    model, card = load_checkpoint(toy)
    (given,) = session.get_inputs()
    assert (given.name, given.shape[1:]) == ("pixels", [3, 32, 32]) and isinstance(given.shape[0], str)
    blocks = [f"mixing_{name}" for name in model.mixing_blocks()]
    assert [one.name for one in session.get_outputs()] == ["logits", *blocks]
    told = session.get_modelmeta().custom_metadata_map
    assert json.loads(told["class_names"]) == card.class_names and told["model"] == card.model


@torch.no_grad()
@pytest.mark.parametrize(
    ("side", "stride", "padding", "activation"),
    [(3, 1, 1, "softmax"), (3, 2, 1, "sigmoid"), (2, 1, 0, "softmax"), (5, 3, 2, "sigmoid")],
)
def test_the_sum_of_convolutions_is_the_mixing_convolution(side, stride, padding, activation):
    torch.manual_seed(0)
    mixing = MixingConv2d(4, 6, side, stride, padding, num_kernels=3, activation=activation).double().eval()
    for images in (torch.randn(n, 4, 9, 11, dtype=torch.float64) for n in (1, 5)):
        torch.testing.assert_close(SumOfConvolutions(mixing)(images), mixing(images))


@torch.no_grad()
@pytest.mark.parametrize("name", ["plain_cnn_2", "mixing_2", "scale_resnet"])
def test_a_network_free_of_the_batch_answers_the_same(name):
    torch.manual_seed(0)
    model = shaken(create_model(name)).eval()
    images = torch.randn(3, 3, 32, 32)
    free = batch_free(model)
    torch.testing.assert_close(free(images), model(images), atol=1e-4, rtol=1e-4)
    pixels = torch.export.Dim("N")
    torch.export.export(free, (images,), dynamic_shapes=({0: pixels},))  # fails where N is fixed


@pytest.mark.parametrize("package", PACKAGES)
def test_a_missing_package_is_named_with_what_to_install(toy, tmp_path, monkeypatch, package):
    monkeypatch.setattr(subject, "find_spec", lambda name: None if name == package else sys)
    with pytest.raises(
        InferenceError, match=f"ONNX needs {package}: pip install onnx onnxruntime onnxscript"
    ):
        export_onnx(toy, tmp_path / "x.onnx")


def test_a_different_answer_is_not_written(toy, tmp_path, monkeypatch):
    for name in PACKAGES:
        pytest.importorskip(name)
    right = subject.SumOfConvolutions.forward
    monkeypatch.setattr(subject.SumOfConvolutions, "forward", lambda self, x: 1.01 * right(self, x))
    with pytest.raises(InferenceError, match="differs from torch's by"):
        export_onnx(toy, tmp_path / "x.onnx")
    assert list(tmp_path.iterdir()) == []


def test_what_torch_cannot_export_is_said_in_one_line(toy, tmp_path, monkeypatch):
    for name in PACKAGES:
        pytest.importorskip(name)

    def fail(*arguments, **options):
        raise RuntimeError("no such operator\nand more")

    monkeypatch.setattr(torch.onnx, "export", fail)
    with pytest.raises(InferenceError, match=r"cannot be exported \(no such operator\)"):
        export_onnx(toy, tmp_path / "x.onnx")


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InferenceError, match="cannot be written"):
        subject._write(b"graph", tmp_path / "file" / "x.onnx")


def test_a_damaged_checkpoint_is_said(tmp_path):
    for name in PACKAGES:
        pytest.importorskip(name)
    with pytest.raises(CheckpointError):
        export_onnx(tmp_path, tmp_path / "x.onnx")


def test_from_the_command_line(toy, tmp_path, capsys, monkeypatch):
    asked = []
    monkeypatch.setattr(
        subject, "export_onnx", lambda folder, output: asked.append((folder, output)) or folder / "card.json"
    )
    output = tmp_path / "toy.onnx"
    assert main(["export", "--checkpoint", str(toy), "--format", "onnx", "--output", str(output)]) == 0
    assert asked == [(toy, output)] and "checked against torch" in capsys.readouterr().out


def test_the_command_line_says_what_is_missing(toy, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(subject, "find_spec", lambda name: None)
    output = str(tmp_path / "toy.onnx")
    assert main(["export", "--checkpoint", str(toy), "--output", output]) == 1
    assert "error: ONNX needs onnx and onnxruntime and onnxscript" in capsys.readouterr().err
    assert main(["export", "--checkpoint", "nothing", "--output", output]) == 2
