"""The learning rate range test (Smith 2015, arXiv 1506.01186): the rate grows until the loss bursts.

As in fastai the rate grows exponentially and the loss is a moving average. Suggested is the rate at which
that falls most steeply: a step there gains most, and the burst is still far.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from torch import Tensor

from cifar_core.config import TrainConfig
from cifar_core.training.loop import TrainBatches
from cifar_core.training.trainer import Trainer

LOWEST, HIGHEST = 1e-4, 10.0  # times the recipe's rate
STEPS = 80
KEPT = 0.9  # of the moving average, a step
BURST = 4.0  # times the lowest average: the test ends
LEAST_FALL = 0.05  # share of the first average; a smaller fall may be chance
WARMUP_STEPS = 10  # whose average is still rough: no suggestion comes from them


@dataclass(frozen=True)
class Point:
    """One step: its rate, its loss and the moving average of the losses (nats)."""

    lr: float
    loss: float
    average: float


def flat(config: TrainConfig) -> TrainConfig:
    """The config with a constant rate, as the test sets its own, for all layers."""
    return config.replace(schedule="constant", head_first=0.0)


def rates(lr: float, steps: int = STEPS) -> list[float]:
    """The rates of the test, from LOWEST to HIGHEST times `lr`, each the same factor above the one before."""
    return [lr * LOWEST * (HIGHEST / LOWEST) ** (step / (steps - 1)) for step in range(steps)]


def run_lr_finder(trainer: Trainer, batches: TrainBatches, steps: int = STEPS) -> Iterator[Point]:
    """Train with growing rates, one Point a step; ends when the average is BURST times its lowest.

    The trainer's config has a constant schedule (`flat`); every group of the optimizer keeps its share.
    """
    trainer.model.train()
    kept, lowest = 0.0, math.inf
    epochs = cycle(range(1, trainer.config.epochs + 1))
    images = islice((batch for epoch in epochs for batch in batches.epoch(epoch)), steps)
    for number, (lr, batch) in enumerate(zip(rates(trainer.config.lr, steps), images, strict=True), 1):
        loss = _loss_at(trainer, lr, batch)
        kept = KEPT * kept + (1 - KEPT) * loss
        average = kept / (1 - KEPT**number)
        if not math.isfinite(average) or average > BURST * lowest:
            return
        lowest = min(lowest, average)
        yield Point(lr, loss, average)


def _loss_at(trainer: Trainer, lr: float, batch: tuple[Tensor, ...]) -> float:
    trainer.scale_lr(lr / trainer.config.lr)
    trainer.train_step(*batch)
    return trainer.take_window()[0]


def suggestion(points: Sequence[Point]) -> float | None:
    """The rate where the average falls most steeply along log rate; None where it hardly falls."""
    lowest = min(range(len(points)), key=lambda place: points[place].average, default=0)
    if not points or points[lowest].average > (1 - LEAST_FALL) * points[0].average:
        return None
    best, steepest = None, 0.0
    for place in range(max(1, min(WARMUP_STEPS, lowest // 2)), lowest):
        before, after = points[place - 1], points[place + 1]
        slope = (after.average - before.average) / math.log(after.lr / before.lr)
        if slope < steepest:
            best, steepest = points[place].lr, slope
    return best
