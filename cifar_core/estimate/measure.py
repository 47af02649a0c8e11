"""Measure how long a config would train here: its own step, a few times, and a validation batch.

Nothing is measured beside a training, and the measuring ends when one begins.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch
from filelock import Timeout

from cifar_core.config import TrainConfig
from cifar_core.cores import processors
from cifar_core.device import Device, find_device, versions
from cifar_core.estimate.speed import MeasuringError, SizeSpeed, Speed, phases_of
from cifar_core.estimate.steps import Steps, create_network
from cifar_core.estimate.store import keep_speed, measuring_lock, refuse_beside_training
from cifar_core.estimate.timing import Budget, Statistic, timed
from cifar_core.models import ModelError, count_macs, count_parameters
from cifar_core.runs.store import RunStore
from cifar_core.training.evaluation import evaluate

SECONDS = 5.0  # of measuring
MIN_STEPS, PROBE_STEPS, SMALL_BATCH = 3, 3, 16
LOOK_SECONDS = 0.5  # between two looks whether a training has begun
BUSY_LOAD = 0.5  # processes that want to run, for each processor
NO_MEMORY = "There is not enough memory for a step of this batch size; choose a smaller one."

Check = Callable[[], None]


def measure_and_keep(config: TrainConfig, store: RunStore, seconds: float = SECONDS) -> Speed:
    """Measure the config's speed and keep it for the next time.

    Raises:
        MeasuringError: when a training runs, another process measures, or the memory does not suffice.
        ModelError: when the config names a network that does not exist, or arguments that it does not take.
    """
    busy, watch = machine_is_busy(), TrainingWatch(store)
    watch()
    try:
        with measuring_lock():
            outcome = measure(config, seconds, busy, watch)
    except Timeout:
        raise MeasuringError("Another process is measuring; try again in a few seconds.") from None
    except (torch.OutOfMemoryError, MemoryError):
        keep_speed(config, NO_MEMORY)
        raise MeasuringError(NO_MEMORY) from None
    except ModelError as error:
        keep_speed(config, str(error))
        raise
    keep_speed(config, outcome)
    return outcome


class TrainingWatch:
    """Called between steps: raises MeasuringError when a training of the store lives."""

    def __init__(self, store: RunStore) -> None:
        self.store, self.looked = store, -LOOK_SECONDS

    def __call__(self) -> None:
        if time.monotonic() - self.looked < LOOK_SECONDS:
            return
        self.looked = time.monotonic()
        refuse_beside_training(self.store)


def machine_is_busy() -> bool:
    """True when other programs have kept half of the processors at work in the last minute."""
    return hasattr(os, "getloadavg") and os.getloadavg()[0] > BUSY_LOAD * processors()


@lru_cache
def device_for(precision: str) -> Device:
    """find_device, probed once a process."""
    return find_device(precision)


def measure(config: TrainConfig, seconds: float, busy: bool, check: Check = lambda: None) -> Speed:
    """Measure the config's steps at each of its image sizes, and one validation batch, in about `seconds`.

    A step that would take long is run with a smaller batch; what a step costs whatever its batch (above all
    the optimizer) then counts as seldom as in the config's own. `check` is called between steps.
    """
    device = device_for(config.precision)
    sizes = sorted({size for _, size in phases_of(config)})
    each = seconds / (len(sizes) + 0.5)
    cost, first = _probe(config, device, max(sizes), check)
    batch = min(config.batch_size, max(SMALL_BATCH, int(each / 5 / cost.image_seconds)))
    steps = Steps(config, device, batch=batch)
    measured = []
    for size in sizes:
        speed, extra = _size_speed(steps, size, each, check, cost.fixed_seconds)
        measured.append(speed)
        first += extra
    network = create_network(config)
    return Speed(
        steps=measured,
        val_seconds=_val_seconds(steps, device, each / 2, check),
        first_seconds=first,
        parameters=count_parameters(network),
        macs=count_macs(network),
        device=device.name,
        precision=device.precision,
        threads=torch.get_num_threads(),
        busy=busy,
        versions=versions(),
        measured=time.time(),
    )


@dataclass(frozen=True)
class StepCost:
    """A step takes fixed_seconds + batch · image_seconds."""

    fixed_seconds: float
    image_seconds: float


def _probe(config: TrainConfig, device: Device, size: int, check: Check) -> tuple[StepCost, float]:
    """Return what a step costs, from steps of two small batches, and what the very first one took longer."""
    small = min(config.batch_size, SMALL_BATCH)
    large = min(config.batch_size, 3 * small)
    first, seconds = _quickest_step(config, device, size, small, check)
    if large == small:
        return StepCost(0.0, seconds / small), first
    _, more = _quickest_step(config, device, size, large, check)
    image_seconds = max((more - seconds) / (large - small), 0.1 * more / large)  # the clock may be shaken
    return StepCost(max(0.0, seconds - small * image_seconds), image_seconds), first


def _quickest_step(
    config: TrainConfig, device: Device, size: int, batch: int, check: Check
) -> tuple[float, float]:
    """(extra seconds of the first step, seconds of the quickest of those after it)."""
    steps = Steps(config, device, batch=batch)
    samples = []
    for _ in range(1 + PROBE_STEPS):
        check()
        samples.append(timed(lambda: steps.step(size), device.synchronize))
    quickest = min(samples[1:])
    return max(0.0, samples[0] - quickest), quickest


def _size_speed(
    steps: Steps, size: int, seconds: float, check: Check, fixed_seconds: float
) -> tuple[SizeSpeed, float]:
    """The step at one size, as the config's own batch would take it, and the first one's extra seconds."""
    budget = Budget.start(seconds)
    samples: list[float] = []
    while len(samples) <= MIN_STEPS or budget.left > 0:
        check()
        samples.append(timed(lambda: steps.step(size), steps.device.synchronize))
    found = Statistic.of(samples[1:])
    extra = max(0.0, samples[0] - found.median)
    whole = steps.trainer.config.batch_size

    def an_image(step_seconds: float) -> float:
        fixed = min(fixed_seconds, step_seconds)
        return (step_seconds - fixed) / steps.batch + fixed / whole

    times = (an_image(found.median), an_image(found.low), an_image(found.high))
    return SizeSpeed(size, steps.batch, found.n, *times), extra


def _val_seconds(steps: Steps, device: Device, seconds: float, check: Check) -> float:
    """Seconds a validation image, as the run validates."""
    batch = next(steps.val.in_order())
    images, targets = batch[0][: 2 * steps.batch], batch[1][: 2 * steps.batch]

    def validate() -> None:
        for _ in evaluate(steps.trainer.averaged, [(images, targets)], device):
            check()

    validate()
    budget, samples = Budget.start(seconds), [timed(validate, device.synchronize)]
    while budget.left > samples[-1]:
        samples.append(timed(validate, device.synchronize))
    return Statistic.of(samples).median / len(targets)
