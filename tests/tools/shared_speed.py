"""Images a second of one process and of two that share each batch, every one with a thread of its own.

    python -m tests.tools.shared_speed --recipe speed94

They take turns, each started by torchrun on drawn images; the figures are medians over the rounds of the
median step, and mean something only where as many cores have nothing else to do.
"""

import argparse
import json
import statistics
import sys
import time

import torch

from cifar_core.recipes import get_recipe
from cifar_core.training.ranks import Ranks
from cifar_core.training.setup import prepare
from tests.support.shared_training import torchrun

MODULE = "tests.tools.shared_speed"


def measure(recipe: str, steps: int) -> dict[str, float]:
    """Take part in `steps` training steps on whole images, after one that is not counted."""
    ranks = Ranks.of_environment()
    ranks.join()
    torch.set_num_threads(1)
    config = get_recipe(recipe).config.replace(data="synthetic", image_sizes=(32,), precision="fp32")
    ready = prepare(config, None, lambda *progress: None, ranks=ranks)
    ready.trainer.model.train()
    batches = (batch for epoch in range(1, steps + 2) for batch in ready.train.epoch(epoch))
    seconds = []
    while len(seconds) <= steps:
        images, targets, *taught = next(batches)
        start = time.perf_counter()
        ready.trainer.train_step(images, targets, *taught)
        if len(targets) == config.batch_size:
            seconds.append(time.perf_counter() - start)
    ranks.leave()
    if not ranks.leads:
        sys.exit(0)
    return {"processes": ranks.size, "images": config.batch_size / statistics.median(seconds[1:])}


def main() -> None:
    """Start the processes in turn and print what they found; or be one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="speed94")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--take-part", action="store_true", help="what torchrun starts")
    options = parser.parse_args()
    if options.take_part:
        print(json.dumps(measure(options.recipe, options.steps)))
        return
    found: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(options.rounds):
        for processes, images in found.items():
            arguments = ("--take-part", "--recipe", options.recipe, "--steps", str(options.steps))
            with torchrun(processes, MODULE, *arguments) as process:
                said = process.communicate()[0]
            images.append(json.loads(said.splitlines()[-1])["images"])
    one, two = (statistics.median(images) for images in found.values())
    for processes, images in found.items():
        spread = ", ".join(f"{value:.0f}" for value in sorted(images))
        print(f"processes: {processes}; images a second: {statistics.median(images):.0f} ({spread})")
    print(f"{options.recipe}: two processes take {two / one:.2f} times as many as one")


if __name__ == "__main__":
    main()
