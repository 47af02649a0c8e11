"""The training loop: a generator of events. It yields, the caller records, saves, pauses or stops.

Between two events the trainer's state is complete: a caller may save it, leave the generator, and later go on
with an equal one.
"""

import math
from collections.abc import Generator, Iterator, Sized
from typing import Protocol

from torch import Tensor

from cifar_core.errors import LabError
from cifar_core.runs.events import Beat, Epoch, Resume, RunEnd, RunStart, Step
from cifar_core.training.evaluation import Evaluation, evaluate
from cifar_core.training.trainer import Trainer

STEP_EVENTS_PER_EPOCH = 40


class TrainingError(LabError):
    """Training that cannot go on."""


class TrainBatches(Sized, Protocol):
    """Training data: as many batches as `len` says, each what `Trainer.train_step` takes."""

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[Tensor, ...]]:
        """The batches of an epoch from number `start` on; equal for equal epochs."""
        ...


class ValBatches(Protocol):
    """Validation data."""

    def in_order(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Every image once: (images (N, 3, H, W), targets (N,))."""
        ...


def fit(
    trainer: Trainer, train: TrainBatches, val: ValBatches, start: RunStart | Resume
) -> Iterator[RunStart | Resume | Beat | Step | Epoch | RunEnd]:
    """Train from the trainer's position to the config's last epoch.

    Yields `start`, a Beat after every step and validation batch, a Step about 40 times an epoch and after
    the first step, an Epoch at each end, and RunEnd.

    Raises:
        TrainingError: when the loss is no longer a number.
    """
    trainer.restart_clock()
    yield start
    while trainer.epochs_done < trainer.config.epochs:
        yield from _train_epoch(trainer, train)
        yield from _end_epoch(trainer, val)
    trainer.mark_time()
    yield end_event(trainer, "finished")


def end_event(trainer: Trainer, state: str) -> RunEnd:
    """The last event of a run that is "finished", "stopped" or "pruned" at the trainer's position."""
    best_epoch, best = trainer.best_epoch, trainer.best_val_accuracy
    return RunEnd(state, trainer.step, round(trainer.run_seconds, 3), best_epoch, best)


def _train_epoch(trainer: Trainer, train: TrainBatches) -> Iterator[Beat | Step]:
    trainer.model.train()
    epoch = trainer.epochs_done + 1
    done = trainer.step - trainer.epochs_done * trainer.steps_per_epoch
    interval = max(1, trainer.steps_per_epoch // STEP_EVENTS_PER_EPOCH)
    for number, batch in enumerate(train.epoch(epoch, start=done), start=done + 1):
        trainer.train_step(*batch)
        trainer.mark_time()
        if trainer.step == 1 or number % interval == 0 or number == trainer.steps_per_epoch:
            yield _step_event(trainer, epoch)
        yield Beat(epoch, trainer.step)


def _step_event(trainer: Trainer, epoch: int) -> Step:
    loss, accuracy, speed = trainer.take_window()
    _require_finite(loss, trainer)
    mixing, by_class = trainer.mixing.take()
    return Step(
        epoch,
        trainer.step,
        loss,
        accuracy,
        trainer.lr,
        speed,
        mixing,
        round(trainer.temperature, 4),
        by_class,
    )


def _require_finite(loss: float, trainer: Trainer) -> None:
    if not math.isfinite(loss):
        raise TrainingError(
            f"The loss is no longer a number at step {trainer.step} (learning rate {trainer.lr:g}); "
            "start again with a smaller learning rate."
        )


def _end_epoch(trainer: Trainer, val: ValBatches) -> Iterator[Beat | Epoch]:
    before = trainer.epoch_sums.seconds
    result = yield from _validate(trainer, val)
    _require_finite(result.loss, trainer)
    event = _epoch_event(trainer, result, trainer.epoch_sums.seconds - before)
    trainer.end_epoch(result.accuracy)
    yield event


def _validate(trainer: Trainer, val: ValBatches) -> Generator[Beat, None, Evaluation]:
    batches = evaluate(trainer.averaged, val.in_order(), trainer.device, trainer.ranks)
    while True:
        try:
            next(batches)
        except StopIteration as done:
            result: Evaluation = done.value
            return result
        finally:
            trainer.mark_time()
        yield Beat(trainer.epochs_done + 1, trainer.step, validating=True)


def _epoch_event(trainer: Trainer, result: Evaluation, val_seconds: float) -> Epoch:
    train_loss, train_accuracy = trainer.epoch_sums.means()
    return Epoch(
        epoch=trainer.epochs_done + 1,
        step=trainer.step,
        train_loss=train_loss,
        train_accuracy=train_accuracy,
        val_loss=result.loss,
        val_accuracy=result.accuracy,
        lr=trainer.lr,
        seconds=round(trainer.epoch_sums.seconds, 3),
        val_seconds=round(val_seconds, 3),
        network_seconds=round(trainer.network_seconds, 3),
        mixing=result.mixing,
        answers=result.answers,
    )
