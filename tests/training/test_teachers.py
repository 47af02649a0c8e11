"""Teachers answer with the mean of their probabilities, and a step moves towards that by its share."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from cifar_core.checkpoint import UnknownCheckpoint
from cifar_core.config import ConfigError, TrainConfig
from cifar_core.data import CLASS_NAMES
from cifar_core.device import Device
from cifar_core.inference.classifier import Classifier
from cifar_core.training.teachers import Teachers
from cifar_core.training.trainer import Trainer
from tests.support.toy_checkpoints import save_toy
from tests.support.toy_trainers import DEVICE, tiny_net, toy_config, train_batches


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("teachers")
    return [save_toy(root / "first", seed=1), save_toy(root / "second", seed=2, mean=[0.1, 0.2, 0.3])]


def teachers_of(*folders, names=CLASS_NAMES):
    return Teachers.of(TrainConfig(teachers=",".join(map(str, folders))), names, DEVICE)


def test_the_answer_is_the_mean_of_what_each_says_of_the_images(folders):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 3, 32, 32), np.uint8)
    expected = np.mean([Classifier.load(folder, "cpu").probs(pixels) for folder in folders], axis=0)
    answers = teachers_of(*folders)(torch.from_numpy(pixels))
    np.testing.assert_allclose(answers.numpy(), expected, atol=1e-5)
    assert not answers.requires_grad
    torch.testing.assert_close(teachers_of(*folders)(torch.from_numpy(pixels).float()), answers)


def test_without_names_there_are_none():
    assert teachers_of() is None


def test_a_teacher_that_is_not_there_or_knows_other_classes_is_refused(folders, tmp_path):
    with pytest.raises(UnknownCheckpoint, match="gone"):
        teachers_of(folders[0], tmp_path / "gone")
    with pytest.raises(ConfigError, match="first"):
        teachers_of(folders[0], names=CLASS_NAMES[::-1])


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_step_learns_from_labels_and_teachers_by_their_shares(share):
    images, targets = next(train_batches().epoch(1))
    taught = torch.rand(8, 4, generator=torch.Generator().manual_seed(0)).softmax(dim=1)
    model = tiny_net()
    trainer = Trainer(model, toy_config(distillation=share, label_smoothing=0.1), DEVICE, 5)
    logits = model(images)
    expected = (1 - share) * cross_entropy(logits, targets, label_smoothing=0.1)
    expected = expected + share * cross_entropy(logits, taught)
    gradients = torch.autograd.grad(expected, list(model.parameters()))
    before = [parameter.detach().clone() for parameter in model.parameters()]
    trainer.train_step(images, targets, taught)
    assert trainer.epoch_sums.means()[0] == pytest.approx(expected.item(), rel=1e-5)
    for parameter, old, gradient in zip(model.parameters(), before, gradients, strict=True):
        assert torch.dot((old - parameter).flatten(), gradient.flatten()) >= 0


def test_teachers_lie_on_the_device_that_is_trained_on(folders):
    device = (
        dataclasses.replace(DEVICE)
        if not torch.cuda.is_available()
        else Device(torch.device("cuda"), "fp32", "")
    )
    model, _ = Teachers.of(TrainConfig(teachers=str(folders[0])), CLASS_NAMES, device).members[0]
    assert next(model.parameters()).device.type == device.torch_device.type
    assert not model.training
