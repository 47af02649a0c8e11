"""Measures on photographs agree with counting by hand, and their errors with what repeated draws show."""

import numpy as np
import pytest

from cifar_core.metrics.photographs import Answers, complaint_about, measure_photographs


def answers(rows, none=None, scores=None):
    """Answers of a network with three classes, sure from 0.7 on: rows of (class, probability)."""
    probs = np.zeros((len(rows), 3))
    for row, (number, probability) in enumerate(rows):
        probs[row] = (1 - probability) / 2
        probs[row, number] = probability
    flags = None if none is None else np.array(none, np.bool_)
    sure = (probs.max(axis=1) >= 0.7) & ~np.array([False] * len(rows) if none is None else none)
    values = np.array(scores or [])
    return Answers(probs, sure, {} if scores is None else {"ood": values, "knn": -values}, flags)


KNOWN = answers([(0, 0.9), (0, 0.6), (1, 0.8), (0, 0.95)], [False, False, False, True], [0.0, 1.0, 2.0, 5.0])
TARGETS = np.array([0, 0, 0, 1])


def test_shares_are_those_that_counting_gives():
    far = answers([(2, 0.9), (2, 0.4)], [False, True], [3.0, 9.0])
    result = measure_photographs(KNOWN, TARGETS, {"far": far})
    assert (result.accuracy.value, result.accuracy.n) == (0.5, 4)
    assert result.balanced_accuracy.value == pytest.approx((2 / 3 + 0) / 2)  # the third class has none
    assert result.called_none.value == 0.25 and result.right_and_shown.value == 0.5
    assert result.sure.value == 0.5  # the last is above the limit, and called none
    assert (result.sure_right.value, result.sure_right.n) == (0.5, 2)
    assert (result.others["far"].called_none.value, result.others["far"].sure.value) == (0.5, 0.5)
    assert result.others["far"].auroc.value == 7 / 8 and result.others["far"].auroc.n == 6
    assert result.to_json()["others"]["far"]["baselines"]["knn"]["value"] == 1 / 8


def test_the_calibration_error_is_that_of_the_bins_and_its_error_shrinks_with_their_number():
    few, many = answers([(0, 0.8)] * 10), answers([(0, 0.8)] * 1000)
    targets = np.array([0] * 6 + [1] * 4)
    one, other = (measure_photographs(*pair, {}) for pair in ((few, targets), (many, np.tile(targets, 100))))
    assert one.calibration_error.value == pytest.approx(0.2) and one.calibration_error.n == 10
    assert 0 < other.calibration_error.error < one.calibration_error.error / 3


def test_a_network_without_an_ood_score_shows_every_answer():
    bare = answers([(0, 0.7), (1, 0.5)])
    result = measure_photographs(bare, np.array([0, 0]), {"far": answers([(2, 0.9)])})
    assert result.called_none is None and result.right_and_shown == result.accuracy
    assert result.sure.value == 0.5
    assert result.others["far"].auroc is None and result.others["far"].sure.value == 1


def test_where_nothing_is_sure_there_is_no_share_of_it_that_is_right():
    assert measure_photographs(answers([(0, 0.5)]), np.array([0]), {}).sure_right is None


def test_errors_are_the_spread_over_repeated_draws():
    generator = np.random.default_rng(0)
    targets = np.repeat([0, 1], [90, 10])  # few of the second class, so its share decides
    balanced = []
    for _ in range(400):
        right = generator.random(100) < np.where(targets == 0, 0.9, 0.5)
        rows = [(target if good else 2, 0.9) for target, good in zip(targets, right, strict=True)]
        balanced.append(measure_photographs(answers(rows), targets, {}).balanced_accuracy)
    spread = np.std([one.value for one in balanced])
    assert np.mean([one.error for one in balanced]) == pytest.approx(spread, rel=0.15)


@pytest.mark.parametrize("targets", [[], [0, 1]])
def test_each_answer_needs_a_target(targets):
    with pytest.raises(ValueError, match=f"{len(targets)} targets for 4"):
        measure_photographs(KNOWN, np.array(targets, np.int64), {})


def test_a_document_that_is_none_is_complained_about():
    far = answers([(2, 0.9), (2, 0.4)], [False, True], [3.0, 9.0])
    document = measure_photographs(KNOWN, TARGETS, {"far": far}).to_json()
    assert complaint_about(document) is complaint_about({}) is None
    assert "accuracy" in complaint_about({**document, "accuracy": {"value": 0.5}})
    assert "sure" in complaint_about({**document, "sure": {**document["sure"], "n": "many"}})
    assert "far auroc" in complaint_about({**document, "others": {"far": {"auroc": 3}}})
    assert complaint_about({**document, "others": 3}) and complaint_about({**document, "others": {"far": 3}})
