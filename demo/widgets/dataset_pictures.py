"""The data set shown to a newcomer: pictures, means, counts, what augmentation does. Pure functions."""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cifar_core.config import TrainConfig
from demo.shared.pictures import data_uri, image_tag, random_rows, sheet

if TYPE_CHECKING:
    from cifar_core.data import ImageData

SHOWN = 9  # changed pictures beside the one that they were made of
ROW = "display:grid;grid-template-columns:6.5rem minmax(0,1fr);gap:.2rem 1rem;align-items:center"
FIVE_IN_A_ROW = "display:grid;grid-template-columns:repeat(5,minmax(0,1fr));gap:.6rem;max-width:680px"
IMAGE = "display:block;width:100%;max-width:680px;image-rendering:pixelated"


def class_rows_html(data: "ImageData", seed: int) -> str:
    """A row for each class: its name, and ten random pictures of the training split."""
    chosen = random_rows(data.train.targets, len(data.class_names), seed)
    rows = []
    for name, numbers in zip(data.class_names, chosen, strict=True):
        images = data.train.images[np.sort(numbers)].transpose(0, 2, 3, 1)
        alt = f"{len(numbers)} pictures of the class {name}"
        tag = image_tag(data_uri(sheet([list(images)])), alt, style=IMAGE)
        rows.append(f"<div>{html.escape(name)}</div>{tag}")
    return f'<div style="{ROW}">{"".join(rows)}</div>'


def mean_pictures(data: "ImageData") -> NDArray[np.uint8]:
    """The mean of all training pictures of each class, pixel by pixel: (classes, 32, 32, 3)."""
    images, targets = data.train.images, data.train.targets
    means = [images[targets == label].mean(axis=0) for label in range(len(data.class_names))]
    return np.stack(means).round().astype(np.uint8).transpose(0, 2, 3, 1)


def mean_pictures_html(pictures: NDArray[np.uint8], class_names: Sequence[str]) -> str:
    """Each class's mean picture (32, 32, 3), its name under it, five in a row."""
    figures = []
    for picture, name in zip(pictures, class_names, strict=True):
        tag = image_tag(data_uri(picture), f"Mean picture of the class {name}", style=IMAGE)
        figures.append(f"<div>{tag}{html.escape(name)}</div>")
    return f'<div style="{FIVE_IN_A_ROW};font-size:.8rem">{"".join(figures)}</div>'


def count_rows(data: "ImageData") -> list[dict[str, str]]:
    """Training and test pictures of each class."""
    counts = [
        np.bincount(split.targets, minlength=len(data.class_names)) for split in (data.train, data.test)
    ]
    return [
        {"class": name, "training": f"{train:,}", "test": f"{test:,}"}
        for name, train, test in zip(data.class_names, *counts, strict=True)
    ]


def describe_counts(data: "ImageData") -> str:
    """A sentence on how many pictures each split has, and how evenly the classes share them."""
    parts = []
    for words, split in (("training", data.train), ("test", data.test)):
        counts = np.bincount(split.targets, minlength=len(data.class_names))
        low, high = int(counts.min()), int(counts.max())
        each = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        parts.append(f"{len(split):,} {words} pictures, {each} of each class")
    return f"{parts[0]}; {parts[1]}, which are looked at once, when all is done."


def augmentation_html(data: "ImageData", config: TrainConfig, seed: int) -> str:
    """A training picture, and what the config's augmentation makes of it."""
    import torch

    from cifar_core.models.normalization import NORMALIZATIONS
    from cifar_core.training.batches import Augmentation, Batches

    number = int(np.random.default_rng(seed).integers(len(data.train)))
    original = data.train.images[number]
    batches = Batches(
        np.repeat(original[None], SHOWN, axis=0),
        np.zeros(SHOWN, np.int64),
        NORMALIZATIONS[config.normalization],
        SHOWN,
        torch.device("cpu"),
        Augmentation.of(config),
        seed,
    )
    changed = batches.seen(epoch=1)  # (SHOWN, 32, 32, 3)
    name = data.class_names[int(data.train.targets[number])]
    alt = f"A picture of the class {name}, and {SHOWN} changed ones"
    return image_tag(data_uri(sheet([[original.transpose(1, 2, 0), *changed]])), alt, style=IMAGE)
