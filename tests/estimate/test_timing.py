"""Contestants take turns, and what is said about their times is arithmetic."""

import pytest

from cifar_core.data.dataset import silent
from cifar_core.estimate.timing import MIN_ROUNDS, Statistic, interleave, rate, ratios


def test_contestants_take_turns_and_the_first_round_does_not_count():
    calls: list[str] = []
    contestants = {name: lambda name=name: calls.append(name) for name in ("plain", "own")}
    samples = interleave(contestants, 0.0, "steps", silent)
    assert calls == ["plain", "own"] * (1 + MIN_ROUNDS)
    assert {name: len(taken) for name, taken in samples.items()} == {"plain": MIN_ROUNDS, "own": MIN_ROUNDS}


def test_the_accelerator_is_waited_for_before_and_after_each_call():
    happened: list[str] = []
    interleave(
        {"own": lambda: happened.append("call")}, 0.0, "steps", silent, lambda: happened.append("wait")
    )
    assert happened == ["wait", "call", "wait"] * (1 + MIN_ROUNDS)


def test_progress_goes_up_to_what_is_allowed():
    told: list[tuple[str, int, int]] = []
    interleave({"own": lambda: None}, 0.01, "steps", lambda *words: told.append(words))
    assert told and all(what == "steps" and done <= total and total > 0 for what, done, total in told)


def test_a_statistic_is_median_and_quartiles_and_below_four_samples_the_extremes():
    assert Statistic.of([3.0, 1.0, 2.0]) == Statistic(2.0, 1.0, 3.0, 3)
    assert Statistic.of([5.0, 1.0, 2.0, 3.0, 4.0]) == Statistic(3.0, 2.0, 4.0, 5)


def test_ratios_are_taken_round_by_round():
    assert ratios([2.0, 30.0, 4.0], [1.0, 10.0, 1.0]) == Statistic(3.0, 2.0, 4.0, 3)
    with pytest.raises(ValueError):
        ratios([1.0], [1.0, 2.0])


def test_a_rate_is_things_a_second():
    assert rate([0.5, 1.0, 2.0], 10) == Statistic(10.0, 5.0, 20.0, 3)
