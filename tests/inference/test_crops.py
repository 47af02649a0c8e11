"""A large picture with a strange middle is looked at beside it; a sure answer is told with its place."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from cifar_core.images.crop import crop_box
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.crops import crops_of, parts_beside, small_copy
from cifar_core.inference.responses import prediction_response
from cifar_core.metrics.calibration import Sureness
from cifar_core.metrics.ood import SCORE, OodThreshold, fit_reference
from cifar_core.models.blocks import block_names
from tests.support.toy_checkpoints import save_toy


@pytest.mark.parametrize(
    ("size", "sides"),
    [
        ((100, 100), ["left", "right", "top", "bottom"]),
        ((160, 100), ["left", "left", "right", "right", "top", "bottom"]),
        ((100, 160), ["left", "right", "top", "top", "bottom", "bottom"]),
    ],
)
def test_parts_lie_where_they_are_said_to_lie(size, sides):
    parts = parts_beside(size)
    assert [part.side for part in parts] == sides
    for part in parts:
        left, top, right, bottom = crop_box(size, part.crop)
        edges = {"left": left, "top": top, "right": size[0] - right, "bottom": size[1] - bottom}
        assert min(edges.values()) >= 0 and edges[part.side] == 0


@pytest.fixture(scope="module")
def familiar():
    """A texture, uint8 (64, 64, 3)."""
    return np.random.default_rng(0).integers(0, 256, (4, 4, 3), np.uint8).repeat(16, 0).repeat(16, 1)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory, familiar):
    """A network that knows nothing but that texture, and is sure from 0."""
    plain = Classifier.load(save_toy(tmp_path_factory.mktemp("toys") / "toy"), "cpu")
    blocks = Classifier(plain.model, plain.card, "cpu", blocks=block_names(plain.model))
    looks = crops_of([Image.fromarray(familiar)]).pixels
    images = np.repeat(looks.numpy(), 10, axis=0)
    noisy = images + np.random.default_rng(1).integers(-6, 7, images.shape)
    measured = blocks.measure(noisy.clip(0, 255).astype(np.uint8))
    reference = fit_reference(measured, measured)
    limit = float(reference.ood_scores(blocks.measure(looks)).max()) + 1
    card = dataclasses.replace(
        plain.card, ood=OodThreshold(SCORE, limit, 0.0, 20, "val"), sure=Sureness(0.01, 1.0, 1.0, 20, "val")
    )
    return Classifier(plain.model, card, "cpu", reference=reference)


def test_what_is_familiar_at_the_right_is_found_there(classifier, familiar):
    wide = np.zeros((64, 200, 3), np.uint8)
    wide[:, :, 1], wide[:, -64:] = 255, familiar
    picture = Image.fromarray(wide)
    (answer,) = classifier.predict([picture])
    assert answer.known and answer.part and answer.part.side == "right" and not answer.sure
    assert prediction_response("a.png", answer, classifier)["side"] == "right"
    (middle,) = classifier.predict(crops_of([picture], beside=False))
    assert middle.known is False and middle.part is None


def test_a_small_copy_is_enough_and_keeps_small_pictures():
    assert small_copy(Image.new("RGB", (4000, 3000))).size == (174, 131)
    picture = Image.new("RGB", (300, 255))
    assert small_copy(picture) is picture


def test_what_is_kept_of_a_long_strip_is_a_few_squares():
    strip, small = crops_of([Image.new("RGB", (20_000, 200)), Image.new("RGB", (63, 300))]).beside
    assert strip.pixels.shape == (len(strip.parts), 3, 32, 32) and len(strip.parts) == 6
    assert small is None


def test_a_familiar_middle_is_not_left(classifier, familiar):
    (answer,) = classifier.predict([Image.fromarray(familiar)])
    assert answer.known and answer.part is None and answer.sure


def test_what_is_strange_all_over_stays_none_of_the_classes(classifier):
    (answer,) = classifier.predict([Image.new("RGB", (200, 80), (0, 255, 0))])
    assert answer.known is False and answer.part is None and not answer.sure
