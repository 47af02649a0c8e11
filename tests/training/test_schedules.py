"""Schedules give the rates of torch's own, and the shapes that their papers draw."""

import warnings

import numpy as np
import pytest
import torch
from torch.optim import SGD, lr_scheduler

from cifar_core.config import TrainConfig
from cifar_core.training.schedules import ONECYCLE_START, learning_rate, mixing_temperature

SPE = 7  # steps per epoch


def ours(config, steps):
    return [learning_rate(config, step, SPE) for step in range(steps)]


def torchs(make, lr, epochs, steps_between=SPE):
    """The rate at each step of an optimizer whose scheduler is stepped once in `steps_between`."""
    optimizer = SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    scheduler = make(optimizer)
    rates = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the optimizer itself takes no step
        for step in range(1, epochs * SPE + 1):
            rates.append(optimizer.param_groups[0]["lr"])
            if step % steps_between == 0:
                scheduler.step()
    return rates


def test_cosine_by_epoch_is_the_published_runs_cosine():
    config = TrainConfig(
        schedule="cosine", schedule_per="epoch", schedule_epochs=100, final_lr=1e-6, lr=0.0015, epochs=40
    )
    expected = torchs(lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=100, eta_min=1e-6), 0.0015, 40)
    np.testing.assert_allclose(ours(config, 40 * SPE), expected, rtol=1e-9)


def test_cosine_by_step_is_torchs_over_all_steps():
    config = TrainConfig(schedule="cosine", final_lr=0.001, lr=0.2, epochs=5)
    expected = torchs(
        lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=5 * SPE, eta_min=0.001), 0.2, 5, steps_between=1
    )
    np.testing.assert_allclose(ours(config, 5 * SPE), expected, rtol=1e-9)


@pytest.mark.parametrize("per", ["step", "epoch"])
def test_step_divides_by_ten_after_its_milestones(per):
    config = TrainConfig(schedule="step", schedule_per=per, milestones=(2, 5), lr=0.3, epochs=8)
    expected = torchs(lambda o: lr_scheduler.MultiStepLR(o, [2, 5], gamma=0.1), 0.3, 8)
    np.testing.assert_allclose(ours(config, 8 * SPE), expected, rtol=1e-9)


def test_milestones_are_met_at_their_step_in_runs_of_any_length():
    for steps_per_epoch in (1, 3, 352, 391):
        config = TrainConfig(schedule="step", milestones=(49,), lr=1.0, epochs=100)
        first = 49 * steps_per_epoch
        assert learning_rate(config, first - 1, steps_per_epoch) == 1.0
        assert learning_rate(config, first, steps_per_epoch) == pytest.approx(0.1)


def test_linear_is_torchs_over_all_steps():
    config = TrainConfig(schedule="linear", lr=0.1, final_lr=0.02, epochs=4)
    expected = torchs(
        lambda o: lr_scheduler.LinearLR(o, start_factor=1.0, end_factor=0.2, total_iters=4 * SPE),
        0.1,
        4,
        steps_between=1,
    )
    np.testing.assert_allclose(ours(config, 4 * SPE), expected, rtol=1e-9)


def test_constant_stays():
    assert set(ours(TrainConfig(schedule="constant", lr=0.3, epochs=3), 3 * SPE)) == {0.3}


@pytest.mark.parametrize("warmup", [0.0, 0.25, 0.9])
def test_onecycle_rises_to_the_peak_and_falls_to_the_end_in_straight_lines(warmup):
    config = TrainConfig(schedule="onecycle", lr=2.0, final_lr=0.01, warmup=warmup, epochs=10)
    progress = np.arange(10 * SPE) / (10 * SPE)
    if warmup:
        expected = np.interp(progress, [0, warmup, 1], [ONECYCLE_START * 2.0, 2.0, 0.01])
    else:
        expected = np.interp(progress, [0, 1], [2.0, 0.01])
    np.testing.assert_allclose(ours(config, 10 * SPE), expected, rtol=1e-9)


def test_onecycle_has_the_ends_and_the_peak_of_torchs():
    config = TrainConfig(schedule="onecycle", lr=2.0, final_lr=0.0008, warmup=0.25, epochs=200)
    oracle = torchs(
        lambda o: lr_scheduler.OneCycleLR(
            o, 2.0, total_steps=200 * SPE + 1, pct_start=0.25, anneal_strategy="linear", final_div_factor=100
        ),
        2.0,
        200,
        steps_between=1,
    )
    np.testing.assert_allclose(ours(config, 200 * SPE), oracle, atol=2.0 / (200 * SPE * 0.25))


@pytest.mark.parametrize("schedule", ["linear", "cosine", "onecycle"])
def test_the_rate_ends_where_it_should_and_stays_there(schedule):
    config = TrainConfig(schedule=schedule, lr=0.5, final_lr=0.004, schedule_epochs=3, epochs=6)
    after = [learning_rate(config, step, SPE) for step in range(3 * SPE, 6 * SPE)]
    np.testing.assert_allclose(after, 0.004, rtol=1e-9)
    assert learning_rate(config, 3 * SPE - 1, SPE) > 0.004


@pytest.mark.parametrize("schedule", ["constant", "step", "linear", "cosine", "onecycle"])
def test_by_epoch_the_rate_is_that_of_the_epochs_first_step(schedule):
    by_step = TrainConfig(schedule=schedule, milestones=(2,), lr=0.5, epochs=6)
    rates = ours(by_step.replace(schedule_per="epoch"), 6 * SPE)
    assert rates == [learning_rate(by_step, step // SPE * SPE, SPE) for step in range(6 * SPE)]


def test_a_schedule_laid_out_for_more_epochs_ends_part_way():
    config = TrainConfig(schedule="linear", lr=1.0, schedule_epochs=10, epochs=4)
    assert learning_rate(config, 4 * SPE, SPE) == pytest.approx(0.6)


def test_the_mixing_temperature_falls_to_1_in_the_first_tenth():
    config = TrainConfig(mixing_temperature=11.0)
    temperatures = [mixing_temperature(config, step, 1000) for step in range(1000)]
    np.testing.assert_allclose(temperatures[:101], np.linspace(11.0, 1.0, 101), rtol=1e-9)
    assert set(temperatures[100:]) == {1.0}


def test_the_mixing_temperature_reaches_1_in_the_shortest_runs():
    config = TrainConfig(mixing_temperature=10.0)
    assert [mixing_temperature(config, step, 3) for step in range(3)] == [10.0, 1.0, 1.0]
