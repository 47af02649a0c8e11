"""Calibration against what is known: made-up networks whose temperature and errors can be worked out."""

import math

import numpy as np
import pytest
import torch

from cifar_core.metrics.calibration import (
    Sureness,
    fit_sureness,
    fit_temperature,
    picture_losses,
    probabilities,
    reliability,
)


def honest_network(count: int, temperature: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits `temperature` times too large for targets drawn from the right probabilities."""
    generator = np.random.default_rng(seed)
    right = generator.normal(0, 2, (count, 10))
    probs = probabilities(right)
    targets = (probs.cumsum(axis=1) > generator.random((count, 1))).argmax(axis=1)
    return temperature * right, targets.astype(np.int64)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_the_temperature_that_was_put_in_is_found(temperature):
    logits, targets = honest_network(20_000, temperature)
    assert fit_temperature(logits, targets) == pytest.approx(temperature, rel=0.03)


def test_no_temperature_nearby_has_a_lower_loss():
    logits, targets = honest_network(300, 2.0)
    best = fit_temperature(logits, targets)
    losses = [picture_losses(logits, targets, best * factor).mean() for factor in (0.99, 1.0, 1.01)]
    assert losses[1] == min(losses)


def test_losses_are_torchs_and_survive_large_logits():
    logits, targets = honest_network(50, 400.0)
    for temperature in (1.0, 2.5):
        expected = torch.nn.functional.cross_entropy(
            torch.tensor(logits / temperature), torch.tensor(targets), reduction="none"
        )
        assert np.allclose(picture_losses(logits, targets, temperature), expected.numpy())
    assert np.allclose(probabilities(logits).sum(axis=1), 1)


def test_always_right_and_always_wrong_end_at_the_limits():
    logits = np.array([[5.0, 0.0], [0.0, 5.0]])
    assert fit_temperature(logits, np.array([0, 1])) == pytest.approx(0.05, rel=1e-6)
    assert fit_temperature(logits, np.array([1, 0])) == pytest.approx(20, rel=1e-6)


def test_with_doubt_a_few_right_answers_are_believed_in_part():
    logits, targets = np.tile([[5.0, 0.0], [0.0, 5.0]], (10, 1)), np.tile([0, 1], 10)
    found = fit_temperature(logits, targets, doubt=1)
    assert probabilities(logits, found).max(axis=1) == pytest.approx((20 + 1 / 2) / 21)


def test_a_calibration_worked_out_by_hand():
    probs = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.0, 1.0]])
    result = reliability(probs, np.array([0, 1, 0, 1]), bins=10)
    assert list(result.counts) == [0, 0, 0, 0, 0, 1, 0, 0, 2, 1]
    assert (result.accuracy[8], result.confidence[8]) == (0.5, pytest.approx(0.9))
    assert math.isnan(result.accuracy[0]) and math.isnan(result.confidence[0])
    assert result.ece == pytest.approx((2 * 0.4 + 1 * 0.4 + 0) / 4)


def test_an_honest_network_has_a_small_error_and_the_temperature_brings_it_back():
    logits, targets = honest_network(20_000, 3.0)
    sure = reliability(probabilities(logits), targets).ece
    mended = reliability(probabilities(logits, fit_temperature(logits, targets)), targets).ece
    assert sure > 0.1 > 0.02 > mended


def test_the_temperature_moves_no_answer():
    logits, _ = honest_network(200, 1.0)
    assert (probabilities(logits, 7.0).argmax(axis=1) == logits.argmax(axis=1)).all()


@pytest.mark.parametrize("ask", [fit_temperature, reliability])
def test_without_images_there_is_a_sentence(ask):
    with pytest.raises(ValueError, match="one image or more"):
        ask(np.zeros((0, 10)), np.zeros(0, np.int64))


def test_sure_begins_where_enough_answers_are_right():
    top = np.linspace(0.99, 0.51, 100)
    probs = np.stack([top, 1 - top], axis=1)
    targets = np.zeros(100, np.int64)
    targets[60:] = 1  # all from the 61st on are wrong
    fitted = fit_sureness(probs, targets, "val")
    assert fitted.probability == top[60]  # 60 of 61 are right, 60 of 62 too few
    assert (fitted.right, fitted.said, fitted.images) == (pytest.approx(60 / 61, abs=1e-5), 0.61, 100)
    assert fitted.complaint() is None


def test_a_network_that_is_never_right_is_hardly_ever_sure():
    top = np.linspace(0.6, 0.9, 10)
    fitted = fit_sureness(np.stack([top, 1 - top], axis=1), np.ones(10, np.int64), "val")
    assert (fitted.probability, fitted.right, fitted.said) == (top[-1], 0.0, 0.1)
    with pytest.raises(ValueError, match="no targets"):
        fit_sureness(np.zeros((0, 2)), np.zeros(0, np.int64), "val")
    assert "0" in Sureness(0.0, 1, 1, 1, "val").complaint()
