"""The recipes of the guided tour: one small network, trained in a minute so that one thing can be seen."""

from typing import Any

from cifar_core.recipes.registry import LESSONS, add

_LESSON: dict[str, Any] = {
    "work": LESSONS,
    "model": "plain_cnn_2",
    "augmentation": "none",
    "val_size": 2000,
    "batch_size": 50,
    "optimizer": "sgd",
    "momentum": 0.9,
    "lr": 0.02,
    "schedule": "constant",
}
_FEW_PICTURES: dict[str, Any] = {"train_size": 2000, "epochs": 30, "keep": "last"}
add(
    "lesson_first",
    "A small network on 10,000 pictures: its first five epochs.",
    **{**_LESSON, "train_size": 10_000, "epochs": 5},
)
add(
    "lesson_overfit",
    "The same network on 2,000 pictures for 30 epochs: it memorizes them.",
    **_LESSON,
    **_FEW_PICTURES,
)
add(
    "lesson_augment",
    "The same 2,000 pictures, mirrored and shifted at random each time: memorizing no longer pays.",
    **{**_LESSON, "augmentation": "flip_crop"},
    **_FEW_PICTURES,
)
