"""Learning rate and mixing temperature as pure functions of the progress of a run. No torch.

`progress` is the share of the schedule that is done, 0..1.
"""

import math
from collections.abc import Callable, Sequence

from cifar_core.config import TrainConfig
from cifar_core.settings import choose

TEMPERATURE_SHARE = 0.1  # the mixing temperature falls to 1 over this share of the run
ONECYCLE_START = 0.04  # share of the largest rate at which one-cycle begins (torch's OneCycleLR: 1/25)


def linear(progress: float, start: float, end: float) -> float:
    """From start to end in a straight line."""
    return start + (end - start) * progress


def cosine(progress: float, start: float, end: float) -> float:
    """From start to end along half a cosine (Loshchilov & Hutter 2017, arXiv 1608.03983)."""
    return end + (start - end) * (1 + math.cos(math.pi * progress)) / 2


def onecycle(progress: float, peak: float, end: float, warmup: float) -> float:
    """Up to the peak and down to the end in straight lines (Smith & Topin 2018, arXiv 1708.07120)."""
    if progress < warmup:
        return linear(progress / warmup, ONECYCLE_START * peak, peak)
    return linear((progress - warmup) / (1 - warmup), peak, end)


def step_decay(lr: float, done: float, milestones: Sequence[int]) -> float:
    """A tenth of the rate from each milestone on; `done` and the milestones count epochs."""
    return lr * 0.1 ** sum(done >= milestone for milestone in milestones)


# Name in a config -> the rate, from the config, the epochs that are done and the progress.
SCHEDULES: dict[str, Callable[[TrainConfig, float, float], float]] = {
    "constant": lambda config, done, progress: config.lr,
    "step": lambda config, done, progress: step_decay(config.lr, done, config.milestones),
    "linear": lambda config, done, progress: linear(progress, config.lr, config.final_lr),
    "cosine": lambda config, done, progress: cosine(progress, config.lr, config.final_lr),
    "onecycle": lambda config, done, progress: onecycle(progress, config.lr, config.final_lr, config.warmup),
}


def learning_rate(config: TrainConfig, step: int, steps_per_epoch: int) -> float:
    """The rate of step number `step` (from 0); the schedule spans `schedule_epochs` or the whole run."""
    done = step / steps_per_epoch
    if config.schedule_per == "epoch":
        done = math.floor(done)
    progress = min(1.0, done / (config.schedule_epochs or config.epochs))
    return choose(SCHEDULES, "schedule", config.schedule)(config, done, progress)


def mixing_temperature(config: TrainConfig, step: int, total_steps: int) -> float:
    """The softmax temperature of step number `step`: from the config's value down to 1."""
    progress = min(1.0, step / max(1.0, TEMPERATURE_SHARE * total_steps))
    return linear(progress, config.mixing_temperature, 1.0)
