"""The recipes of five earlier works, each as its work states it, with the result that it states.

Two of them measure on the test images after each epoch. So do these recipes, plainly labeled; nothing is
chosen by it.
"""

from typing import Any

from cifar_core.recipes.registry import Stated, add

# S1 and S3: the mixing network, two course projects on one specification

_MIXING: dict[str, Any] = {
    "normalization": "half",
    "augmentation": "none",
    "optimizer": "rmsprop",
    "momentum": 0.0,
    "precision": "fp32",
    "monitored": "test",
    "keep": "last",
}
_S1: dict[str, Any] = {
    **_MIXING,
    "work": "s1",
    "epochs": 40,
    "batch_size": 128,
    "lr": 0.0015,
    "schedule": "cosine",
    "schedule_per": "epoch",
    "schedule_epochs": 100,
    "final_lr": 1e-6,
    "accumulation_steps": 5,
    "accumulation": "sum",
}
S1_MIXING6 = Stated(0.8685, 40, "Test accuracy in its log; train accuracy 99.97 %; 687 s on one cloud GPU.")
S1_MIXING11 = Stated(0.86, 40, "About 86 % in its description; its layers are this project's reading.")
S3_MODEL_A = Stated(0.5292, 30, "Best test accuracy of its table, at epoch 30; 52.45 % in its text.")
S3_MODEL_B = Stated(0.8079, 40, "Best test accuracy of its table, at epoch 38; 80.40 % at epoch 40.")
add(
    "s1-mixing6",
    "The published run of the six-block mixing network: RMSprop, no augmentation, 40 epochs.",
    S1_MIXING6,
    model="mixing_6",
    **_S1,
)
add(
    "s1-mixing11",
    "The eleven-block network of the same work's description, trained as its published run.",
    S1_MIXING11,
    model="mixing_11",
    **_S1,
)
add(
    "s3-model-a",
    "Two mixing blocks: the first model of the second course project.",
    S3_MODEL_A,
    "s3",
    model="mixing_2",
    epochs=30,
    batch_size=64,
    lr=0.01,
    schedule="constant",
    **_MIXING,
)
add(
    "s3-model-b",
    "Four mixing blocks with dropout: the second model of the second course project.",
    S3_MODEL_B,
    "s3",
    model="mixing_4",
    epochs=40,
    batch_size=128,
    lr=0.001,
    schedule="constant",
    **_MIXING,
)

# S2: five families, seven networks, one recipe

_S2: dict[str, Any] = {
    "work": "s2",
    "val_size": 5000,
    "augmentation": "flip_crop",
    "crop_padding": 4,
    "epochs": 100,
    "batch_size": 128,
    "optimizer": "adamw",
    "lr": 3e-3,
    "weight_decay": 0.1,
    "schedule": "step",
    "schedule_per": "epoch",
    "milestones": (50, 75),
}
S2 = {  # recipe -> (network, in words, what is stated)
    "s2-vgg": ("vgg", "The VGG-like network", Stated(0.9016, 100, "Validation 90.80 %, train 87.59 %.")),
    "s2-resnet-light": (
        "resnet_light",
        "The light ResNet-like network",
        Stated(0.9120, 100, "Validation 91.86 %."),
    ),
    "s2-resnet-heavy": (
        "resnet_heavy",
        "The heavy ResNet-like network",
        Stated(0.9179, 100, "Validation 92.54 %."),
    ),
    "s2-resnext-3": (
        "resnext_3",
        "The ResNeXt-like network of 3 chunks",
        Stated(0.9230, 100, "Validation 92.96 %."),
    ),
    "s2-resnext-4": (
        "resnext_4",
        "The ResNeXt-like network of 4 chunks",
        Stated(0.9200, 100, "Validation 93.14 %."),
    ),
    "s2-densenet-g12": (
        "densenet_g12",
        "The DenseNet-like network, growth 12",
        Stated(0.9280, 100, "Validation 93.62 %."),
    ),
    "s2-densenet-g16": (
        "densenet_g16",
        "The DenseNet-like network, growth 16",
        Stated(0.9309, 100, "Validation 94.04 %."),
    ),
}
for _name, (_model, _words, _stated) in S2.items():
    add(_name, f"{_words} of the five-families work: AdamW, 100 epochs.", _stated, model=_model, **_S2)

# S4: the scale network, two classes, five epochs

S4 = Stated(0.95, 5, "More than 95 % of 2,000; its reference curve: 87.8, 94.45, 95.25, 96.0, 96.5 %.")
TWO_CLASSES: dict[str, Any] = {
    "data": "airplane_automobile",
    "normalization": "airplane_automobile",
    "model": "scale_resnet",
}
add(
    "s4-scale",
    "The small residual network with a scale operator: airplanes and automobiles only, five epochs.",
    S4,
    "s4",
    **TWO_CLASSES,
    model_args={"batch_statistics": True},
    monitored="test",
    keep="last",
    augmentation="none",
    epochs=5,
    batch_size=128,
    optimizer="sgd",
    momentum=0.9,
    lr=0.1,
    schedule="linear",
)

# S5: a first classifier, layer by layer; its rates and epochs are not stated

for _depth in (2, 3, 4):
    add(
        f"s5-cnn-{_depth}",
        f"A plain CNN of {_depth} convolutional layers, for a first look: gradient descent, ten epochs.",
        work="s5",
        model=f"plain_cnn_{_depth}",
        augmentation="none",
        epochs=10,
        batch_size=64,
        optimizer="sgd",
        momentum=0.9,
        lr=0.02,
        schedule="constant",
    )
