"""The deletion test: its falls are what they are defined to be, and a map that knows more falls further."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import softmax

from cifar_core.explain.corruptions import corrupt_by
from cifar_core.explain.deletion import DEVIATION, METHODS, SHARE, hottest, measure_deletion
from cifar_core.inference.classifier import Classifier
from cifar_core.models import ImageClassifier
from tests.support.toy_checkpoints import CARD, save_toy


def random_images(count: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 3, 32, 32), dtype=np.uint8)


def test_the_hottest_quarter_is_a_quarter_also_of_a_flat_map():
    maps = torch.stack([torch.arange(1024.0).view(32, 32), torch.zeros(32, 32)])
    gone = hottest(maps, torch.Generator().manual_seed(0))
    assert gone.sum(dim=(1, 2)).tolist() == [256, 256]
    assert gone[0, 24:].all() and not gone[0, :24].any()
    assert gone[1].any(dim=1).sum() > 28 and gone[1].any(dim=0).sum() > 28, "equal pixels go by their place"


def test_a_fall_is_the_answers_probability_before_less_that_after(tmp_path):
    classifier = Classifier.load(save_toy(tmp_path / "toy"), device="cpu")
    images = random_images(6)
    upper = np.zeros((32, 32), bool)
    upper[: int(32 * SHARE)] = True

    def rank(_: Classifier, pixels: Tensor, __: Tensor, ___: torch.Generator) -> Tensor:
        return torch.from_numpy(upper).float().expand(len(pixels), -1, -1)

    measured = measure_deletion(classifier, images, "six", {"upper": rank})
    changed = np.where(upper, corrupt_by(images, "blur", DEVIATION), images)
    before, after = (softmax(torch.tensor(classifier.logits(x)), dim=1).numpy() for x in (images, changed))
    rows, classes = np.arange(6), before.argmax(axis=1)
    falls = before[rows, classes] - after[rows, classes]
    assert measured.falls["upper"].value == pytest.approx(falls.mean(), abs=1e-6)
    assert measured.falls["upper"].error == pytest.approx(falls.std(ddof=1) / 6**0.5, abs=1e-6)
    assert measured.probability == pytest.approx(before[rows, classes].mean(), abs=1e-6)
    assert (measured.images, measured.n, measured.weights) == ("six", 6, classifier.version)


class Spot(ImageClassifier):
    """Class 0 is a bright spot in the lower right corner, class 1 whatever has none."""

    num_classes = 2

    def __init__(self) -> None:
        super().__init__()
        self.part = nn.Identity()

    def forward_features(self, images: Tensor) -> Tensor:
        features: Tensor = self.part(images)
        return features

    def forward_head(self, features: Tensor) -> Tensor:
        spot = features[:, :, 26:, 26:].mean(dim=(1, 2, 3))
        return 8 * torch.stack([spot, 0 * spot], dim=1)


def test_a_map_that_finds_the_subject_makes_the_answer_fall_furthest():
    images = np.zeros((40, 3, 32, 32), np.uint8)
    images[:, :, 26:, 26:] = 255
    classifier = Classifier(Spot(), dataclasses.replace(CARD, class_names=["spot", "none"]), "cpu")
    falls = measure_deletion(classifier, images).falls
    assert falls["heat map"].value > 2 * falls["random patches"].value > 0
    assert falls["disc"].value == pytest.approx(0, abs=1e-6)
    assert measure_deletion(classifier, images, methods=METHODS).falls == falls, "another draw of patches"
