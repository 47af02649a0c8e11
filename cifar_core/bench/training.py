"""`bench train`: a recipe's step beside the loop of the tutorials, and how long recipes take here."""

import dataclasses
from collections.abc import Callable
from typing import Any

from cifar_core.bench.plain import TutorialSteps, as_tutorials_write, tutorial_loader
from cifar_core.bench.report import TORCHVISION_MISSING, Report, Row, Section, has_torchvision, setting_of
from cifar_core.config import TrainConfig
from cifar_core.device import Device
from cifar_core.estimate.measure import device_for, machine_is_busy, measure
from cifar_core.estimate.speed import Speed, about, cost_settings, estimate_seconds
from cifar_core.estimate.steps import Steps, create_network, drawn_images
from cifar_core.estimate.timing import Budget, Notify, Statistic, interleave, rate, ratios
from cifar_core.recipes import Recipe
from cifar_core.runs.store import RunStore

SHIPPED, OWN_LOOP, TUTORIAL = "as shipped", "own loop, fp32, NCHW", "tutorial: DataLoader, eager"
STEP_SHARE = 0.5  # of the time; the estimates of the recipes share the rest
EACH_RECIPE = 0.5  # seconds at least


def bench_train(
    recipe: Recipe, estimated: list[Recipe], seconds: float, store: RunStore, notify: Notify
) -> Report:
    """Images a second of `recipe`'s step in three ways; then the time of each of the `estimated` recipes."""
    device = device_for(recipe.config.precision)
    setting, busy = setting_of(device, store), machine_is_busy()
    budget = Budget.start(seconds)
    steps = step_section(recipe.config, device, seconds * STEP_SHARE, notify)
    speeds = measure_all([one.config for one in estimated], budget, busy, notify)
    times = time_section(estimated, speeds)
    missing = [] if has_torchvision() else [TORCHVISION_MISSING]
    return Report("train", setting, [steps, times], _conclusion(recipe, steps, speeds), missing)


def step_section(config: TrainConfig, device: Device, seconds: float, notify: Notify) -> Section:
    """Images a second of the whole step: cut, augment, forward, backward, optimizer.

    Both baselines train the same network, as tutorials write it.
    """
    plain_device = dataclasses.replace(device, precision="fp32")
    config = config.replace(teachers="", outliers=0.0)  # which no tutorial has
    network = create_network(config)
    calls: dict[str, Callable[[], Any]] = {
        OWN_LOOP: Steps(config, plain_device, as_tutorials_write(network), plain_layout=True).step,
        SHIPPED: Steps(config, device).step,
    }
    if has_torchvision():
        drawn = drawn_images(max(2000, 2 * config.batch_size))
        loader = tutorial_loader(drawn.images, drawn.targets, config, workers=0)
        tutorial = TutorialSteps(as_tutorials_write(network), loader, device.torch_device)
        calls = {TUTORIAL: tutorial.step, **calls}
    samples = interleave(calls, seconds, "training steps", notify, device.synchronize)
    baseline = next(iter(calls))
    rows = [
        Row(name, {"images": rate(taken, config.batch_size), "gain": ratios(samples[baseline], taken)})
        for name, taken in reversed(samples.items())
    ]
    columns = {"images": "images a second", "gain": f"times {baseline.partition(':')[0].partition(',')[0]}"}
    return Section(f"Training step of {config.recipe}, batch {config.batch_size}", columns, rows)


def measure_all(configs: list[TrainConfig], budget: Budget, busy: bool, notify: Notify) -> list[Speed]:
    """A Speed for each config; those with the same step share one measurement."""
    different = {repr(cost_settings(config)): config for config in configs}
    found: dict[str, Speed] = {}
    for number, (key, config) in enumerate(different.items(), start=1):
        share = max(EACH_RECIPE, budget.left / (len(different) - len(found)))
        found[key] = measure(config, share, busy)
        notify("pace of recipes", number, len(different))
    return [found[repr(cost_settings(config))] for config in configs]


def time_section(recipes: list[Recipe], speeds: list[Speed]) -> Section:
    """Return the time that each recipe would take here, from its own measured steps."""
    rows = []
    for recipe, speed in zip(recipes, speeds, strict=True):
        seconds = estimate_seconds(recipe.config, speed)
        step = speed.steps[-1]
        pace = Statistic(1 / step.seconds, 1 / step.high, 1 / step.low, step.n)
        spread = Statistic(
            seconds, seconds * step.low / step.seconds, seconds * step.high / step.seconds, step.n
        )
        words = f"{recipe.config.epochs} epochs: about {about(seconds)}"
        rows.append(Row(recipe.name, {"images": pace, "seconds": spread}, words))
    columns = {"images": "images a second", "seconds": "seconds in all"}
    return Section("How long would it take here (from the first step to the last validation)", columns, rows)


def _conclusion(recipe: Recipe, steps: Section, speeds: list[Speed]) -> str:
    rows = {row.name: row.figures for row in steps.rows}
    images = rows[SHIPPED]["images"].median
    if TUTORIAL in rows:
        beside = f"{rows[SHIPPED]['gain'].median:.2f} times the loop of the tutorials"
    else:
        beside = f"{rows[SHIPPED]['gain'].median:.2f} times the same loop in fp32 and NCHW"
    same = [speed for speed in speeds if speed.busy]
    end = "; other programs were at work, so it may be quicker" if same else ""
    return f"Here {recipe.name} trains on {images:,.0f} images a second, {beside}{end}."
