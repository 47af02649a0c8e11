"""Named training recipes: the project's own, and one for each stated result of the mixing network's origins.

A recipe is a TrainConfig with a sentence about it and, where it reproduces earlier work, what that stated.
"""

from dataclasses import dataclass
from typing import Any

from cifar_core.config import ConfigError, TrainConfig

DEFAULT_RECIPE = "speed_mixing"


@dataclass(frozen=True)
class Stated:
    """What earlier work states for a recipe: test accuracy (0..1), after how many epochs, and a sentence."""

    accuracy: float
    epochs: int
    note: str


@dataclass(frozen=True)
class Recipe:
    """A named way to train: `config` is complete, `summary` is one sentence for a reader."""

    name: str
    summary: str
    config: TrainConfig
    stated: Stated | None = None


_RECIPES: dict[str, Recipe] = {}


def _add(name: str, summary: str, stated: Stated | None = None, **settings: object) -> None:
    _RECIPES[name] = Recipe(name, summary, TrainConfig().replace(recipe=name, **settings), stated)


def list_recipes() -> list[str]:
    """Names of all recipes, the default first."""
    return list(_RECIPES)


def get_recipe(name: str) -> Recipe:
    """The recipe called `name`; raises ConfigError with the names that exist."""
    if name not in _RECIPES:
        raise ConfigError(f"There is no recipe '{name}'; the recipes are: {', '.join(_RECIPES)}.")
    return _RECIPES[name]


_SPEED: dict[str, Any] = {
    "model": "speed94",
    "val_size": 500,
    "batch_size": 500,
    "augmentation": "flip_crop",
    "alternate_flip": True,
    "crop_padding": 2,
    "crop_border": "reflect",
    "jitter": 0.14,
    "optimizer": "muon",
    "lr": 0.12,
    "bias_lr": 26.5,
    "head_lr": 335.0,
    "momentum": 0.6,
    "weight_decay": 1e-3,
    "schedule": "linear",
    "label_smoothing": 0.2,
    "keep": "last",
    "views": 6,
    "views_below": 0.7,  # a third of the validation pictures; all six views for all were no better there
}
_add(
    "speed_mixing",
    "Six mixing blocks that learn in few epochs: the recipe of the shipped default, in the time of speed94.",
    epochs=8,
    image_sizes=(20, 20, 20, 26, 26, 32, 32, 32),
    mixing_lr=1.0,
    mixing_temperature=4.0,
    **{**_SPEED, "model": "speed_mixing"},
)
_add(
    "speed94",
    "The long speed recipe: small pictures first, whole ones at the end, and six views for doubtful answers.",
    epochs=12,
    image_sizes=(20, 20, 20, 20, 20, 26, 26, 26, 26, 32, 32, 32),
    **_SPEED,
)
_add(
    "speed90",
    "The short speed recipe: the network of speed94 in four epochs, the last one on whole pictures.",
    epochs=4,
    image_sizes=(20, 20, 26, 32),
    **_SPEED,
)
_add(
    "mixing_lite",
    "A small mixing network of seven blocks with three kernels each: much to see in how it mixes.",
    model="mixing_lite",
    epochs=15,
    batch_size=256,
    optimizer="sgd",
    lr=0.2,
    nesterov=True,
    weight_decay=5e-4,
    schedule="onecycle",
    label_smoothing=0.1,
    ema_decay=0.995,
    mixing_temperature=10.0,
)
_add(
    "smoke",
    "A few seconds on drawn pictures: shows that everything works, and nothing more.",
    model="mixing_lite",
    model_args={"widths": [16, 32, 64], "num_kernels": 3},
    data="synthetic",
    val_size=500,
    epochs=3,
    batch_size=100,
    lr=0.05,
    nesterov=True,
    weight_decay=5e-4,
    augmentation="flip",
)
_S1 = {
    "epochs": 40,
    "batch_size": 128,
    "normalization": "half",
    "augmentation": "none",
    "optimizer": "rmsprop",
    "momentum": 0.0,
    "lr": 0.0015,
    "schedule": "cosine",
    "schedule_per": "epoch",
    "schedule_epochs": 100,
    "final_lr": 1e-6,
    "accumulation_steps": 5,
    "accumulation": "sum",
    "precision": "fp32",
}
_add(
    "s1-mixing6",
    "The published run of the six-block mixing network: RMSprop, no augmentation, 40 epochs.",
    Stated(
        0.8685,
        40,
        "Test accuracy in its log; train accuracy 99.97 %; 687 s on one cloud GPU.",
    ),
    model="mixing_6",
    **_S1,
)
_add(
    "s1-mixing11",
    "The eleven-block network of the same work's description, trained as its published run.",
    Stated(
        0.86,
        40,
        "About 86 % in its description; its layers are this project's reading.",
    ),
    model="mixing_11",
    **_S1,
)
_add(
    "s3-model-a",
    "Two mixing blocks: the first model of the second course project.",
    Stated(0.5292, 30, "Best test accuracy of its table, at epoch 30; 52.45 % in its text."),
    model="mixing_2",
    epochs=30,
    batch_size=64,
    normalization="half",
    augmentation="none",
    optimizer="rmsprop",
    momentum=0.0,
    lr=0.01,
    schedule="constant",
    precision="fp32",
)
_add(
    "s3-model-b",
    "Four mixing blocks with dropout: the second model of the second course project.",
    Stated(0.8079, 40, "Best test accuracy of its table, at epoch 38; 80.40 % at epoch 40."),
    model="mixing_4",
    epochs=40,
    batch_size=128,
    normalization="half",
    augmentation="none",
    optimizer="rmsprop",
    momentum=0.0,
    lr=0.001,
    schedule="constant",
    precision="fp32",
)
