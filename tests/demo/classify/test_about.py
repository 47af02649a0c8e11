"""All that the page says about a network comes from its card."""

import dataclasses

import pytest

from cifar_core.metrics.calibration import Calibration
from cifar_core.metrics.ood import SCORE, OodThreshold
from demo.classify.about import describe_alarm, facts_html, head_html, networks_html, record
from tests.support.toy_checkpoints import CARD


def test_the_record_names_the_split_and_the_number_of_pictures() -> None:
    assert "91.23 % of 10,000 test pictures" in record(CARD)
    only_val = dataclasses.replace(CARD, metrics={"val": {"accuracy": 0.5, "loss": 1.0, "n": 5000}})
    assert "50.00 % of 5,000 validation pictures" in record(only_val)
    assert "not been measured" in record(dataclasses.replace(CARD, metrics={}))


def test_the_head_names_every_class() -> None:
    assert "airplane, automobile, bird, cat, deer, dog, frog, horse, ship and truck" in head_html(CARD)


def test_the_head_has_the_figure_of_photographs_where_it_was_measured() -> None:
    assert "photographs" not in head_html(CARD)
    right = {"value": 0.7523, "error": 0.0386, "n": 125}
    page = head_html(dataclasses.replace(CARD, photographs={"accuracy": right}))
    assert "91.23 %" in page and "125" in page and "75.2\u00a0±\u00a03.9\u00a0%" in page


def test_the_facts() -> None:
    page = facts_html(dataclasses.replace(CARD, notes=["Averaged & tested."]))
    facts = ("1.23 k parameters", "recipe smoke, 2 epochs, seed 3, in 2 min 10 s", "0123456789ab")
    assert all(fact in page for fact in (*facts, "torch 2.14.1", "Averaged &amp; tested."))


@pytest.mark.parametrize(
    ("tta", "below", "words"),
    [
        (1, 1.0, "from one pass,"),
        (2, 1.0, "its mirror image,"),
        (6, 0.9, "moved by a pixel to two sides, unless the first pass is at least 90.00 % sure,"),
    ],
)
def test_the_facts_say_over_what_answers_are_averaged(tta: int, below: float, words: str) -> None:
    assert words in facts_html(dataclasses.replace(CARD, tta=tta, tta_below=below))


def test_what_was_measured_for_none_of_the_ten_is_said() -> None:
    unknown = OodThreshold(SCORE, threshold=1.25, false_alarms=0.042, images=5000, split="val")
    calibration = Calibration(1.5, "val", 5000, ece_before=0.05, ece_after=0.012)
    card = dataclasses.replace(CARD, ood=unknown, calibration=calibration)
    assert "4.20 % of 5,000 validation pictures" in describe_alarm(card)[0]
    page = facts_html(card)
    assert "1.25" in page and "1.50" in page and "1.20 %" in page
    assert describe_alarm(CARD) == [] and "OOD score" not in facts_html(CARD)


def test_the_table_shows_every_network_and_marks_the_chosen_one() -> None:
    two = dataclasses.replace(CARD, class_names=["airplane", "automobile"])
    page = networks_html({"a<b": CARD, "two.v1": two}, {"two.v1": 12.4}, "two.v1")
    assert "a&lt;b" in page and "91.23 % of 2 classes" in page and "12 ms" in page
    assert page.count("aria-current") == 1 and page.index("aria-current") > page.index("a&lt;b")
