"""The x axis of a run's points: by epoch, by step, or by seconds of training."""

from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from cifar_core.runs.history import History

AXIS_NAMES = {"epoch": "epoch", "step": "step", "seconds": "training time (s)"}

Numbers = NDArray[np.float64]


def epoch_positions(history: History, by: str) -> list[float]:
    """Return where each epoch ends: its number, its last step, or the seconds of training until then."""
    if by == "step":
        return [epoch.step for epoch in history.epochs]
    if by == "seconds":
        return list(accumulate(epoch.seconds for epoch in history.epochs))
    return [epoch.epoch for epoch in history.epochs]


def step_positions(history: History, by: str) -> Numbers:
    """Return where each Step event lies: in seconds by their speeds, corrected by the epochs' own times."""
    steps = history.column("step")
    if by == "step":
        return steps
    if by == "epoch":
        return steps / history.steps_per_epoch
    return _seconds(history, steps)


def _seconds(history: History, steps: Numbers) -> Numbers:
    if not len(steps):
        return steps
    speeds = history.column("images_per_second")
    numbers = history.column("epoch")
    images_a_step = (history.start.train_images if history.start else 1) / history.steps_per_epoch
    took = np.diff(steps, prepend=0.0) * images_a_step / np.maximum(speeds, 1e-9)
    ends = {epoch.epoch: epoch for epoch in history.epochs}
    begin, positions = 0.0, np.empty_like(steps)
    for number in np.unique(numbers):
        here = numbers == number
        within = np.cumsum(took[here])
        end = ends.get(int(number))
        if end is not None:  # the last step comes just before the validation
            within *= (end.seconds - end.val_seconds) / within[-1]
        positions[here] = begin + within
        begin = begin + end.seconds if end else float(positions[here][-1])
    return positions


def position_of(history: History, step: float, by: str, at: Numbers) -> float:
    """Return where a number of steps lies; `at` is what `step_positions` gives."""
    if by == "step":
        return step
    if by == "epoch":
        return step / history.steps_per_epoch
    steps = [0.0, *(epoch.step for epoch in history.epochs)]
    seconds = [0.0, *epoch_positions(history, by)]
    if history.steps and history.steps[-1].step > steps[-1]:
        steps.append(history.steps[-1].step)
        seconds.append(float(at[-1]))
    return float(np.interp(step, steps, seconds))


def smoothed(values: Numbers, weight: float) -> Numbers:
    """The exponential moving average that keeps `weight` (0..1) of the past, its start corrected for bias."""
    if not weight:
        return values
    kept, averages = 0.0, np.empty_like(values)
    for index, value in enumerate(values.tolist()):
        kept = weight * kept + (1 - weight) * value
        averages[index] = kept
    return averages / (1 - weight ** np.arange(1, len(values) + 1))
