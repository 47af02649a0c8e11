"""Our own way to each stated result: the same network, in at most a fifth of the stated epochs."""

from typing import Any

from cifar_core.recipes.earlier import S1_MIXING6, S1_MIXING11, S2, S3_MODEL_A, S3_MODEL_B, S4, TWO_CLASSES
from cifar_core.recipes.registry import FAST, add

_FAST: dict[str, Any] = {
    "val_size": 2000,
    "batch_size": 128,
    "augmentation": "flip_crop",
    "alternate_flip": True,
    "crop_padding": 2,
    "crop_border": "reflect",
    "optimizer": "muon",
    "lr": 0.05,
    "bias_lr": 0.1,
    "head_lr": 0.1,
    "mixing_lr": 0.1,
    "momentum": 0.8,
    "weight_decay": 1e-4,
    "schedule": "linear",
    "label_smoothing": 0.1,
    "keep": "last",
    "tta": 2,
}
# Larger networks take larger batches, since each step costs Muon by the number of parameters: a third of
# mixing_11's time, with 128.
_LARGE_BATCH: dict[str, Any] = {"batch_size": 256, "lr": 0.07}
for _name, _model, _words, _stated, _work, _epochs, _changes in (
    ("s1-mixing6", "mixing_6", "The six-block mixing network", S1_MIXING6, "s1", 5, {}),
    ("s1-mixing11", "mixing_11", "The eleven-block mixing network", S1_MIXING11, "s1", 6, _LARGE_BATCH),
    ("s3-model-a", "mixing_2", "Two mixing blocks", S3_MODEL_A, "s3", 3, {}),
    ("s3-model-b", "mixing_4", "Four mixing blocks", S3_MODEL_B, "s3", 6, {}),
):
    add(
        _name + FAST,
        f"{_words} in {_epochs} epochs: Muon, small pictures first.",
        _stated,
        _work,
        model=_model,
        epochs=_epochs,
        image_sizes=(20, 26, 32),
        mixing_temperature=4.0,
        **{**_FAST, **_changes},
    )
# VGG's linear layers flatten 4x4 places of 256 channels: they need small rates, and pictures that leave 3x3.
# Its dropout is for a hundred epochs: ten with it gave 84.6 % of training and 87.4 % of validation pictures.
_FAMILIES: dict[str, Any] = {**_FAST, "bias_lr": 0.05, "head_lr": 0.02}
# The others take all twenty epochs that a fifth of the stated hundred allows: ten left three of them short
# of the stated figure. At 20 pixels a side they learn little (the light ResNet came to 77 % of the training
# pictures in ten such epochs), so they begin with 24. Half the rate, five times the head's or no label
# smoothing changed a short run's validation accuracy by less than a point.
_OWN: dict[str, tuple[int, tuple[int, ...], dict[str, Any]]] = {  # epochs, sides in pixels, what else differs
    "s2-vgg": (15, (24, 24, 32), {"model_args": {"dropout": 0.0}}),
    **dict.fromkeys(
        ("s2-resnet-light", "s2-resnext-3", "s2-densenet-g12", "s2-densenet-g16"), (20, (24, 28, 32), {})
    ),
    **dict.fromkeys(("s2-resnet-heavy", "s2-resnext-4"), (20, (24, 28, 32), _LARGE_BATCH)),
}
for _name, (_model, _words, _stated) in S2.items():
    _epochs, _sides, _changes = _OWN[_name]
    add(
        _name + FAST,
        f"{_words} in {_epochs} epochs: Muon, small pictures first.",
        _stated,
        "s2",
        model=_model,
        epochs=_epochs,
        image_sizes=_sides,
        **{**_FAMILIES, **_changes},
    )
add(
    "s4-scale-fast",
    "The scale network in one epoch of small batches, classifying each picture on its own.",
    S4,
    "s4",
    **{**_FAST, **TWO_CLASSES, "val_size": 500, "batch_size": 32},
    epochs=1,
)
