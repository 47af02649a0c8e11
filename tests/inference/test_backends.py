"""Backends answer as the network does, for one image and for many, or say in one sentence why not."""

import dataclasses
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from cifar_core.checkpoint import load_checkpoint
from cifar_core.errors import InferenceError
from cifar_core.inference import onnx_backend
from cifar_core.inference.backends import TYPICAL, has_graph, network_for, quicker
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.quick_mixing import FEW_IMAGES, QuickMixingConv2d
from cifar_core.models import create_model
from cifar_core.models.mixing import MixingConv2d
from tests.inference.test_folding import shaken
from tests.support.toy_checkpoints import save_toy

CPU = torch.device("cpu")
PACKAGES = ("onnxruntime", "onnx", "onnxscript")


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    return save_toy(tmp_path_factory.mktemp("toys") / "toy")


@pytest.fixture(scope="module")
def graphs(tmp_path_factory):
    """The cache of this file's tests: a network is exported once."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CIFAR_LAB_CACHE", str(folder))
        yield folder / "graphs"


@pytest.fixture(scope="module")
def onnx(toy, graphs):
    for name in PACKAGES:
        pytest.importorskip(name)
    return Classifier.load(toy, backend="onnxruntime")


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (12, 3, 32, 32), np.uint8)


# Torch


@pytest.mark.parametrize("n", [1, 2, FEW_IMAGES, FEW_IMAGES + 1])
@pytest.mark.parametrize("name", ["mixing_lite", "speed_mixing", "deep_mixing"])
def test_the_quick_network_answers_as_the_slow_one(name, n):
    torch.manual_seed(0)
    arguments = {"widths": [8, 12]} if name == "mixing_lite" else {"widths": [8, 12, 12]}
    model = shaken(create_model(name, **arguments), positive=True).requires_grad_(False)
    images = torch.randn(n, 3, 32, 32)
    with model.record_mixing() as expected_mixing:
        expected = model(images)
    logits, mixing = network_for(model, CPU)(images)
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-4)
    assert len(mixing) == len(expected_mixing) == len(model.mixing_blocks())
    for mine, other in zip(mixing, expected_mixing, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("side", "stride", "padding"), [(3, 1, 1), (3, 2, 1), (2, 1, 0), (5, 3, 2), (1, 1, 0)]
)
@torch.no_grad()
def test_a_quick_convolution_is_the_convolution(side, stride, padding):
    torch.manual_seed(0)
    convolution = MixingConv2d(4, 6, side, stride, padding, num_kernels=3).double().eval()
    x = torch.randn(2, 4, 9, 11, dtype=torch.float64)
    for images in (x, x.contiguous(memory_format=torch.channels_last)):
        torch.testing.assert_close(QuickMixingConv2d(convolution)(images), convolution(images))


def test_the_callers_threads_stay_as_they_are(toy):
    before = torch.get_num_threads()
    Classifier.load(toy, CPU)
    assert torch.get_num_threads() == before


def test_an_unknown_backend_is_refused_with_those_that_exist(toy):
    with pytest.raises(InferenceError, match="no backend 'tensorrt'; the backends are auto, torch, onnx"):
        Classifier.load(toy, CPU, "tensorrt")


# ONNX Runtime


def test_onnx_runtime_answers_as_torch(onnx, pixels):
    assert isinstance(onnx.network, onnx_backend.OnnxNetwork)
    torch_one = Classifier(onnx.model, onnx.card, CPU)
    for images in (pixels[:1], pixels[:3], pixels):
        (logits, mixing), (expected, expected_mixing) = (
            one.run(torch.from_numpy(images)) for one in (onnx, torch_one)
        )
        torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)
        for mine, other in zip(mixing, expected_mixing, strict=True):
            torch.testing.assert_close(mine, other, atol=1e-4, rtol=0)
    answer, expected = (one.predict(pixels[:1])[0] for one in (onnx, torch_one))
    assert answer.label == expected.label and list(answer.mixing) == list(expected.mixing)


def test_views_are_averaged_in_onnx_runtime_too(onnx, pixels, graphs):
    card = dataclasses.replace(onnx.card, tta=6, tta_below=0.5)
    both = [Classifier(onnx.model, card, CPU, backend) for backend in ("onnxruntime", "torch")]
    assert isinstance(both[0].network, onnx_backend.OnnxNetwork)
    assert both[0].probs(pixels[:1]) == pytest.approx(both[1].probs(pixels[:1]), abs=1e-5)


@pytest.mark.parametrize("place", [0, 1])
def test_auto_takes_the_quicker_one(place):
    asked = []

    def slow(images):
        asked.append(len(images))
        time.sleep(0.01)
        return images, []

    def quick(images):
        return images, []

    networks = [slow, slow]
    networks[place] = quick
    assert quicker(*networks) is quick and set(asked) == set(TYPICAL)


def test_auto_answers_as_torch_whichever_it_takes(onnx, pixels):
    expected = Classifier(onnx.model, onnx.card, CPU).probs(pixels)
    assert Classifier(onnx.model, onnx.card, CPU, "auto").probs(pixels) == pytest.approx(expected, abs=1e-5)


def onnx_of(graph: bytes) -> SimpleNamespace:
    """What an export gives, with this content."""
    return SimpleNamespace(SerializeToString=lambda: graph)


def test_a_second_load_exports_nothing(onnx, toy, graphs, monkeypatch):
    assert [path.suffix for path in graphs.iterdir()] == [".onnx"]
    assert has_graph(onnx.model, onnx.blocks) and not has_graph(onnx.model, ["stem"])
    monkeypatch.setattr(onnx_backend, "onnx_model", None)
    Classifier.load(toy, backend="onnxruntime")


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_graph_that_is_damaged_is_exported_anew(onnx, toy, graphs, monkeypatch, share):
    (path,) = graphs.glob("*.onnx")
    graph = path.read_bytes()
    path.write_bytes(graph[: int(share * len(graph))])
    monkeypatch.setattr(onnx_backend, "onnx_model", lambda *_, **__: onnx_of(graph))
    assert isinstance(Classifier.load(toy, backend="onnxruntime").network, onnx_backend.OnnxNetwork)
    assert path.read_bytes() == graph


def test_a_graph_that_answers_differently_is_refused(onnx, toy, graphs, monkeypatch):
    (path,) = graphs.glob("*.onnx")
    graph = path.read_bytes()
    monkeypatch.setattr(onnx_backend, "onnx_model", lambda *_, **__: onnx_of(graph))
    another = save_toy(toy.with_name("another"), seed=1)
    with pytest.raises(InferenceError, match="answers differently"):
        Classifier.load(another, backend="onnxruntime")
    assert [kept.name for kept in graphs.iterdir()] == [path.name]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_missing_package_is_named_with_what_to_install(toy, tmp_path, monkeypatch, package):
    monkeypatch.setenv("CIFAR_LAB_CACHE", str(tmp_path))
    monkeypatch.setattr(onnx_backend, "find_spec", lambda name: None if name == package else sys)
    words = f"needs {package}: pip install onnxruntime onnx onnxscript"
    with pytest.raises(InferenceError, match=words) as refused:
        Classifier.load(toy, backend="onnxruntime")
    assert len(str(refused.value).splitlines()) == 1
    assert not isinstance(Classifier.load(toy, CPU, "auto").network, onnx_backend.OnnxNetwork)


def test_what_cannot_be_exported_goes_through_torch(toy, tmp_path, monkeypatch, pixels):
    for name in PACKAGES:
        pytest.importorskip(name)
    monkeypatch.setenv("CIFAR_LAB_CACHE", str(tmp_path))

    def fail(*arguments, **options):
        raise RuntimeError("no such operator\nand more")

    monkeypatch.setattr(torch.onnx, "export", fail)
    model, card = load_checkpoint(toy)
    with pytest.raises(InferenceError, match=r"cannot be exported \(no such operator\)"):
        Classifier(model, card, CPU, "onnxruntime")
    expected = Classifier(model, card, CPU).probs(pixels)
    assert Classifier(model, card, CPU, "auto").probs(pixels) == pytest.approx(expected)


def test_onnx_runtime_is_for_the_cpu():
    with pytest.raises(InferenceError, match="runs on the CPU, not on meta"):
        network_for(create_model("mixing_2"), torch.device("meta"), "onnxruntime")
