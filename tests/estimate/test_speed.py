"""The time of a training follows from its pace, its images and its epochs."""

import dataclasses

import pytest

from cifar_core.config import TrainConfig, field_specs
from cifar_core.estimate.speed import (
    WITHOUT_COST,
    SizeSpeed,
    Speed,
    about,
    cost_settings,
    estimate_seconds,
    images_an_epoch,
    phases_of,
)
from cifar_core.recipes import get_recipe, list_recipes


def speed(*sizes: tuple[int, float]) -> Speed:
    steps = [SizeSpeed(size, 32, 5, seconds, seconds, seconds) for size, seconds in sizes or [(32, 0.01)]]
    return Speed(steps, 0.001, 2.0, 1_000, 2_000, "a toy", "fp32", 2, False, {}, 1e9)


def test_time_is_images_times_pace_plus_validation():
    config = TrainConfig(epochs=10, batch_size=100)
    assert estimate_seconds(config, speed()) == pytest.approx(2 + 10 * (45_000 * 0.01 + 5_000 * 0.001))


def test_settings_of_the_amount_change_the_time_and_not_the_pace():
    config = TrainConfig(epochs=10, batch_size=100)
    shorter = config.replace(epochs=5, train_size=1000, lr=0.3, seed=4)
    assert cost_settings(shorter) == cost_settings(config)
    assert estimate_seconds(shorter, speed()) == pytest.approx(2 + 5 * (1000 * 0.01 + 5_000 * 0.001))
    assert cost_settings(config.replace(batch_size=200)) != cost_settings(config)


def test_settings_without_cost_are_settings():
    assert {spec.name for spec in field_specs()} >= WITHOUT_COST


def test_a_last_batch_of_one_image_is_left_out():
    config = TrainConfig(data="synthetic", val_size=500, batch_size=499)
    assert images_an_epoch(config) == 1500
    assert images_an_epoch(config.replace(train_size=500)) == 499


@pytest.mark.parametrize("name", list_recipes())
def test_the_phases_of_a_recipe_are_all_of_its_steps(name):
    phases = phases_of(get_recipe(name).config)
    assert sum(share for share, _ in phases) == pytest.approx(1)
    assert all(size > 0 for _, size in phases)


def test_each_phase_takes_the_pace_of_its_size(monkeypatch):
    monkeypatch.setattr("cifar_core.estimate.speed.phases_of", lambda config: [(0.25, 20), (0.75, 32)])
    config = TrainConfig(epochs=4, batch_size=100)
    seconds = estimate_seconds(config, speed((20, 0.004), (32, 0.01)))
    assert seconds == pytest.approx(2 + 45_000 * 4 * (0.25 * 0.004 + 0.75 * 0.01) + 4 * 5)


def test_a_size_that_was_not_measured_takes_the_next_larger_one():
    measured = speed((20, 0.004), (32, 0.01))
    assert [measured.at(size).size for size in (16, 20, 24, 32, 40)] == [20, 20, 32, 32, 32]


def test_about_is_as_rough_as_an_estimate():
    seconds = (0.2, 1, 7.4, 42, 57, 100, 840, 3300, 3590, 5400, 3960, 3600 * 20, 3600 * 100, 3600 * 23.9)
    words = "1 s|1 s|7 s|40 s|1 min|2 min|14 min|55 min|1 h|1 h 30 min|1 h 05 min|20 h|4 d|1 d"
    assert [about(value) for value in seconds] == words.split("|")


def test_the_record_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        speed().busy = True  # type: ignore[misc]
