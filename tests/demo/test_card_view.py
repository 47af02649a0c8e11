"""What the page says about a network comes from its card."""

import dataclasses

import pytest

from demo.card_view import about_html, head_html, record
from tests.toy_checkpoints import CARD


def test_the_record_names_the_split_and_the_number_of_pictures() -> None:
    assert record(CARD) == "It was right on 91.23 % of 10,000 test pictures that it had never seen."
    only_val = dataclasses.replace(CARD, metrics={"val": {"accuracy": 0.5, "loss": 1.0, "n": 5000}})
    assert record(only_val) == "It was right on 50.00 % of 5,000 validation pictures."
    unmeasured = dataclasses.replace(CARD, metrics={})
    assert record(unmeasured) == "How often it is right has not been measured."


def test_the_head_names_every_class() -> None:
    assert "airplane, automobile, bird, cat, deer, dog, frog, horse, ship and truck" in head_html(CARD)


def test_the_facts() -> None:
    page = about_html(dataclasses.replace(CARD, notes=["Averaged & tested."]))
    for fact in (
        "1.23 k parameters",
        "recipe smoke, 2 epochs, seed 3, in 2 min 10 s",
        "0123456789ab",
        "torch 2.14.1",
    ):
        assert fact in page, page
    assert "Averaged &amp; tested." in page


@pytest.mark.parametrize(
    ("views", "below", "words"),
    [
        (1, 1.0, "from one pass, in the accuracy"),
        (2, 1.0, "the mean over a picture and its mirror image, in the accuracy"),
        (6, 0.9, "and both moved by a pixel to two sides, unless the first pass is 90.00 % sure, in the"),
    ],
)
def test_the_facts_say_over_what_answers_are_averaged(views: int, below: float, words: str) -> None:
    assert words in about_html(dataclasses.replace(CARD, views=views, views_below=below))
