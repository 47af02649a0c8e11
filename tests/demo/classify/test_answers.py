"""Answers to uploads, as data: the right picture or one sentence each, each network asked once about all."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cifar_core.files import DEFAULT_CHECKPOINT, PROJECT_ROOT
from cifar_core.images.crop import Crop, cropped, turned
from cifar_core.images.decode import decode, decode_image, fit_square
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.crops import crops_of
from cifar_core.inference.prediction import Look
from demo.classify.answers import MOST_PICTURES, Answered, Answers, Asked
from demo.shared.sandbox import decode_isolated
from tests.support.hostile_uploads import UPLOADS, YELLOW, quarters, saved
from tests.support.toy_checkpoints import OTHER, save_toy

TOGETHER = "together.v1"
PICTURE = saved(quarters(), "PNG")


@pytest.fixture(scope="module")
def checkpoints(checkpoints: Path) -> Path:
    """With one more network, which normalizes by the batch at hand."""
    save_toy(checkpoints / TOGETHER, model="scale_resnet", model_args={"batch_statistics": True})
    return checkpoints


@pytest.fixture
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where uploads lie."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def answers(checkpoints: Path, uploads: Path) -> Answers:
    return Answers()


def put(folder: Path, data: bytes, name: str = "a.png") -> dict[str, str]:
    """An upload as Gradio names it."""
    path = folder / f"{len(list(folder.iterdir()))}.bin"
    path.write_bytes(data)
    return {"path": str(path), "orig_name": name}


def ask(answers: Answers, folder: Path, **asked: Any) -> Answered:
    """The outcome for one good picture."""
    (answered,) = answers.to_uploads([put(folder, PICTURE)], Asked(**asked))
    return answered


@pytest.mark.parametrize("public", [False, True])
def test_every_hostile_upload_gets_the_right_picture_or_one_sentence(
    public: bool, checkpoints: Path, uploads: Path
) -> None:
    answers = Answers(public=public)
    assert answers._decode is (decode_isolated if public else decode)
    for upload in UPLOADS[:: 12 if public else 1]:
        (answered,) = answers.to_uploads([put(uploads, upload.data)])
        if upload.corners:
            (answer,) = answered.answers
            assert np.array_equal(answer.prediction.seen, np.asarray(fit_square(decode_image(upload.data))))
            assert upload.note in " ".join(answered.notes) and len(answer.response["top"]) == 5
        else:
            assert upload.sentence in answered.problem and not answered.answers


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"network": "../../etc"}, ["'../../etc'", DEFAULT_CHECKPOINT, OTHER]),
        ({"beside": "x"}, ["'x'", DEFAULT_CHECKPOINT]),
        ({"zoom": 99}, ["zoom", "99", "1", "8"]),
        ({"turn": "x"}, ["turn", "numbers"]),
        ({"right": float("nan")}, ["right", "nan"]),
        ({"top": 0}, ["top", "0", "100"]),
        ({"top": 2.5}, ["top", "2.5", "whole number", "100"]),
        ({"top": None}, ["top", "None"]),
        ({"top": True}, ["top", "True"]),
    ],
)
def test_a_wrong_choice_is_a_sentence(
    asked: dict[str, Any], named: list[str], answers: Answers, uploads: Path
) -> None:
    answered = ask(answers, uploads, **asked)
    assert all(word in answered.problem for word in named) and not answered.answers
    assert answered.responses == [{"picture": "a.png", "error": answered.problem}]


def test_a_damaged_network_is_a_sentence(checkpoints: Path, uploads: Path) -> None:
    damaged = save_toy(checkpoints / "damaged.v1")
    answers = Answers()
    (damaged / "weights.safetensors").write_bytes(b"no weights")
    problem = ask(answers, uploads, network="damaged.v1").problem
    shutil.rmtree(damaged)
    assert "damaged.v1" in problem and "safetensors" in problem


@pytest.mark.parametrize("crop", [Crop(), Crop(turn=20, zoom=1.5, right=1)])
@pytest.mark.parametrize("public", [False, True])
def test_a_large_picture_is_answered_as_by_predict_with_all_its_crops(
    public: bool, crop: Crop, checkpoints: Path, uploads: Path
) -> None:
    photo = next((PROJECT_ROOT / "tests" / "photographs").glob("*.jpg")).read_bytes()
    (answered,) = Answers(public=public).to_uploads([put(uploads, photo)], Asked(**crop.to_json()))
    crops = crops_of([cropped(decode_image(photo), crop)], beside=crop.whole)
    assert len(crops.owners) > 1
    (expected,) = Classifier.load(DEFAULT_CHECKPOINT).predict(crops)
    assert np.array_equal(answered.answers[0].prediction.probs, expected.probs)
    assert np.array_equal(answered.answers[0].prediction.seen, expected.seen)


def test_two_networks_answer(answers: Answers, uploads: Path) -> None:
    answered = ask(answers, uploads, beside=OTHER)
    assert [one["network"] for one in answered.responses] == [DEFAULT_CHECKPOINT, OTHER]
    assert answered.responses[0]["version"] != answered.responses[1]["version"]


def test_a_part_of_a_picture_is_answered(answers: Answers, uploads: Path) -> None:
    (answer,) = ask(answers, uploads, zoom=2, right=1, down=1).answers
    assert np.array_equal(answer.prediction.seen, np.full((32, 32, 3), YELLOW, np.uint8))
    assert answer.response["crop"] == {"turn": 0, "zoom": 2, "right": 1, "down": 1}


def test_a_heat_map_lies_on_the_whole_picture(answers: Answers, uploads: Path) -> None:
    assert ask(answers, uploads).answers[0].heatmap is None
    heatmap = ask(answers, uploads, turn=20, heatmap=True).answers[0].heatmap
    assert heatmap is not None and heatmap.shape == (*turned(quarters(), 20).size[::-1], 3)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of images in each look of a network."""
    sizes, look = [], Classifier.look

    def counted(classifier: Classifier, pixels: torch.Tensor) -> Look:
        sizes.append(len(pixels))
        return look(classifier, pixels)

    monkeypatch.setattr(Classifier, "look", counted)
    return sizes


@pytest.mark.parametrize("network", [DEFAULT_CHECKPOINT, TOGETHER])
def test_several_are_asked_at_once_and_answered_as_each_alone(
    network: str, answers: Answers, uploads: Path, looks: list[int]
) -> None:
    good = [upload.data for upload in UPLOADS if upload.corners][: MOST_PICTURES - 1]
    files = [put(uploads, data) for data in (*good[:5], b"no picture", *good[5:])]
    together = answers.to_uploads(files, Asked(network))
    assert looks == ([1] * 23 if network == TOGETHER else [23])
    assert [bool(one.problem) for one in together] == [number == 5 for number in range(MOST_PICTURES)]
    for file, answered in list(zip(files, together, strict=True))[::5]:
        (alone,) = answers.to_uploads([file], Asked(network))
        assert answered.problem == alone.problem
        for one, other in zip(answered.answers, alone.answers, strict=True):
            np.testing.assert_allclose(one.prediction.probs, other.prediction.probs, atol=1e-6)
            assert np.array_equal(one.prediction.seen, other.prediction.seen)


def test_none_and_too_many(answers: Answers) -> None:
    assert answers.to_uploads(None) == answers.to_uploads([]) == []
    (refused,) = answers.to_uploads([{"path": "x"}] * (MOST_PICTURES + 1))
    assert str(MOST_PICTURES) in refused.problem and str(MOST_PICTURES + 1) in refused.problem
