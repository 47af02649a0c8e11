"""`calibrate` writes a temperature and a threshold that hold for the run's own validation images."""

import json

import numpy as np
import pytest
from PIL import Image

from cifar_core.checkpoint import OOD_REFERENCE, load_card
from cifar_core.cli import main
from cifar_core.data import load_data, split_train_val
from cifar_core.inference.classifier import Classifier
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


def test_card_holds_what_is_true_of_the_validation_images(toy, data, tmp_path, capsys):
    others = tmp_path / "others"
    others.mkdir()
    for name, color in (("white", "white"), ("black", "black")):
        Image.new("RGB", (32, 32), color).save(others / f"{name}.png")
    before = Classifier.load(toy, "cpu")
    assert main(["calibrate", str(toy), "--others", str(others), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    card, after = load_card(toy), Classifier.load(toy, "cpu")
    assert printed["calibration"] == card.to_json()["calibration"]
    assert printed["ood"] == card.to_json()["ood"]
    val = split_train_val(data.train.targets, 200, 1)[1]
    images, targets = data.train.images[val], data.train.targets[val]
    answers = after.predict(images)
    share = np.mean([answer.known is False for answer in answers])
    assert share == card.ood.false_alarms == 0.035 and card.ood.images == 200
    assert card.ood.detected["others"]["images"] == 2
    assert card.calibration.ece_after != card.calibration.ece_before
    warm = np.array([answer.probs for answer in answers])
    cold = np.array([answer.probs for answer in before.predict(images)])
    assert not np.allclose(warm, cold)
    np.testing.assert_array_equal(np.argsort(warm, axis=1)[:, -1], np.argsort(cold, axis=1)[:, -1])
    np.testing.assert_allclose(after.probs(images), warm, atol=1e-6)
    ours, theirs = after.evaluate(images, targets), before.evaluate(images, targets)
    assert (ours.accuracy, ours.loss) == (theirs.accuracy, pytest.approx(theirs.loss))


def test_it_prints_words_and_gives_the_same_twice(toy, capsys):
    assert main(["calibrate", str(toy)]) == 0
    card, file = load_card(toy), (toy / OOD_REFERENCE).read_bytes()
    words = capsys.readouterr().out
    assert "3.5% of 200 validation images lie above it" in words and "calibration error" in words
    assert main(["calibrate", str(toy)]) == 0
    assert load_card(toy) == card and (toy / OOD_REFERENCE).read_bytes() == file


def test_a_network_that_looks_at_images_together_gets_a_temperature_only(tmp_path, data, capsys):
    toy = save_toy(tmp_path / "toy", model="scale_resnet", model_args={}, **facts_of(data))
    assert main(["calibrate", str(toy)]) == 0
    card = load_card(toy)
    assert card.calibration is not None and card.ood is None and not (toy / OOD_REFERENCE).exists()
    assert "no chain of blocks" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"monitored": "test"}, "no validation images"), ({"val_size": 0}, "val_size")],
)
def test_a_run_that_set_nothing_aside_is_refused(tmp_path, data, changes, words, capsys):
    toy = save_toy(tmp_path / "toy", **facts_of(data, **changes))
    assert main(["calibrate", str(toy)]) == 2
    assert words in capsys.readouterr().err
    assert load_card(toy).calibration is None


def test_a_folder_without_pictures_is_refused(toy, tmp_path, capsys):
    assert main(["calibrate", str(toy), "--others", str(tmp_path)]) == 2
    assert "holds no JPEG or PNG picture" in capsys.readouterr().err
    assert load_card(toy).ood is None and not (toy / OOD_REFERENCE).exists()
