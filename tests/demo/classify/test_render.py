"""The HTML of answers: its words and bars follow from probabilities; no text from outside can break it."""

import base64
import csv
import dataclasses
import io
import json
import re
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cifar_core.images.crop import Crop
from cifar_core.inference.crops import Part
from cifar_core.inference.prediction import Prediction
from cifar_core.metrics.ood import SCORE, OodThreshold
from demo.classify.answers import Answer, Answered
from demo.classify.render import batch_html, headline, mixing_html, mixing_title, parts, verdict
from demo.shared.palette import CLASS_COLORS, KERNEL_COLORS
from tests.support.toy_checkpoints import CARD

SEEN = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
HOSTILE = "<script>alert(1)</script>"
SURE, UNSURE, VAGUE = (
    [("cat", 0.97), ("dog", 0.02)],
    [("cat", 0.69), ("dog", 0.20)],
    [("cat", 0.40), ("dog", 0.19)],
)


def prediction(top: Any, known: bool | None = None, sure: bool = False, side: str = "") -> Prediction:
    """An answer in probabilities; side: where beside the middle it was found."""
    probs = np.array([probability for _, probability in top], np.float32)
    return Prediction(top, probs, {}, SEEN, None, known, sure, Part(Crop(zoom=1.5), side) if side else None)


def answered(top: Any = SURE, known: bool | None = None, network: str = "toy.v1", **changes: Any) -> Answered:
    """One network's answer to a picture; `changes` are of the answer, or of the picture."""
    response = {"picture": "a.png", "network": network, "version": "0123456789ab"}
    response["top"] = [{"label": label, "probability": probability} for label, probability in top]
    mine = {field.name for field in dataclasses.fields(Answer)} & changes.keys()
    answer = Answer(network, CARD, prediction(top, known), {}, None, response)
    answer = dataclasses.replace(answer, **{name: changes.pop(name) for name in mine})
    return dataclasses.replace(Answered("a.png", (answer,)), **changes)


@pytest.mark.parametrize(
    ("answer", "head", "words"),
    [
        (prediction(SURE, None, sure=True), "Cat", ["Sure", "97 %", "cat"]),
        (prediction(SURE), "Probably cat", ["Not sure", "97 %", "cat"]),
        (prediction([("cat", 0.70), ("dog", 0.20)]), "Probably cat", ["Not sure", "70 %", "cat"]),
        (prediction(UNSURE), "Cat or dog", ["Unsure", "cat", "dog"]),
        (prediction([("cat", 0.31), ("dog", 0.30)]), "Cat or dog", ["Unsure", "cat", "dog"]),
        (prediction(VAGUE), "None of the ten", ["none of the ten", "cat"]),
        (prediction(SURE, False), "None of the ten", ["none of the ten", "cat"]),
        (prediction(SURE, True, sure=True), "Cat", ["Sure", "97 %"]),
        (prediction(VAGUE, True), "Cat or dog", ["Unsure", "cat", "dog"]),
        (prediction(SURE, True, side="left"), "Cat, at the left", ["middle", "left", "cat", "97 %"]),
    ],
)
def test_the_words_follow_from_the_probabilities_or_from_what_was_measured(
    answer: Prediction, head: str, words: list[str]
) -> None:
    assert headline(answer, 10) == head
    assert all(word in verdict(answer, 10) for word in words)
    page = parts(answered(answer.top, prediction=answer))[0]
    assert f"<h2>{head}</h2>" in page and verdict(answer, 10) in page
    assert ("If it had to be" in page) == (head == "None of the ten"), "bars are mistaken for the answer"


def test_none_of_the_classes_is_said_with_their_number() -> None:
    assert headline(prediction(VAGUE), 5) == "None of the five"
    assert "none of the 100" in verdict(prediction(VAGUE), 100)


def test_how_often_none_of_the_ten_is_wrong_is_said_with_it() -> None:
    ood = OodThreshold(SCORE, threshold=1.25, false_alarms=0.042, images=5000, split="val")
    card = dataclasses.replace(CARD, ood=ood)
    assert "4.20 % of 5,000 validation pictures" in parts(answered(known=False, card=card))[0]
    assert "4.20 %" not in parts(answered(known=True, card=card))[0]


def test_an_answer_has_a_bar_for_each_class_in_its_color() -> None:
    page = parts(answered([("ship", 0.5), ("cat", 0.3), ("truck", 0.2)]))[0]
    assert re.findall(r"width:([\d.]+)%;background:(#\w+)", page) == [
        ("50.0", CLASS_COLORS[8]),
        ("30.0", CLASS_COLORS[3]),
        ("20.0", CLASS_COLORS[9]),
    ]


def test_what_was_done_to_the_picture_is_said() -> None:
    page = parts(answered(crop=Crop(turn=35, zoom=2, right=1), notes=("Only the first frame.",)))[0]
    assert all(words in page for words in ("turned by 35°", "2 times", "off center", "Only the first frame."))


def test_two_answers_stand_side_by_side_and_say_whether_they_agree() -> None:
    one, other = answered(), answered([("dog", 0.9), ("cat", 0.1)], network="b.v1")
    head, inside, share, responses = parts(dataclasses.replace(one, answers=one.answers + other.answers))
    assert head.count('class="answer"') == inside.count('class="inside"') == len(responses) == 2
    assert "toy.v1 says cat, b.v1 says dog" in head
    assert "--checkpoint toy.v1" in share and "--checkpoint b.v1" in share
    assert "Both say cat" in parts(dataclasses.replace(one, answers=one.answers * 2))[0]


def test_a_problem_stands_in_place_of_the_answer() -> None:
    problem, inside, share, response = parts(Answered("a.png", problem="Torn <b>."))
    assert "Torn &lt;b&gt;." in problem and 'role="alert"' in problem
    assert (inside, share, response) == ("", "", {"picture": "a.png", "error": "Torn <b>."})


def test_text_from_outside_is_escaped() -> None:
    card = dataclasses.replace(CARD, class_names=[HOSTILE, "cat"])
    answer = answered([(HOSTILE, 0.6), ("cat", 0.4)], network=HOSTILE, card=card)
    both = dataclasses.replace(answer, name=HOSTILE, notes=(HOSTILE,), answers=answer.answers * 2)
    pages = [*parts(both)[:3], batch_html([both, Answered(HOSTILE, problem=HOSTILE)])]
    pages += [parts(Answered(HOSTILE, problem=HOSTILE))[0], mixing_html({HOSTILE: [1.0]}, {}, HOSTILE)]
    assert all("<script" not in page and "&lt;script" in page for page in pages)


def shown(page: str, kind: str) -> Image.Image:
    found = re.search(rf"data:image/{kind};base64,([^\"]+)", page)
    assert found
    return Image.open(io.BytesIO(base64.b64decode(found[1])))


def test_what_the_network_saw_is_shown_exactly_and_its_heat_map_where_there_is_one() -> None:
    plain = parts(answered())[1]
    assert np.array_equal(np.asarray(shown(plain, "png")), SEEN)
    assert "data:image/jpeg" not in plain and "Where it looked" not in plain
    assert shown(parts(answered(heatmap=np.zeros((20, 30, 3), np.uint8)))[1], "jpeg").size == (30, 20)


def test_each_block_is_a_bar_of_its_kernels_with_the_values_as_text() -> None:
    page = mixing_html({"B1": [0.5, 0.3, 0.2], "B2": [1.0, 0.0, 0.0]}, {}, "cat")
    bars = [(float(flex), color) for flex, color in re.findall(r"flex:([\d.]+) 1 0;background:(#\w+)", page)]
    assert bars[:3] == list(zip((0.5, 0.3, 0.2), KERNEL_COLORS, strict=False))
    assert "kernel 1 50 %, kernel 2 30 %, kernel 3 20 %" in page
    assert "kernel 1 100 %, kernel 2 0 %, kernel 3 0 %" in page
    assert "average" not in page and "does not mix" in mixing_html({}, {}, "cat")


def test_a_class_average_stands_below_each_block() -> None:
    page = mixing_html({"B1": [0.5, 0.5]}, {"B1": [0.9, 0.1]}, "cat")
    assert [float(flex) for flex in re.findall(r"flex:([\d.]+)", page)] == [0.5, 0.5, 0.9, 0.1]
    assert "the average cat: kernel 1 90 %, kernel 2 10 %" in page


def test_coefficients_that_do_not_sum_to_one_fill_the_bar_and_keep_their_values() -> None:
    page = mixing_html({"B1": [0.9, 0.9]}, {}, "cat")
    assert [float(flex) for flex in re.findall(r"flex:([\d.]+)", page)] == [0.5, 0.5]
    assert "kernel 1 90 %, kernel 2 90 %" in page


def test_the_title_names_the_kernel_that_leads_most_often() -> None:
    assert "Kernel 2 counts most in 2 of 3" in mixing_title(
        {"1": [0.2, 0.8], "2": [0.1, 0.9], "3": [0.6, 0.4]}
    )
    assert "Kernel 1 counts most in 1 of 2" in mixing_title({"1": [0.2, 0.8], "2": [0.9, 0.1]})


def taken(page: str, kind: str) -> str:
    """The file that a link of the page holds."""
    found = re.search(rf"href=\"data:{kind};base64,([^\"]+)\"", page)
    assert found
    return base64.b64decode(found[1]).decode()


def test_an_answer_can_be_taken_away() -> None:
    _, _, share, response = parts(answered())
    assert json.loads(taken(share, "application/json")) == response
    assert "toy.v1, version 0123456789ab" in share


def test_each_of_several_pictures_has_a_row_and_a_line() -> None:
    cut = answered(name="b.png", notes=("It ends too early.",))
    pictures = [answered(name="a.png"), Answered("note.png", problem="A text."), cut]
    page = batch_html(pictures)
    assert page.count("<tr") == 4 and "3 pictures: 2 answered, 1 not" in page and "A text." in page
    assert page.count("It ends too early.") >= 1
    rows = list(csv.DictReader(io.StringIO(taken(page, "text/csv"))))
    assert [bool(row["error"]) for row in rows] == [False, True, False]
    assert json.loads(taken(page, "application/json"))[1] == {"picture": "note.png", "error": "A text."}
