"""Scores that are compared are those of the pictures' crops, and unknown classes are those never learned."""

import numpy as np
import pytest
import torch
from PIL import Image

from cifar_core.config import ConfigError
from cifar_core.data.synthetic import SHAPE_NAMES, make_synthetic
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.crops import crops_of
from cifar_core.inference.ood_comparison import Scorer, compare_on_unknown_classes, logits_and_features
from cifar_core.metrics.ood import energy
from cifar_core.metrics.ood_comparison import NEIGHBOR, auroc
from cifar_core.models import create_model, list_models
from tests.support.toy_checkpoints import save_toy

KNOWN = ["ring", "disk", "checks"]  # in an order of their own


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    config = {"data": "synthetic", "classes": ",".join(KNOWN), "val_size": 60}
    folder = save_toy(tmp_path_factory.mktemp("toys") / "toy", class_names=KNOWN, config=config)
    return Classifier.load(folder, "cpu")


def test_scores_of_a_large_picture_are_the_means_over_its_crops(classifier):
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (2, 90, 120, 3), dtype=np.uint8)
    pictures = [Image.fromarray(pixels[0]), Image.fromarray(pixels[1][:40, :40])]
    scorer = Scorer(classifier, generator.integers(0, 256, (20, 3, 32, 32), dtype=np.uint8))
    scores = scorer.scores(pictures, classifier.predict(pictures))
    assert list(scores) == ["max_softmax", "energy", "knn"]  # this network has no OOD score
    found = crops_of(pictures)
    crops = found.pixels
    assert found.owners.tolist() == [0, 0, 1]
    alone = scorer.scores(crops, classifier.predict(crops))
    for name in ("energy", "knn"):
        means = [alone[name][:2].mean(), alone[name][2]]
        assert scores[name] == pytest.approx(means, abs=1e-5)
    assert scores["max_softmax"] == pytest.approx(-classifier.probs(pictures).max(axis=1), abs=1e-6)
    assert alone["energy"] == pytest.approx(energy(classifier.logits(crops)), abs=1e-4)


def test_an_image_that_was_learned_often_enough_is_near(classifier):
    images = make_synthetic(train_size=40).train.images
    learned = np.concatenate([images, np.repeat(images[:1], NEIGHBOR - 1, axis=0)])
    scorer = Scorer(classifier, learned)
    near = scorer.scores(images[:9], classifier.predict(images[:9]))["knn"]
    assert near[0] < 1e-3 < near[1:].min()
    assert "knn" not in Scorer(classifier).scores(images[:1], classifier.predict(images[:1]))


@pytest.mark.parametrize("name", list_models())
def test_every_network_has_a_layer_that_features_are_taken_before(name):
    model = create_model(name, num_classes=3).eval()
    logits, features = logits_and_features(model, torch.rand(2, 3, 32, 32))
    assert logits.shape == (2, 3) and features.shape[0] == 2 and features.shape[1] > 3


def test_unknown_classes_are_compared_with_known_ones(classifier):
    data = make_synthetic()
    for split, known, unknown in (("test", 150, 350), ("val", 60, 60)):
        result = compare_on_unknown_classes(classifier, data, split)
        assert result.known == KNOWN
        assert sorted([*result.known, *result.unknown]) == sorted(SHAPE_NAMES)
        assert list(result.auroc) == ["all", *result.unknown]
        assert {one.n for one in result.auroc["all"].values()} == {known + unknown}
        parts = sum(result.auroc[name]["energy"].n - known for name in result.unknown)
        assert parts == unknown
    scores = energy(classifier.logits(data.test.images))
    own = np.isin(data.test.targets, [SHAPE_NAMES.index(name) for name in KNOWN])
    square = data.test.targets == SHAPE_NAMES.index("square")
    measured = compare_on_unknown_classes(classifier, data).auroc["square"]["energy"]
    assert measured.value == pytest.approx(auroc(scores[own], scores[square]).value, abs=1e-3)


def test_a_network_that_knows_all_is_told_how_to_learn_fewer(tmp_path):
    folder = save_toy(tmp_path / "toy", class_names=list(SHAPE_NAMES), config={"data": "synthetic"})
    with pytest.raises(ConfigError, match="classes"):
        compare_on_unknown_classes(Classifier.load(folder, "cpu"), make_synthetic())
