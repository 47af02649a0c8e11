"""The time that a training would take here: arithmetic from measured seconds an image. No torch.

`measure.py` measures a Speed; from it the time of any config with the same step follows at once.
"""

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from cifar_core.config import TrainConfig
from cifar_core.errors import LabError
from cifar_core.format import duration

# What changes how long a run takes only through its number of images and epochs, or not at all. Any other
# setting, also one that is added later, makes a step of its own.
WITHOUT_COST = frozenset(
    {
        *("recipe", "data", "classes", "val_size", "monitored", "train_size", "split_seed", "normalization"),
        *("epochs", "lr", "momentum", "nesterov", "weight_decay", "schedule", "schedule_per"),
        *("schedule_epochs", "warmup", "final_lr", "milestones", "label_smoothing", "accumulation"),
        *("mixing_temperature", "start_from", "head_first", "own_images"),
        *("bias_lr", "head_lr", "mixing_lr", "keep", "tta", "tta_below", "seed"),
        "sync_batch_norm",
    }
)
FULL_SIZE = 32


class MeasuringError(LabError):
    """A speed that was not measured: one sentence says why."""


@dataclass(frozen=True)
class SizeSpeed:
    """The training step at one image size: seconds an image (median, low, high) of `n` steps of `batch`."""

    size: int
    batch: int
    n: int
    seconds: float
    low: float
    high: float


@dataclass(frozen=True)
class Speed:
    """A config's pace on this machine.

    steps: one entry for each image size of the training; val_seconds: of one validation image;
    first_seconds: what the first step takes longer than the others; busy: other programs were at work;
    measured: seconds since 1970.
    """

    steps: list[SizeSpeed]
    val_seconds: float
    first_seconds: float
    parameters: int
    macs: int
    device: str
    precision: str
    threads: int
    busy: bool
    versions: dict[str, str]
    measured: float

    def at(self, size: int) -> SizeSpeed:
        """The step at an image size; where it was not measured, the next larger one stands in."""
        larger = [step for step in self.steps if step.size >= size]
        return min(larger or self.steps, key=lambda step: abs(step.size - size))


def phases_of(config: TrainConfig) -> list[tuple[float, int]]:
    """(share of all steps, image size) of each part of the training; the shares sum to 1.

    The one place that knows how the image size moves during a run.
    """
    epochs_at = Counter(config.image_size(epoch) for epoch in range(1, config.epochs + 1))
    return [(count / config.epochs, size) for size, count in epochs_at.items()]


def images_an_epoch(config: TrainConfig) -> int:
    """Training images that an epoch goes through, for the data sets whose size is known beforehand."""
    known = config.data_set
    images = max(0, known.train_images - (config.val_size if config.monitored == "val" else 0))
    if config.train_size:
        images = min(images, config.train_size)
    return images - (images % config.batch_size == 1)


def estimate_seconds(config: TrainConfig, speed: Speed) -> float:
    """Seconds from the first step to the last validation."""
    step_images = images_an_epoch(config) * config.epochs
    training = sum(share * step_images * speed.at(size).seconds for share, size in phases_of(config))
    measured = config.val_size if config.monitored == "val" else config.data_set.test_images
    return speed.first_seconds + training + config.epochs * measured * speed.val_seconds


def about(seconds: float) -> str:
    """A time as rough as an estimate is, in the words of all times: "40 s", "14 min", "2 h 30 min"."""
    step = next((step for limit, step in _STEPS if seconds < limit), 86_400)
    whole = max(1, round(seconds / step)) * step
    return re.sub(r" 0+ (s|min|h)$", "", duration(whole))


_STEPS = ((10, 1), (55, 5), (3570, 60), (5 * 3600, 300), (36 * 3600, 3600))  # (below so many, round to)


def cost_settings(config: TrainConfig) -> dict[str, Any]:
    """The settings that decide how long a step takes."""
    return {name: value for name, value in config.to_json().items() if name not in WITHOUT_COST}


def is_plausible(speed: Speed) -> bool:
    """True for finite times above 0, as a damaged file may not have them."""
    times = [speed.val_seconds, *(step.seconds for step in speed.steps)]
    return bool(speed.steps) and all(math.isfinite(time) and time > 0 for time in times)
