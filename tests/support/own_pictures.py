"""A folder of own pictures: drawn shapes under names of all kinds, as small files of several formats."""

import functools
from pathlib import Path

import numpy as np
from PIL import Image

from cifar_core.data.synthetic import make_synthetic
from cifar_core.datasets import SYNTHETIC

NAMES = ("Äpfel", "pears, ripe", "犬")
SEVEN = (
    *("Größe", "猫", "קופסה", "my red cup", "l'eau d'été", "<b>bold<b>"),
    "a very long name of a thing that stands on the desk beside the lamp",
)
KINDS = ("png", "jpg", "webp")


_drawn = functools.cache(make_synthetic)


def save_pictures(folder: Path, label: int, count: int, first: int = 0) -> None:
    """Write `count` drawn shapes of class `label`, 40 × 48 pixels, from number `first` on."""
    folder.mkdir(parents=True, exist_ok=True)
    train = _drawn().train
    images = train.images[train.targets == label][first : first + count].transpose(0, 2, 3, 1)
    for number, image in enumerate(images, first):
        wide = np.pad(image, ((4, 4), (8, 8), (0, 0)), mode="edge")
        Image.fromarray(wide).save(folder / f"{number:03d}.{KINDS[number % len(KINDS)]}", quality=95)


def make_own(folder: Path, names: tuple[str, ...] = NAMES, train: int = 10, test: int = 0) -> Path:
    """Write a folder of each class; with `test` the classes stand in train/ and test/."""
    for label, name in enumerate(names):
        shape = label % len(SYNTHETIC.class_names)
        save_pictures(folder / "train" / name if test else folder / name, shape, train)
        if test:
            save_pictures(folder / "test" / name, shape, test, first=train)
    return folder
