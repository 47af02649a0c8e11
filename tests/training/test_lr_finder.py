"""The range test grows the rate step by step, ends when the loss bursts, and suggests the steepest fall."""

import math
from itertools import pairwise

import pytest

from cifar_core.training import lr_finder as subject
from cifar_core.training.lr_finder import HIGHEST, LOWEST, Point, flat, rates, run_lr_finder, suggestion
from tests.support.toy_trainers import tiny_net, toy_config, train_batches, trainer_of

OPTIMIZERS = {
    "sgd": {"lr": 0.3},
    "adamw": {"lr": 0.02},
    "rmsprop": {"lr": 0.01, "momentum": 0.0},
    "muon": {"lr": 0.1, "head_lr": 0.2, "bias_lr": 0.05},
}


def test_rates_grow_by_one_factor_over_the_whole_range():
    grown = rates(0.2, 50)
    assert grown[0] == pytest.approx(0.2 * LOWEST) and grown[-1] == pytest.approx(0.2 * HIGHEST)
    steps = [after / before for before, after in pairwise(grown)]
    assert steps == pytest.approx([steps[0]] * 49) and steps[0] > 1


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_group_grows_together(optimizer):
    trainer = trainer_of(tiny_net(batch_norm=True), optimizer=optimizer, **OPTIMIZERS[optimizer])
    before = [group["lr"] for group in trainer.optimizer.param_groups]
    points = []
    for point in run_lr_finder(trainer, train_batches(), steps=30):
        points.append(point)
        share = point.lr / trainer.config.lr
        assert [group["lr"] for group in trainer.optimizer.param_groups] == pytest.approx(
            [share * lr for lr in before]
        )
    assert len(points) > 10 and trainer.step >= len(points)
    assert all(math.isfinite(point.loss) for point in points)


def test_it_learns_and_suggests_a_rate():
    trainer = trainer_of(tiny_net(), lr=1.0)
    points = list(run_lr_finder(trainer, train_batches(), steps=60))
    assert min(point.average for point in points) < points[0].average
    found = suggestion(points)
    assert found is not None and points[0].lr < found < points[-1].lr


@pytest.mark.parametrize("burst", [40.0, math.nan, math.inf])
def test_it_ends_when_the_loss_bursts(monkeypatch, burst):
    losses = iter([2.0, 1.0, 1.0, *[burst] * 20])
    monkeypatch.setattr(subject, "_loss_at", lambda *_: next(losses))
    points = list(run_lr_finder(trainer_of(tiny_net()), train_batches(), steps=20))
    assert len(points) == 3 and points[-1].average < 2


def test_the_average_has_no_false_start():
    first = next(run_lr_finder(trainer_of(tiny_net()), train_batches(), steps=5))
    assert first.average == pytest.approx(first.loss)


def curve(averages):
    return [Point(10.0 ** (number / 10), average, average) for number, average in enumerate(averages)]


def test_the_steepest_fall_before_the_minimum_is_suggested():
    points = curve([2.3] * 20 + [2.2, 1.9, 1.3, 1.25, 1.2, 1.6, 9.0])
    assert suggestion(points) == points[21].lr  # from 2.2 to 1.3 over its two neighbors


@pytest.mark.parametrize("averages", [[], [2.0], [2.0, 2.1, 2.2, 2.3], [1.0] * 30, [2.3] * 20 + [2.25, 2.4]])
def test_a_loss_that_hardly_falls_gives_no_rate(averages):
    assert suggestion(curve(averages)) is None


def test_the_schedule_of_the_recipe_is_left_out():
    config = toy_config(schedule="onecycle")
    assert flat(config).schedule == "constant" and flat(config).lr == config.lr
