"""Measures agree with counting by hand, and refuse what cannot be counted."""

import numpy as np
import pytest

from cifar_core.metrics.classification import accuracy, classes_differ, confusion_matrix, per_class_accuracy


@pytest.fixture
def answers():
    generator = np.random.default_rng(0)
    targets = generator.integers(0, 4, 200)
    predictions = np.where(generator.random(200) < 0.6, targets, generator.integers(0, 4, 200))
    return targets, predictions


def test_confusion_agrees_with_counting_one_by_one(answers):
    counted = np.zeros((5, 5), dtype=np.int64)
    for target, prediction in zip(*answers, strict=True):
        counted[target, prediction] += 1
    confusion = confusion_matrix(*answers, num_classes=5)
    np.testing.assert_array_equal(confusion, counted)
    assert confusion.dtype == np.int64
    assert counted[0, 1] != counted[1, 0]  # rows and columns cannot be mistaken for one another


def test_the_three_measures_agree_with_one_another(answers):
    confusion = confusion_matrix(*answers, num_classes=4)
    assert accuracy(*answers) == pytest.approx(np.trace(confusion) / 200)
    shares = confusion.sum(axis=1) / 200
    assert accuracy(*answers) == pytest.approx((per_class_accuracy(confusion) * shares).sum())


def test_a_class_is_recognized_as_often_as_its_own_images_are():
    targets, predictions = np.array([0, 0, 0, 0, 1, 3]), np.array([0, 0, 0, 1, 1, 0])
    shares = per_class_accuracy(confusion_matrix(targets, predictions, 4))
    np.testing.assert_array_equal(shares, [0.75, 1.0, np.nan, 0.0])


@pytest.mark.parametrize(("targets", "predictions"), [([], []), ([1], []), ([1, 2], [1])])
def test_accuracy_needs_a_prediction_for_each_of_some_images(targets, predictions):
    with pytest.raises(ValueError, match="targets"):
        accuracy(np.array(targets, dtype=np.int64), np.array(predictions, dtype=np.int64))


def test_confusion_of_nothing_is_zero():
    nothing = np.array([], dtype=np.int64)
    np.testing.assert_array_equal(confusion_matrix(nothing, nothing, 3), np.zeros((3, 3)))


@pytest.mark.parametrize(
    ("targets", "predictions", "wrong"),
    [([0, 1], [0, 3], "predictions"), ([0, -1], [0, 1], "targets"), ([3, 1], [0, 1], "targets")],
)
def test_a_number_that_is_no_class_never_counts_as_another_class(targets, predictions, wrong):
    with pytest.raises(ValueError, match=f"{wrong} are from .* from 0 to 2"):
        confusion_matrix(np.array(targets), np.array(predictions), num_classes=3)


def test_one_prediction_is_not_spread_over_all_images():
    with pytest.raises(ValueError, match="3 targets and 1 predictions"):
        confusion_matrix(np.array([0, 1, 2]), np.array([0]), num_classes=3)


# The error of an accuracy


def confusion_of(right, size):
    """Classes of `size` images each, of which so many are right and the others taken for the next class."""
    wrong = np.roll(np.diag(size - np.asarray(right)), 1, axis=1)
    return np.diag(right) + wrong


@pytest.mark.parametrize("classes", [2, 10, 100])
def test_classes_that_are_equally_hard_are_seldom_called_different(classes):
    draws = np.random.default_rng(0).binomial(100, 0.9, (1000, classes))
    called = np.mean([classes_differ(confusion_of(right, 100)) for right in draws])
    assert 0.01 < called < 0.09


def test_a_class_that_is_harder_is_seen():
    assert classes_differ(confusion_of([90, 92, 70, 91], 100))
    assert not classes_differ(confusion_of([9, 9, 7, 9], 10))
    for certain in (np.zeros((3, 3), np.int64), np.diag([5, 5, 0]), np.array([[0, 5], [5, 0]])):
        assert not classes_differ(certain)
