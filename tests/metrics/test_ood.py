"""The OOD score grows with distance, looks at each image alone, and its threshold keeps its promise."""

import dataclasses
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from cifar_core.checkpoint import (
    OOD_REFERENCE,
    CheckpointError,
    load_card,
    load_checkpoint,
    load_tensors,
    save_tensors,
    write_card,
    write_reference,
)
from cifar_core.cli import main
from cifar_core.errors import InferenceError
from cifar_core.images.decode import open_image
from cifar_core.inference.classifier import Classifier
from cifar_core.metrics.ood import (
    GAMMA,
    MIXING,
    SCORE,
    Measured,
    OodThreshold,
    Reference,
    distance_to_nearest,
    energy,
    entropy,
    fit_reference,
    k_means,
    threshold_for,
)
from cifar_core.models import create_model, list_models
from cifar_core.models.blocks import block_names
from tests.support.toy_checkpoints import save_toy

PHOTOGRAPHS = sorted((Path(__file__).parents[1] / "photographs").glob("*.jpg"))


def pictures(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 3, 32, 32), np.uint8)


def measured(count, seed=0, away=0.0):
    """Features along one axis, turned by `away` toward another; surer logits where they are usual."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(count, 10)) * 0.1
    logits[:, 0] += 5 - away
    features = rng.normal(size=(count, 4)) * 0.05 + [np.cos(away), np.sin(away), 0, 0]
    return Measured(logits, logits, rng.dirichlet((9, 9), count), {"blocks.0": features})


@pytest.fixture(scope="module")
def reference():
    return fit_reference(measured(400), measured(200, seed=1))


@pytest.fixture(scope="module")
def judging(tmp_path_factory):
    """A toy checkpoint that was fitted to drawn pictures."""
    folder = save_toy(tmp_path_factory.mktemp("toys") / "toy")
    model, card = load_checkpoint(folder)
    recording = Classifier(model, card, "cpu", blocks=block_names(model))
    held_out = recording.measure(pictures(60, 1))
    made = fit_reference(recording.measure(pictures(150)), held_out)
    unknown = OodThreshold(SCORE, threshold_for(made.ood_scores(held_out), 0.1), 0.1, 60, "val")
    write_reference(folder, made)
    write_card(folder, dataclasses.replace(card, ood=unknown))
    return folder


def test_the_farther_from_what_was_learned_the_stranger(reference):
    means = [reference.ood_scores(measured(50, 2, away)).mean() for away in (0, 0.3, 0.8, 1.5)]
    assert means == sorted(means) and means[-1] - means[0] > 3
    assert abs(means[0]) < 0.5


def test_ood_score_of_an_image_does_not_depend_on_its_batch(reference):
    many = measured(20, 3)
    one = Measured(
        many.logits[7:8], many.answer[7:8], many.mixing[7:8], {"blocks.0": many.blocks["blocks.0"][7:8]}
    )
    assert reference.ood_scores(many).shape == (20,)
    assert reference.ood_scores(one)[0] == pytest.approx(reference.ood_scores(many)[7], abs=1e-9)


def test_visitors_who_share_a_network_get_their_own_ood_score(judging):
    classifier = Classifier.load(judging, "cpu")
    images = pictures(4, 5)
    alone = [classifier.predict(images[[number]])[0].ood_score for number in range(4)]
    assert len({round(score, 3) for score in alone}) == 4
    numbers = [number for _ in range(40) for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        together = pool.map(lambda number: classifier.predict(images[[number]])[0].ood_score, numbers)
        assert list(together) == pytest.approx([alone[number] for number in numbers], abs=1e-4)


def test_energy_falls_as_a_class_stands_out():
    sure, flat = np.eye(10)[:1] * 20, np.zeros((1, 10))
    assert energy(flat)[0] == pytest.approx(-np.log(10))
    assert energy(sure)[0] == pytest.approx(-20, abs=1e-6)
    assert np.isfinite(energy(sure * 1e4)).all()


def test_entropy_is_that_of_the_probabilities_and_falls_as_a_class_stands_out():
    logits = np.random.default_rng(0).normal(size=(5, 4)) * 3
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert entropy(logits + 7) == pytest.approx(((probs * (1 - probs)) ** GAMMA).sum(axis=1))
    rising = entropy(np.array([[50.0, 0, 0, 0], [9, 0, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0]]))
    assert (np.diff(rising) > 0).all() and np.isfinite(entropy(np.eye(3) * 1e4)).all()


def test_an_undecided_answer_is_strange_by_itself(reference):
    usual = measured(20, 3)
    undecided = dataclasses.replace(usual, answer=np.zeros_like(usual.answer))
    assert (reference.ood_scores(undecided) > reference.ood_scores(usual) + 1).all()


def test_references_of_earlier_checkpoints_give_the_scores_that_they_gave():
    centers = {
        MIXING: np.array([[1.0, 0]]),
        "blocks.0": np.array([[1.0, 0], [0, 1.0]]),
        "blocks.1": np.eye(2),
    }
    scales = {name: np.array([0.5, 2.0 + n]) for n, name in enumerate(["energy", *centers])}
    arrays = {f"{n:03d}.{name}": table for n, (name, table) in enumerate(centers.items())}
    arrays |= {f"scale.{name}": pair for name, pair in scales.items()}
    logits, mixing = np.array([[3.0, 0.5], [0.0, 0.2]]), np.array([[0.7, 0.3], [0.2, 0.8]])
    blocks = {"blocks.0": np.array([[1.0, 2.0], [3.0, 1.0]]), "blocks.1": np.array([[1.0, 0.1], [1.0, 1.0]])}
    parts = {"energy": energy(logits), MIXING: distance_to_nearest(mixing, centers[MIXING])}
    parts |= {name: distance_to_nearest(x, centers[name]) for name, x in blocks.items()}
    scaled = {name: (x - scales[name][0]) / scales[name][1] for name, x in parts.items()}
    expected = 0.5 * scaled["energy"] + 0.25 * scaled[MIXING] + (scaled["blocks.0"] + scaled["blocks.1"]) / 2
    other = Measured(logits, -logits, mixing, blocks)  # the answer itself counts for nothing
    assert Reference.from_arrays(arrays).ood_scores(other) == pytest.approx(expected)


def test_distance_is_that_of_directions_to_the_nearest_center():
    centers = np.array([[1.0, 0], [0, 1.0]])
    distances = distance_to_nearest(np.array([[5.0, 0], [3.0, 3.0], [0, 0]]), centers)
    assert distances == pytest.approx([0, np.sqrt(2 - np.sqrt(2)), 1])
    second = distance_to_nearest(np.array([[5.0, 0]]), np.array([[0, 1.0], [1.0, 0], [-1.0, 0]]), nth=2)
    assert second == distance_to_nearest(np.array([[5.0, 0]]), centers, nth=9) == pytest.approx(np.sqrt(2))


def test_k_means_finds_groups_and_takes_few_points():
    rng = np.random.default_rng(0)
    points = np.repeat(np.eye(3), 50, axis=0) + rng.normal(size=(150, 3)) * 0.01
    assert distance_to_nearest(points, k_means(points, 12)).max() < 0.05
    assert k_means(points[:2], 12).shape == (2, 3)
    np.testing.assert_array_equal(k_means(points, 5), k_means(points, 5))


@pytest.mark.parametrize("share", [0.0, 0.035, 0.5])
def test_threshold_lets_through_no_more_than_the_share(share):
    scores = np.random.default_rng(0).normal(size=500)
    threshold = threshold_for(scores, share)
    above = (scores > threshold).mean()
    assert above <= share and (scores >= threshold).mean() > share


def test_a_network_without_blocks_is_refused():
    bare = Measured(np.zeros((3, 10)), np.zeros((3, 10)), None, {})
    with pytest.raises(ValueError, match="no chain of blocks"):
        fit_reference(bare, bare)


def test_arrays_give_the_reference_back(reference):
    again = Reference.from_arrays(reference.to_arrays())
    assert again.centers.keys() == {MIXING, "blocks.0"} and again.blocks == ["blocks.0"]
    images = measured(9, 5)
    np.testing.assert_allclose(again.ood_scores(images), reference.ood_scores(images), atol=1e-6)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("scale.entropy", np.zeros(2, np.float32)),
        ("scale.entropy", np.ones(3, np.float32)),
        ("scale.energy", np.ones(2, np.float32)),
        ("scale.nothing", np.ones(2, np.float32)),
        ("001.blocks.0", np.full((2, 4), np.inf, np.float16)),
        ("001.blocks.0", np.ones(4, np.float16)),
    ],
)
def test_damaged_arrays_are_refused(reference, key, value):
    with pytest.raises(ValueError, match=r"it holds|its centers|its scales"):
        Reference.from_arrays({**reference.to_arrays(), key: value})


@pytest.mark.parametrize("name", list_models())
def test_every_network_has_blocks_but_the_one_that_looks_at_images_together(name):
    assert bool(block_names(create_model(name))) == (name != "scale_resnet")


def test_answers_say_how_strange_a_picture_is(judging):
    classifier = Classifier.load(judging, "cpu")
    images = pictures(30, 4)
    answers = classifier.predict(images)
    assert [answer.ood_score for answer in answers] == pytest.approx(
        list(classifier.reference.ood_scores(classifier.measure(images)))
    )
    threshold = classifier.card.ood.threshold
    assert [answer.known for answer in answers] == [answer.ood_score <= threshold for answer in answers]
    white = classifier.predict(np.full((1, 3, 32, 32), 255, np.uint8))[0]  # no noise at all: strange here
    assert white.known is False and white.ood_score > max(answer.ood_score for answer in answers)
    one = classifier.predict(images[3:4])[0]
    assert one.ood_score == pytest.approx(answers[3].ood_score, abs=1e-3)
    with pytest.raises(InferenceError, match="no images"):
        classifier.measure([])


def test_onnx_runtime_judges_as_torch_does(judging, tmp_path, monkeypatch):
    for name in ("onnxruntime", "onnx", "onnxscript"):
        pytest.importorskip(name)
    monkeypatch.setenv("CIFAR_LAB_CACHE", str(tmp_path))
    onnx, torch = Classifier.load(judging, backend="onnxruntime"), Classifier.load(judging, "cpu")
    for ours, theirs in zip(onnx.predict(pictures(3, 6)), torch.predict(pictures(3, 6)), strict=True):
        assert ours.ood_score == pytest.approx(theirs.ood_score, abs=1e-3)
        assert ours.mixing.keys() == theirs.mixing.keys()


def test_without_a_measure_nothing_is_said(tmp_path):
    answer = Classifier.load(save_toy(tmp_path / "toy"), "cpu").predict(pictures(1))[0]
    assert answer.known is None and answer.ood_score is None


def test_a_folder_that_lost_the_file_answers_without_it(judging, tmp_path):
    folder = save_toy(tmp_path / "toy", ood=load_card(judging).ood)
    assert Classifier.load(folder, "cpu").predict(pictures(1))[0].known is None


def test_an_evaluation_counts_what_is_called_none(judging, tmp_path):
    images = np.concatenate([pictures(9), np.full((1, 3, 32, 32), 255, np.uint8)])
    classifier = Classifier.load(judging, "cpu")
    refused = [answer.known is False for answer in classifier.predict(images)]
    result = classifier.evaluate(images, np.zeros(10, np.int64))
    assert result.called_none == result.to_json()["called_none"] == sum(refused) / 10 > 0
    bare = Classifier.load(save_toy(tmp_path / "bare"), "cpu")
    assert bare.evaluate(images, np.zeros(10, np.int64)).called_none is None


def test_a_damaged_file_is_named(judging, tmp_path):
    card = load_card(judging)
    folder = save_toy(tmp_path / "toy", ood=card.ood)
    (folder / OOD_REFERENCE).write_bytes(b"no tensors")
    with pytest.raises(CheckpointError, match=OOD_REFERENCE):
        Classifier.load(folder, "cpu")
    model, _ = load_checkpoint(judging)
    tensors = {
        name: array for name, array in load_tensors(judging / OOD_REFERENCE).items() if "blocks.1" not in name
    }
    save_tensors(folder / OOD_REFERENCE, tensors)
    assert len(block_names(model)) > 1
    with pytest.raises(CheckpointError, match="another network"):
        Classifier.load(folder, "cpu")


@pytest.mark.parametrize(
    "changes", [{"score": "other"}, {"threshold": float("nan")}, {"false_alarms": 1.5}, {"images": "many"}]
)
def test_a_card_with_a_wrong_measure_is_refused(judging, tmp_path, changes):
    folder = save_toy(tmp_path / "toy")
    values = {**load_card(judging).to_json()["ood"], **changes}
    document = {**load_card(folder).to_json(), "ood": values}
    (folder / "card.json").write_text(json.dumps(document))
    with pytest.raises(CheckpointError, match=r"card\.json is damaged"):
        load_card(folder)


def test_a_card_without_it_is_written_as_before(tmp_path):
    card = load_card(save_toy(tmp_path / "toy"))
    assert card.ood is None and card.calibration is None
    assert not {"unknown", "calibration"} & card.to_json().keys()


def test_predict_says_none_of_the_classes(judging, tmp_path, capsys):
    from PIL import Image

    path = tmp_path / "white.png"
    Image.new("RGB", (40, 40), "white").save(path)
    assert main(["predict", str(path), "--checkpoint", str(judging)]) == 0
    assert "looks like none of the classes" in capsys.readouterr().out
    assert main(["predict", str(path), "--checkpoint", str(judging), "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    assert answer["known"] is False and answer["ood_score"] > 0


def test_of_ten_photographs_of_other_things_none_is_told_as_sure():
    assert len(PHOTOGRAPHS) == 10
    answers = Classifier.load(device="cpu").predict([open_image(path) for path in PHOTOGRAPHS])
    pairs = list(zip(PHOTOGRAPHS, answers, strict=True))
    unknown = {path.stem for path, answer in pairs if answer.known is False}
    assert unknown >= {"brick", "coins", "page"} and not [path.stem for path, answer in pairs if answer.sure]
