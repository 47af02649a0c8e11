"""What noting the mixing coefficients costs a training step: with and without, in turn.

Processor time of one thread, which what else runs on the machine disturbs least.

python -m tests.tools.recording_cost speed_mixing mixing_large --pixels 20 --pairs 9
"""

import argparse
import contextlib
import statistics
import time

import torch

from cifar_core.device import find_device
from cifar_core.estimate.steps import create_network
from cifar_core.recipes import get_recipe
from cifar_core.training.trainer import Trainer


def measure(recipe: str, pixels: int, pairs: int) -> list[tuple[float, float]]:
    """(seconds with, seconds without) of steps of one trainer, whose order changes from pair to pair."""
    config = get_recipe(recipe).config
    model = create_network(config)
    trainer = Trainer(model.to(memory_format=torch.channels_last), config, find_device(config.precision), 100)
    images = torch.randn(config.batch_size, 3, pixels, pixels).contiguous(memory_format=torch.channels_last)
    targets = torch.randint(0, 10, (config.batch_size,))
    record, kernels = model.record_mixing, trainer.mixing.kernels

    def step(noted: bool) -> float:
        model.record_mixing = record if noted else lambda: contextlib.nullcontext([])  # type: ignore[method-assign]
        trainer.mixing.kernels = kernels if noted else []
        begun = time.thread_time()
        trainer.train_step(images, targets)
        return time.thread_time() - begun

    for noted in (True, False):
        step(noted)
    found = []
    for pair in range(pairs):
        order = (True, False) if pair % 2 else (False, True)
        times = {noted: step(noted) for noted in order}
        found.append((times[True], times[False]))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--pixels", type=int, default=20)
    parser.add_argument("--pairs", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for recipe in options.recipes:
        times = measure(recipe, options.pixels, options.pairs)
        ratios = [with_ / without for with_, without in times]
        with_ = statistics.median(with_ for with_, _ in times)
        print(
            f"{recipe} at {options.pixels} px: {with_:.3f} s a step, {statistics.mean(ratios):.4f} ± "
            f"{statistics.stdev(ratios):.4f} of that without, n = {options.pairs}"
        )
