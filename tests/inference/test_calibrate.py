"""Calibrating writes a temperature and a threshold that hold for the run's own validation images."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from cifar_core.checkpoint import OOD_REFERENCE, load_card
from cifar_core.config import ConfigError
from cifar_core.data import load_data, split_train_val
from cifar_core.inference.calibrate import calibrate_checkpoint
from cifar_core.inference.changed import changed, inner
from cifar_core.inference.classifier import Classifier
from cifar_core.metrics.calibration import FEW, FEWEST, NONE_FITTED, ROUGH
from cifar_core.metrics.ood import FALSE_ALARMS
from tests.support.toy_checkpoints import save_toy

CONFIG = {"data": "synthetic", "val_size": 200, "split_seed": 1, "train_size": 300}


@pytest.fixture(scope="module")
def data():
    return load_data(source="synthetic")


@pytest.fixture
def toy(tmp_path, data):
    return save_toy(tmp_path / "toy", **facts_of(data))


def facts_of(data, **config):
    return {
        "config": {**CONFIG, **config},
        "class_names": list(data.class_names),
        "data_fingerprint": data.fingerprint,
    }


def test_card_holds_what_is_true_of_the_validation_images(toy, data, tmp_path):
    others = tmp_path / "others"
    others.mkdir()
    for name, color in (("white", "white"), ("black", "black")):
        Image.new("RGB", (32, 32), color).save(others / f"{name}.png")
    before = Classifier.load(toy, "cpu")
    card = calibrate_checkpoint(toy, data, [others])
    assert load_card(toy) == card
    after = Classifier.load(toy, "cpu")
    val = split_train_val(data.train.targets, 200, 1)[1]
    images, targets = data.train.images[val], data.train.targets[val]
    answers = after.predict(images)
    share = np.mean([answer.known is False for answer in answers])
    assert share == card.ood.false_alarms and card.ood.images == 200
    whole = changed(images)
    scores = [after.reference.ood_scores(after.measure(part)) for part in (whole, inner(whole))]
    assert np.mean(np.mean(scores, axis=0) > card.ood.threshold) == card.ood.changed_alarms == FALSE_ALARMS
    probs = (after.probs(whole) + after.probs(inner(whole))) / 2
    sure = probs.max(axis=1) >= card.sure.probability - 1e-6
    assert sure.mean() == pytest.approx(card.sure.said)
    assert (probs.argmax(axis=1) == targets)[sure].mean() == pytest.approx(card.sure.right, abs=1e-5)
    assert card.ood.detected["others"]["images"] == 2
    assert card.calibration.ece_after != card.calibration.ece_before
    warm = np.array([answer.probs for answer in answers])
    cold = np.array([answer.probs for answer in before.predict(images)])
    assert not np.allclose(warm, cold)
    np.testing.assert_array_equal(np.argsort(warm, axis=1)[:, -1], np.argsort(cold, axis=1)[:, -1])
    np.testing.assert_allclose(after.probs(images), warm, atol=1e-6)
    ours, theirs = after.evaluate(images, targets), before.evaluate(images, targets)
    assert (ours.accuracy, ours.loss) == (theirs.accuracy, pytest.approx(theirs.loss))


def test_it_gives_the_same_twice(toy, data):
    card, file = calibrate_checkpoint(toy, data), (toy / OOD_REFERENCE).read_bytes()
    assert calibrate_checkpoint(toy, data) == card and (toy / OOD_REFERENCE).read_bytes() == file


@pytest.mark.parametrize("val_size", [1, FEWEST - 1, FEWEST, 25, FEW - 1])
def test_of_few_images_little_or_nothing_is_fitted_and_the_card_says_so(tmp_path, data, val_size):
    toy = save_toy(tmp_path / "toy", notes=["A note."], **facts_of(data, val_size=val_size, train_size=40))
    card = calibrate_checkpoint(toy, data)
    fitted = (card.calibration, card.sure, card.ood)
    assert all(fitted) if val_size >= FEWEST else not any(fitted)
    assert card.notes == [ROUGH if all(fitted) else NONE_FITTED, "A note."]
    assert calibrate_checkpoint(toy, data) == card == load_card(toy)
    answer = Classifier.load(toy, "cpu").predict(data.test.images[:2])[0]
    assert (answer.known is None) is (card.ood is None)
    config = dataclasses.replace(card, config={**card.config, "val_size": FEW})
    save_toy(toy, **vars(config))
    assert calibrate_checkpoint(toy, data).notes == ["A note."]


def test_a_network_that_looks_at_images_together_gets_a_temperature_only(tmp_path, data):
    toy = save_toy(tmp_path / "toy", model="scale_resnet", model_args={}, **facts_of(data))
    card = calibrate_checkpoint(toy, data)
    assert card.calibration is not None and card.ood is None and not (toy / OOD_REFERENCE).exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"monitored": "test"}, "no validation images"), ({"val_size": 0}, "val_size")],
)
def test_a_run_that_set_nothing_aside_is_refused(tmp_path, data, changes, words):
    toy = save_toy(tmp_path / "toy", **facts_of(data, **changes))
    with pytest.raises(ConfigError, match=words):
        calibrate_checkpoint(toy, data)
    assert load_card(toy).calibration is None


def test_a_folder_without_pictures_is_refused(toy, data, tmp_path):
    with pytest.raises(ConfigError, match="no picture"):
        calibrate_checkpoint(toy, data, [tmp_path])
    assert load_card(toy).ood is None and not (toy / OOD_REFERENCE).exists()
