"""A folder of photographs gives the figures of the answers to its pictures, or says what is wrong."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from cifar_core.config import ConfigError
from cifar_core.images.decode import ImageError, open_image
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.photographs import evaluate_photographs
from cifar_core.metrics.ood import SCORE, OodThreshold, fit_reference
from cifar_core.models.blocks import block_names
from tests.support.toy_checkpoints import save_toy

FOLDERS = {"cat": 3, "truck": 2, "none_far": 4, "none_near": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root, generator = tmp_path_factory.mktemp("photographs"), np.random.default_rng(0)
    (root / "README.md").write_text("what these are")
    for name, count in FOLDERS.items():
        (root / name).mkdir()
        for number in range(count):
            pixels = generator.integers(0, 256, (70, 40 + 10 * number, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number}.{'png' if number else 'JPG'}", "PNG")
    return root


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    plain = Classifier.load(save_toy(tmp_path_factory.mktemp("toys") / "toy"), "cpu")
    blocks = Classifier(plain.model, plain.card, "cpu", blocks=block_names(plain.model))
    images = np.random.default_rng(1).integers(0, 256, (60, 3, 32, 32), np.uint8)
    reference = fit_reference(blocks.measure(images), blocks.measure(images[::2]))
    card = dataclasses.replace(plain.card, ood=OodThreshold(SCORE, 0.0, 0.5, 30, "val"))
    return Classifier(plain.model, card, "cpu", reference=reference)


def test_figures_are_those_of_the_answers(classifier, folder):
    result = evaluate_photographs(classifier, folder, np.zeros((9, 3, 32, 32), np.uint8))
    found = {
        name: [classifier.predict([open_image(path)])[0] for path in sorted((folder / name).iterdir())]
        for name in FOLDERS
    }
    known = [(name, answer) for name in ("cat", "truck") for answer in found[name]]
    right = [name == answer.label for name, answer in known]
    assert (result.accuracy.value, result.accuracy.n) == (pytest.approx(np.mean(right)), 5)
    none = [answer.known is False for _, answer in known]
    assert result.called_none.value == pytest.approx(np.mean(none))
    assert set(result.others) == {"far", "near"}
    for kind, others in result.others.items():
        scores = [answer.ood_score for answer in found[f"none_{kind}"]]
        pairs = [high > answer.ood_score for high in scores for _, answer in known]
        assert others.auroc.value == pytest.approx(np.mean(pairs))
        assert others.called_none.n == FOLDERS[f"none_{kind}"]
        tops = [answer.top[0][1] for answer in found[f"none_{kind}"]]
        pairs = [low < answer.top[0][1] for low in tops for _, answer in known]
        assert others.baselines["max_softmax"].value == pytest.approx(np.mean(pairs), abs=1e-6)
        assert set(others.baselines) == {"max_softmax", "energy", "knn"}


@pytest.mark.parametrize(
    ("name", "file", "words"),
    [
        ("zebra", "1.png", "zebra is not a class"),
        ("dog", None, "dog holds no picture"),
        ("dog", "1.txt", "dog holds no picture"),
    ],
)
def test_a_folder_that_does_not_fit_is_named(classifier, tmp_path, name, file, words):
    (tmp_path / name).mkdir()
    if file:
        Image.new("RGB", (40, 40)).save(tmp_path / name / file, "PNG")
    with pytest.raises(ConfigError, match=words):
        evaluate_photographs(classifier, tmp_path)


def test_no_class_no_folder_and_a_broken_picture_are_told_apart(classifier, tmp_path):
    (tmp_path / "none_far").mkdir()
    with pytest.raises(ConfigError, match="no folder of a class"):
        evaluate_photographs(classifier, tmp_path)
    with pytest.raises(ConfigError, match="There is no folder"):
        evaluate_photographs(classifier, tmp_path / "gone")
    (tmp_path / "none_far").rmdir()
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"broken\.jpg"):
        evaluate_photographs(classifier, tmp_path)
