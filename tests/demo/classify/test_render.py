"""The words and bars of an answer follow from the probabilities; text from outside cannot break the page."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from cifar_core.data import CLASS_NAMES
from demo.classify.render import (
    answer_html,
    headline,
    inside_html,
    mixing_title,
    pair_html,
    problem_html,
    verdict,
)
from demo.shared.palette import CLASS_COLORS, KERNEL_COLORS

SEEN = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("top", "head", "sentence"),
    [
        ([("cat", 0.97), ("dog", 0.02)], "Cat", "Sure: 97 % for cat."),
        ([("cat", 0.70), ("dog", 0.20)], "Cat", "Sure: 70 % for cat."),
        ([("cat", 0.69), ("dog", 0.20)], "Cat or dog", "Unsure between cat and dog."),
        ([("cat", 0.31), ("dog", 0.30)], "Cat or dog", "Unsure between cat and dog."),
        (
            [("cat", 0.40), ("dog", 0.19)],
            "None of the ten",
            "This looks like none of the ten; nearest is cat.",
        ),
    ],
)
def test_the_words(top: list[tuple[str, float]], head: str, sentence: str) -> None:
    assert headline(top) == head
    assert verdict(top) == sentence


@pytest.mark.parametrize(
    ("top", "known", "head", "sentence"),
    [
        (
            [("cat", 0.97), ("dog", 0.02)],
            False,
            "None of the ten",
            "This looks like none of the ten; nearest is cat.",
        ),
        ([("cat", 0.97), ("dog", 0.02)], True, "Cat", "Sure: 97 % for cat."),
        ([("cat", 0.40), ("dog", 0.19)], True, "Cat or dog", "Unsure between cat and dog."),
    ],
)
def test_a_measured_opinion_decides_on_none_of_the_ten(
    top: list[tuple[str, float]], known: bool, head: str, sentence: str
) -> None:
    assert (headline(top, known), verdict(top, known)) == (head, sentence)
    assert sentence in answer_html(top, CLASS_NAMES, known=known)


def test_bars_of_what_is_none_of_the_ten_are_not_mistaken_for_the_answer() -> None:
    top, words = [("cat", 0.89), ("dog", 0.06)], "If it had to be one of them:"
    assert words in answer_html(top, CLASS_NAMES, known=False)
    assert words not in answer_html(top, CLASS_NAMES, known=True)
    assert words not in answer_html(top, CLASS_NAMES)


def test_two_answers_say_whether_they_agree() -> None:
    assert "Both say cat" in pair_html(["", ""], ["cat", "cat"], ["a.v1", "b.v1"])
    assert "a.v1 says cat, b.v1 says dog" in pair_html(["", ""], ["cat", "dog"], ["a.v1", "b.v1"])


def test_an_answer_has_a_bar_for_each_class_in_its_color() -> None:
    top = [("ship", 0.5), ("cat", 0.3), ("truck", 0.2)]
    page = answer_html(top, CLASS_NAMES, ["A note <b>."])
    assert re.findall(r"width:([\d.]+)%;background:(#\w+)", page) == [
        ("50.0", CLASS_COLORS[8]),
        ("30.0", CLASS_COLORS[3]),
        ("20.0", CLASS_COLORS[9]),
    ]
    assert "A note &lt;b&gt;." in page


def test_text_from_outside_is_escaped() -> None:
    hostile = "<script>alert(1)</script>"
    pages = [
        problem_html(hostile),
        answer_html([(hostile, 0.6), ("cat", 0.4)], [hostile, "cat"]),
        inside_html(SEEN, {hostile: [1.0]}),
    ]
    assert all("<script" not in page and "&lt;script" in page for page in pages)


def test_the_picture_that_the_network_saw_is_shown_exactly() -> None:
    found = re.search(r"data:image/png;base64,([^\"]+)", inside_html(SEEN, {}))
    assert found
    shown = Image.open(io.BytesIO(base64.b64decode(found[1])))
    assert np.array_equal(np.asarray(shown), SEEN)


def test_each_block_is_a_bar_of_its_kernels_with_the_values_as_text() -> None:
    page = inside_html(SEEN, {"B1": [0.5, 0.3, 0.2], "B2": [1.0, 0.0, 0.0]})
    parts = [(float(flex), color) for flex, color in re.findall(r"flex:([\d.]+) 1 0;background:(#\w+)", page)]
    assert parts[:3] == list(zip((0.5, 0.3, 0.2), KERNEL_COLORS, strict=False))
    assert "kernel 1 50 %, kernel 2 30 %, kernel 3 20 %" in page
    assert "kernel 1 100 %, kernel 2 0 %, kernel 3 0 %" in page


def test_a_class_average_stands_below_each_block() -> None:
    mixing, average = {"B1": [0.5, 0.5]}, {"B1": [0.9, 0.1]}
    page = inside_html(SEEN, mixing, average=average, class_name="cat")
    assert [float(flex) for flex in re.findall(r"flex:([\d.]+)", page)] == [0.5, 0.5, 0.9, 0.1]
    assert "the average cat: kernel 1 90 %, kernel 2 10 %" in page
    assert "average" not in inside_html(SEEN, mixing)


def test_coefficients_that_do_not_sum_to_one_fill_the_bar_and_keep_their_values() -> None:
    page = inside_html(SEEN, {"B1": [0.9, 0.9]})
    assert [float(flex) for flex in re.findall(r"flex:([\d.]+)", page)] == [0.5, 0.5]
    assert "kernel 1 90 %, kernel 2 90 %" in page


def test_a_network_that_does_not_mix_says_so() -> None:
    assert "does not mix" in inside_html(SEEN, {})


def test_the_title_names_the_kernel_that_leads_most_often() -> None:
    assert mixing_title({"B1": [0.2, 0.8], "B2": [0.1, 0.9], "B3": [0.6, 0.4]}) == (
        "Kernel 2 counts most in 2 of 3 blocks"
    )
    assert mixing_title({"B1": [0.2, 0.8], "B2": [0.9, 0.1]}) == "Kernel 1 counts most in 1 of 2 blocks"
