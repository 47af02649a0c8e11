"""What a trained network is worth to new classes: six of CIFAR-10's classes, then the other four from a few.

python -m tests.tools.transfer --out FOLDER [--base CHECKPOINT] [--pictures 50] [--seeds 0 1 2] [--split test]

A mixing network learns the six (or is given), then `own_classes` begins with it and learns the four from so
many pictures each, beside the same network from scratch: with the recipe's own rates, and with those of
mixing_large. All see as many images, so that the one that begins trained takes no longer than the others.
The seed draws the pictures too. Measured are images that nothing else has seen: 250 of each class left of
the training images ("val"), or all test images.
"""

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from cifar_core.data import ImageData, load_data
from cifar_core.data.split import only_classes
from cifar_core.datasets import CIFAR10
from cifar_core.inference.evaluate import evaluate_checkpoint
from cifar_core.recipes import OWN_CLASSES, get_recipe
from cifar_core.training.runner import train

NEW = tuple(CIFAR10.class_names[number] for number in (4, 6, 7, 9))  # two animals more, and two things
OLD = tuple(name for name in CIFAR10.class_names if name not in NEW)
BASE = "mixing_large"  # the recipe of the network that knows the six
RATES = ("lr", "bias_lr", "head_lr", "mixing_lr", "mixing_temperature")
MEASURED = 250  # images a class of the split "val"


def arms(base: Path) -> dict[str, dict[str, Any]]:
    """What is compared -> the settings in which it differs from the recipe."""
    usual = get_recipe(BASE).config
    return {
        "from the six": {"start_from": str(base)},
        "from scratch": {"start_from": ""},
        f"from scratch, rates of {BASE}": {
            "start_from": "",
            **{name: getattr(usual, name) for name in RATES},
        },
    }


def write_pictures(place: Path, data: ImageData, count: int, seed: int, split: str) -> None:
    """Write `count` training images of each class into train/, and those to measure into test/."""
    generator = np.random.default_rng(seed)
    for label, name in enumerate(data.class_names):
        places = generator.permutation(np.flatnonzero(data.train.targets == label))
        chosen = {"train": data.train.images[places[:count]]}
        chosen["test"] = data.train.images[places[count : count + MEASURED]]
        if split == "test":
            chosen["test"] = data.test.images[data.test.targets == label]
        for part, images in chosen.items():
            folder = place / part / name
            folder.mkdir(parents=True, exist_ok=True)
            for number, image in enumerate(images):
                Image.fromarray(image.transpose(1, 2, 0)).save(folder / f"{number:04d}.png")


def measure(place: Path, runs: Path, changes: dict[str, Any]) -> dict[str, float]:
    """Train on the pictures in `place`; accuracy on its test images, and seconds of training."""
    begun = time.perf_counter()
    run = train(OWN_CLASSES, data_dir=place, runs_dir=runs, **changes)
    seconds = time.perf_counter() - begun
    result = evaluate_checkpoint(run.best_checkpoint, load_data(place, source=run.config().data_set))
    return {"accuracy": result.accuracy, "n": result.n, "seconds": round(seconds, 1)}


def main() -> None:
    """Compare, print each figure, and keep all in FOLDER/transfer.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--base", type=Path)
    parser.add_argument("--base-epochs", type=int, default=get_recipe(BASE).config.epochs)
    parser.add_argument("--pictures", type=int, default=50)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--split", choices=("val", "test"), default="test")
    parser.add_argument("--set", type=json.loads, default={}, help="changes of the recipe, as JSON")
    options = parser.parse_args()
    runs, base = options.out / "runs", options.base
    if base is None:
        base = train(BASE, runs_dir=runs, classes=OLD, epochs=options.base_epochs).best_checkpoint
    four = only_classes(load_data(), NEW)
    found: dict[str, list[dict[str, float]]] = {}
    for seed in options.seeds:
        place = options.out / f"pictures-{options.split}-{options.pictures}-{seed}"
        if not place.exists():
            write_pictures(place, four, options.pictures, seed, options.split)
        for name, changes in arms(base).items():
            found.setdefault(name, []).append(measure(place, runs, {"seed": seed, **options.set, **changes}))
            print(f"seed {seed}, {name}: {found[name][-1]}", flush=True)
    for name, rows in found.items():
        shares = [100 * row["accuracy"] for row in rows]
        spread = statistics.stdev(shares) if len(shares) > 1 else 0.0
        seconds = statistics.mean(row["seconds"] for row in rows)
        print(f"{name}: {statistics.mean(shares):.1f} ± {spread:.1f} %, {seconds:.0f} s, n = {len(rows)}")
    (options.out / "transfer.json").write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
