"""What the page says about a network comes from its card."""

import dataclasses

import pytest

from cifar_core.metrics.calibration import Calibration
from cifar_core.metrics.ood import SCORE, OodThreshold
from demo.classify.render import about_html, describe_alarm, head_html, networks_html, record
from tests.support.toy_checkpoints import CARD


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
    ("tta", "below", "words"),
    [
        (1, 1.0, "from one pass, in the accuracy"),
        (2, 1.0, "the mean over a picture and its mirror image, in the accuracy"),
        (6, 0.9, "and both moved by a pixel to two sides, unless the first pass is 90.00 % sure, in the"),
    ],
)
def test_the_facts_say_over_what_answers_are_averaged(tta: int, below: float, words: str) -> None:
    assert words in about_html(dataclasses.replace(CARD, tta=tta, tta_below=below))


def test_what_was_measured_for_none_of_the_ten_is_said() -> None:
    unknown = OodThreshold(SCORE, threshold=1.25, false_alarms=0.042, images=5000, split="val")
    calibration = Calibration(1.5, "val", 5000, ece_before=0.05, ece_after=0.012)
    card = dataclasses.replace(CARD, ood=unknown, calibration=calibration)
    assert describe_alarm(card) == ["It says so wrongly of 4.20 % of 5,000 validation pictures of the ten."]
    page = about_html(card)
    assert "OOD score of 1.25 on" in page and "temperature 1.50; 1.20 % off" in page
    assert describe_alarm(CARD) == [] and "OOD score" not in about_html(CARD)


def test_the_table_shows_every_network_and_marks_the_chosen_one() -> None:
    two = dataclasses.replace(CARD, class_names=["airplane", "automobile"])
    page = networks_html({"a<b": CARD, "two.v1": two}, {"two.v1": 12.4}, "two.v1")
    assert "a&lt;b" in page and "91.23 % of 2 classes" in page and "12 ms" in page
    assert page.count("aria-current") == 1 and page.index("aria-current") > page.index("a&lt;b")
