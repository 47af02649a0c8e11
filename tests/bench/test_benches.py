"""Each benchmark in miniature: who is compared with whom, and what is said without torchvision."""

import dataclasses
import json

import pytest
import torch
from torch import nn

from cifar_core.bench import inference, mixing, report, training
from cifar_core.bench.mixing import bench_mixing, chosen_form, layers_of
from cifar_core.bench.plain import (
    TutorialSteps,
    as_tutorials_write,
    tutorial_loader,
    with_form,
    with_plain_convolutions,
)
from cifar_core.bench.report import WIDTH
from cifar_core.bench.training import bench_train, measure_all
from cifar_core.config import ConfigError, TrainConfig
from cifar_core.data.dataset import silent
from cifar_core.device import find_device
from cifar_core.estimate.steps import Steps, drawn_images
from cifar_core.estimate.timing import Budget
from cifar_core.images.decode import decode_image
from cifar_core.inference.classifier import Classifier
from cifar_core.models import create_model, register_model
from cifar_core.models.convolution import Conv2d
from cifar_core.models.mixing import MixingConv2d
from cifar_core.models.ops import mix, winograd
from cifar_core.models.ops.mix import FORMS
from cifar_core.models.registry import _BUILDERS
from cifar_core.recipes import Recipe
from cifar_core.runs.store import RunStore
from tests.support.toy_checkpoints import save_toy

pytestmark = pytest.mark.slow

TOY = TrainConfig(
    recipe="toy",
    model="mixing_lite",
    model_args={"widths": [4, 8], "num_kernels": 2},
    data="synthetic",
    val_size=500,
    batch_size=20,
    epochs=2,
    precision="fp32",
)
WITHOUT = "torchvision is not installed"


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "runs")


@pytest.fixture
def toy_network():
    """A registered network of two small mixing blocks."""

    def toy_mixing(num_classes: int = 10):
        return create_model("mixing_lite", num_classes=num_classes, **TOY.model_args)

    register_model(toy_mixing)
    yield "toy_mixing"
    del _BUILDERS["toy_mixing"]


@pytest.fixture
def without_torchvision(monkeypatch):
    for module in (inference, training):
        monkeypatch.setattr(module, "has_torchvision", lambda: False)


def names(section):
    return [row.name for row in section.rows]


def check(report):
    """What holds for every report."""
    json.dumps(report.to_json(), allow_nan=False)
    text = report.to_text()
    assert max(map(len, text.splitlines())) <= WIDTH
    assert " ".join(text.split()).endswith(report.conclusion) and report.conclusion.endswith(".")
    assert {"threads", "device", "precision", "versions", "load"} <= report.setting.keys()
    assert report.setting["versions"].keys() >= {"python", "torch", "numpy", "pillow"}
    for section in report.sections:
        for row in section.rows:
            for figure in row.figures.values():
                assert 0 < figure.low <= figure.median <= figure.high and figure.n >= 1


# mixing


def test_mixing_is_compared_as_shipped_with_the_loop_and_with_plain_convolutions(store, toy_network):
    report = bench_mixing(TrainConfig(model=toy_network, batch_size=4), 20, 0.0, store, silent)
    check(report)
    step, layers = report.sections
    assert names(step) == [mixing.SHIPPED, mixing.LOOP, mixing.PLAIN, mixing.TORCHS]
    assert [row.name for row in layers.rows] == [str(one) for one in layers_of(create_model(toy_network), 20)]
    assert "at 20×20" in step.title and "at 20×20" in layers.rows[0].name
    assert all(row.figures.keys() == {"plain", *FORMS} for row in layers.rows)
    assert all(row.note.removeprefix("chosen: ") in FORMS for row in layers.rows)


def test_a_network_that_does_not_mix_is_refused(store, monkeypatch):
    monkeypatch.setattr(mixing, "create_network", lambda config: nn.Sequential(nn.Flatten()))
    with pytest.raises(ConfigError, match="does not mix"):
        bench_mixing(TrainConfig(model="mixing_lite", batch_size=4), 32, 0.0, store, silent)


def test_the_variants_are_copies_that_answer_alike_or_plainly():
    network = create_model("mixing_lite", **TOY.model_args).eval()
    images = torch.randn(3, 3, 32, 32)
    looped = with_form(network, FORMS["loop"])
    with torch.no_grad():
        torch.testing.assert_close(looped(images), network(images))
    for kind in (nn.Conv2d, Conv2d):
        plain = with_plain_convolutions(network, kind)
        assert plain(images).shape == (3, 10)
        assert not [module for module in plain.modules() if isinstance(module, MixingConv2d)]
        assert {type(one) for one in plain.modules() if isinstance(one, nn.Conv2d)} == {nn.Conv2d, kind}
    assert [module for module in network.modules() if isinstance(module, MixingConv2d)]


@pytest.mark.parametrize("name", ["speed94", "speed_mixing"])
def test_tutorials_write_the_same_network_with_torchs_convolutions_alone(name, monkeypatch):
    network = create_model(name, widths=[8, 16])
    written = as_tutorials_write(network)
    monkeypatch.setattr(winograd, "GAIN", 0.0)  # ours would always go by tiles
    monkeypatch.setattr(mix, "choose_form", lambda *_: "winograd")
    monkeypatch.setattr(winograd, "winograd_conv2d", None)
    monkeypatch.setattr(winograd, "winograd_mix", None)
    images = torch.randn(3, 3, 32, 32)
    result = written(images)
    result.sum().backward()
    with pytest.raises(TypeError):
        network(images)
    monkeypatch.undo()
    torch.testing.assert_close(network(images), result, rtol=1e-4, atol=1e-5)


def test_the_chosen_form_is_the_one_that_the_operator_calls():
    layer = layers_of(create_model("mixing_lite", **TOY.model_args))[1]
    device = find_device("fp32", only_cpu=True)
    before = dict(FORMS)
    assert chosen_form(layer, layer.tensors(1, device.torch_device), device) in FORMS
    assert before == FORMS


# train


def test_a_recipe_is_compared_with_the_tutorial_and_its_time_is_told(store):
    pytest.importorskip("torchvision")
    toy, longer = Recipe("toy", "", TOY), Recipe("longer", "", TOY.replace(epochs=9))
    report = bench_train(toy, [toy, longer], 0.0, store, silent)
    check(report)
    steps, times = report.sections
    assert names(steps) == [training.SHIPPED, training.OWN_LOOP, training.TUTORIAL]
    assert names(times) == ["toy", "longer"]
    assert times.rows[0].figures["seconds"].median < times.rows[1].figures["seconds"].median
    assert "the loop of the tutorials" in report.conclusion


def test_training_without_torchvision_says_so(store, without_torchvision):
    toy = Recipe("toy", "", TOY)
    report = bench_train(toy, [toy], 0.0, store, silent)
    check(report)
    assert names(report.sections[0]) == [training.SHIPPED, training.OWN_LOOP]
    assert len(report.left_out) == 1 and WITHOUT in report.left_out[0]


def test_recipes_with_the_same_step_are_measured_once(monkeypatch):
    measured = []
    monkeypatch.setattr(training, "measure", lambda config, *_: measured.append(config) or len(measured))
    configs = [TOY, TOY.replace(epochs=7), TOY.replace(batch_size=40)]
    assert measure_all(configs, Budget.start(1.0), False, silent) == [1, 1, 2]
    assert len(measured) == 2


def test_a_step_trains_on_whole_batches_of_the_size_that_is_asked_for():
    steps = Steps(TOY.replace(batch_size=700), find_device("fp32", only_cpu=True))
    seen = []
    steps.trainer.train_step = lambda images, targets: seen.append((images.shape, len(targets)))  # type: ignore[method-assign]
    for size in (32, 16, 32, 32):
        steps.step(size)
    assert seen == [((700, 3, size, size), 700) for size in (32, 16, 32, 32)]


def test_the_loop_of_the_tutorials_learns():
    pytest.importorskip("torchvision")
    pictures = drawn_images(100)
    loader = tutorial_loader(pictures.images, pictures.targets, TOY.replace(batch_size=50), workers=0)
    model = create_model("mixing_lite", **TOY.model_args)
    before = [parameter.clone() for parameter in model.parameters()]
    steps = TutorialSteps(model, loader, torch.device("cpu"))
    for _ in range(3):  # more than an epoch
        steps.step()
    assert steps.running_loss > 0
    assert any(not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


# infer


def test_answers_are_compared_with_the_plain_way(store, tmp_path):
    pytest.importorskip("torchvision")
    save_toy(tmp_path / "toy", class_names=["yes", "no"])
    report = inference.bench_infer(str(tmp_path / "toy"), 0.0, store, silent, batch=3)
    check(report)
    assert len(report.sections) == 2 * len({1, torch.get_num_threads()})
    for section in report.sections:
        assert names(section)[:2] == [inference.PLAIN, inference.SHIPPED]
    assert torch.get_num_threads() == report.setting["threads"]


def test_pictures_of_which_it_is_sure_and_unsure_are_timed_apart(store, tmp_path):
    save_toy(tmp_path / "toy", tta=6, tta_below=0.5)
    report = inference.bench_infer(str(tmp_path / "toy"), 0.0, store, silent, batch=3)
    check(report)
    sure, unsure = (section.title for section in report.sections[:2])
    assert "it is sure" in sure and "unsure (6 views)" in unsure
    assert "one of which it is unsure in" in report.conclusion
    (surest,), (least,) = list(inference.single_pictures(tmp_path / "toy").values())
    classifier = Classifier.load(tmp_path / "toy")
    classifier.card = dataclasses.replace(classifier.card, tta=1)
    tops = [classifier.probs([decode_image(data)]).max() for data in (surest, *inference.jpegs(50), least)]
    assert tops[0] == max(tops) and tops[-1] == min(tops)


def test_answers_without_torchvision(store, tmp_path, without_torchvision):
    save_toy(tmp_path / "toy")
    report = inference.bench_infer(str(tmp_path / "toy"), 0.0, store, silent, batch=3)
    check(report)
    assert names(report.sections[0])[0] == inference.SHIPPED
    assert WITHOUT in report.left_out[0]


def test_a_broken_torchvision_counts_as_missing(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torchvision.transforms", None)
    assert not report.has_torchvision()
