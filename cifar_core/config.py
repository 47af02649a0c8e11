"""The settings of one training run: a frozen dataclass that checks itself and travels as JSON.

Every field carries its help, its limits and its unit, so that the command line, the dashboard's form and
the error messages all say the same. No torch here.
"""

import dataclasses
import functools
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cifar_core.datasets import CIFAR10, DATA_SETS, MOST_CLASSES, NORMALIZATIONS, OWN, DataSet
from cifar_core.files import renamed
from cifar_core.settings import (
    MAIN_FIELDS,
    ConfigError,
    FieldSpec,
    as_text,
    checked,
    from_text,
    group_of,
    setting,
)

__all__ = ["ConfigError", "FieldSpec", "TrainConfig", "field_specs", "parse_changes"]

# Names of settings in files of earlier versions -> their names now.
RENAMED = {"watched": "monitored", "views": "tta", "views_below": "tta_below"}


@dataclass(frozen=True)
class TrainConfig:
    """The settings of a run, complete: two runs with equal configs on one machine give equal weights.

    Raises:
        ConfigError: when a value has the wrong type or lies outside its limits.
    """

    recipe: str = setting("custom", "Name of the recipe that these settings started from.")
    model: str = setting("mixing_lite", "Name of a registered network; `models` lists them.")
    model_args: dict[str, Any] = setting({}, 'Arguments of the network, as JSON: {"num_kernels": 4}.')
    data: str = setting(
        CIFAR10.name,
        f"{'; '.join(one.summary for one in (*DATA_SETS.values(), OWN))}.",
        choices=(*DATA_SETS, OWN.name),
    )
    classes: tuple[str, ...] = setting(
        (), "Learn only these classes of the data set, with commas; empty takes all."
    )
    own_images: tuple[int, ...] = setting(
        (), "Own pictures: how many there are to train on and to test with; noted when their folder is found."
    )
    val_size: int = setting(
        5000,
        "Training images set aside to choose by (stratified); at most a fifth of own pictures.",
        minimum=1,
        maximum=25000,
        unit="images",
    )
    train_size: int = setting(
        0, "Train on the first so many images of the training split; 0 takes all.", minimum=0, unit="images"
    )
    monitored: str = setting(
        "val",
        "Measured after each epoch: images set aside, or the test images, as some earlier works did. "
        "Then all others are trained on, and the last weights are kept.",
        choices=("val", "test"),
    )
    split_seed: int = setting(0, "Seed that cuts the validation split.", minimum=0, maximum=2**31 - 1)
    normalization: str = setting(
        CIFAR10.name,
        "Subtract and divide by the channel mean and std of a data set, or by 0.5 and 0.5.",
        choices=tuple(NORMALIZATIONS),
    )
    augmentation: str = setting(
        "flip_crop",
        "Random changes of the training images: none, mirror, mirror and shift, or also a cut-out square.",
        choices=("none", "flip", "flip_crop", "flip_crop_cutout"),
    )
    alternate_flip: bool = setting(
        False, "Mirror every image in every other epoch, instead of by chance (airbench94)."
    )
    crop_padding: int = setting(4, "Largest random shift.", minimum=1, maximum=12, unit="pixels")
    crop_border: str = setting(
        "black", "What a shift uncovers: black, or the image's own reflection.", choices=("black", "reflect")
    )
    cutout_size: int = setting(8, "Side of the cut-out square.", minimum=1, maximum=24, unit="pixels")
    jitter: float = setting(
        0.0,
        "Largest random change of brightness (in standard deviations) and of contrast (as a share).",
        minimum=0.0,
        maximum=0.9,
    )
    smallest_crop: float = setting(
        1.0,
        "Smallest random crop, scaled back to the whole: its side as a share of the image's; 1 is off.",
        minimum=0.25,
        maximum=1.0,
    )
    largest_crop: float = setting(
        1.0,
        "Largest random crop: above 1 the image shrinks, and its reflection surrounds it.",
        minimum=1.0,
        maximum=2.0,
    )
    stretch: float = setting(
        0.0, "Largest random change of width against height, as a share.", minimum=0.0, maximum=1.0
    )
    sharpness: float = setting(
        0.0,
        "Largest random change of sharpness: 1 is from blurred to twice the finest detail.",
        minimum=0.0,
        maximum=1.0,
    )
    saturation: float = setting(
        0.0, "Largest random change of colors' saturation, as a share.", minimum=0.0, maximum=1.0
    )
    jpeg: float = setting(
        0.0,
        "Share of images that are damaged as by JPEG, at qualities from 30 to 90.",
        minimum=0.0,
        maximum=1.0,
    )
    image_sizes: tuple[int, ...] = setting(
        (CIFAR10.image_size,),
        "Sides of the training images over equal parts of the run: 20,26,32 begins with small, cheap ones.",
    )
    epochs: int = setting(20, "Passes over the training images.", minimum=1, maximum=1000)
    batch_size: int = setting(
        128, "Images in one step; at most an eighth of own pictures.", minimum=2, maximum=8192, unit="images"
    )
    accumulation_steps: int = setting(
        1, "Batches whose gradients are added before the weights change.", minimum=1, maximum=64
    )
    accumulation: str = setting(
        "mean", "Divide the added gradients by their number, or leave the sum.", choices=("mean", "sum")
    )
    optimizer: str = setting(
        "sgd", "Rule that changes the weights.", choices=("sgd", "adamw", "rmsprop", "muon")
    )
    lr: float = setting(0.1, "Learning rate: the largest of the schedule.", minimum=1e-7, maximum=100.0)
    bias_lr: float = setting(
        25.0, "Muon: learning rate of the norms' biases, which plain SGD moves.", minimum=1e-7, maximum=1000.0
    )
    head_lr: float = setting(
        300.0, "Muon: learning rate of the last, linear layer.", minimum=1e-7, maximum=1000.0
    )
    mixing_lr: float = setting(
        1.0, "Muon: learning rate of what predicts the mixing coefficients.", minimum=1e-7, maximum=1000.0
    )
    momentum: float = setting(0.9, "Momentum of SGD, RMSprop and Muon.", minimum=0.0, maximum=0.999)
    nesterov: bool = setting(False, "Nesterov's form of momentum: SGD only; Muon always has it.")
    weight_decay: float = setting(0.0, "Pull of the weights towards zero.", minimum=0.0, maximum=1.0)
    schedule: str = setting(
        "onecycle",
        "Shape of the learning rate over the run.",
        choices=("constant", "step", "linear", "cosine", "onecycle"),
    )
    schedule_per: str = setting(
        "step", "Change the learning rate at each step, or once an epoch.", choices=("step", "epoch")
    )
    schedule_epochs: int = setting(
        0, "Epochs the schedule is laid out for; 0 takes the run's own.", minimum=0, maximum=10000
    )
    warmup: float = setting(0.2, "Share of one-cycle in which the rate rises.", minimum=0.0, maximum=0.9)
    final_lr: float = setting(0.0, "Learning rate at the schedule's end.", minimum=0.0, maximum=1.0)
    milestones: tuple[int, ...] = setting((50, 75), "Epochs after which `step` divides the rate by ten.")
    label_smoothing: float = setting(
        0.0, "Share of the target spread over all classes.", minimum=0.0, maximum=0.9
    )
    start_from: str = setting(
        "",
        "A trained network of the same shape whose weights the run begins with: a name in checkpoints/, or a "
        "folder. Where it knows other classes, its last layer begins anew.",
    )
    head_first: float = setting(
        0.2,
        "Share of the steps in which a last layer that begins anew learns alone; 0 is all layers at once.",
        minimum=0.0,
        maximum=1.0,
    )
    teachers: str = setting(
        "", "Trained networks whose mean answer is learned from as well: names in checkpoints/, with commas."
    )
    distillation: float = setting(
        0.5,
        "Share of the target that is the teachers' answer instead of the label.",
        minimum=0.0,
        maximum=1.0,
    )
    outliers: float = setting(
        0.0,
        "Images of none of the classes beside each batch, made from it, as a share of it: turned, shuffled, "
        "or noise. All classes are to be equally likely for them.",
        minimum=0.0,
        maximum=1.0,
    )
    ema_decay: float = setting(
        0.0, "Average the weights over steps with this decay; 0 is off.", minimum=0.0, maximum=0.99999
    )
    keep: str = setting(
        "best",
        "Weights that the run keeps: the best by validation accuracy, or the last.",
        choices=("best", "last"),
    )
    tta: int = setting(
        1,
        "Views of an image that an answer averages: 1, 2 with its mirror image, 6 also moved by a pixel.",
        minimum=1,
        maximum=6,
    )
    tta_below: float = setting(
        1.0,
        "Only images whose likeliest class has less than this probability get the further views.",
        minimum=0.0,
        maximum=1.0,
    )
    mixing_temperature: float = setting(
        1.0,
        "Softmax temperature of the mixing coefficients at the start; falls to 1 in the first tenth.",
        minimum=1.0,
        maximum=100.0,
    )
    sync_batch_norm: bool = setting(
        True,
        "Where several processes share a batch (torchrun): its norms take the statistics of the whole batch, "
        "instead of each process its share's.",
    )
    precision: str = setting(
        "auto",
        "Number format of convolutions; auto takes bf16 where a probe shows that it is quicker.",
        choices=("auto", "fp32", "bf16"),
    )
    seed: int = setting(
        0, "Seed of the weights, the order and the augmentation.", minimum=0, maximum=2**31 - 1
    )

    def __post_init__(self) -> None:
        for spec in field_specs():
            object.__setattr__(self, spec.name, checked(spec, getattr(self, spec.name)))
        if "num_classes" in self.model_args:
            raise ConfigError("model_args sets num_classes; leave it out, the data set has its own number.")
        if self.train_size == 1:
            raise ConfigError("train_size is 1; it must be 0, for all, or 2 images or more.")
        self._check_own()
        try:
            largest = self.data_set.image_size
        except ValueError as error:
            raise ConfigError(f"classes is '{as_text(self.classes)}': {error}") from None
        if not self.image_sizes or not all(16 <= size <= largest for size in self.image_sizes):
            sizes = ",".join(map(str, self.image_sizes))
            allowed = f"sides from 16 to {largest} pixels: 20,26,{largest}"
            raise ConfigError(f"image_sizes is '{sizes}'; it must be {allowed}.")
        if self.tta not in (1, 2, 6):
            raise ConfigError(f"tta is {self.tta}; it must be 1, 2 or 6.")

    def _check_own(self) -> None:
        if self.data != OWN.name:
            return
        count = len(self.classes)
        if count and not 2 <= count == len(set(self.classes)) <= MOST_CLASSES:
            given = as_text(self.classes)
            raise ConfigError(
                f"classes is '{given:.200}'; give 2 to {MOST_CLASSES} different names of folders."
            )
        if len(self.own_images) not in (0, 2):
            raise ConfigError(f"own_images is '{as_text(self.own_images)}'; it must be two numbers, or none.")

    @property
    def data_set(self) -> DataSet:
        """The data set that is learned, with those of its classes that `classes` names.

        Own pictures have neither names nor numbers before their folder was found.
        """
        if self.data == OWN.name:
            train, test = self.own_images or (0, 0)
            return dataclasses.replace(
                OWN, class_names=self.classes, train_images=train, test_images=test, part_of=OWN
            )
        whole = DATA_SETS[self.data]
        return whole.only(self.classes) if self.classes else whole

    @property
    def teacher_names(self) -> list[str]:
        """The names that `teachers` holds."""
        return _listed(self.teachers)

    @property
    def keeps_last(self) -> bool:
        """True where the last weights are kept: nothing is chosen by the test images."""
        return self.keep == "last" or self.monitored == "test"

    def image_size(self, epoch: int) -> int:
        """Side of the training images in `epoch` (from 1), in pixels."""
        return self.image_sizes[(epoch - 1) * len(self.image_sizes) // self.epochs]

    def work(self, step: int, steps_per_epoch: int) -> float:
        """Work of the first `step` steps, in steps of whole images: a step costs by area."""
        epochs = range(1, step // steps_per_epoch + 1)
        whole = sum(self.image_size(epoch) ** 2 for epoch in epochs) * steps_per_epoch
        rest = step % steps_per_epoch
        last = rest * self.image_size(len(epochs) + 1) ** 2 if rest else 0
        return (whole + last) / self.data_set.image_size**2

    def replace(self, **changes: Any) -> "TrainConfig":
        """A copy with `changes`; raises ConfigError for an unknown name or a bad value."""
        unknown = sorted(set(changes) - {spec.name for spec in field_specs()})
        if unknown:
            names = ", ".join(spec.name for spec in field_specs())
            raise ConfigError(f"There is no setting '{unknown[0]}'; the settings are: {names}.")
        return dataclasses.replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, field by field."""
        values = dataclasses.asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "TrainConfig":
        """The config that `to_json` wrote; raises ConfigError when a field is unknown or bad."""
        return _defaults().replace(**renamed(document, RENAMED))

    def differences(self, other: "TrainConfig") -> dict[str, tuple[Any, Any]]:
        """Settings in which two configs differ: name -> (own value, other's value)."""
        mine, theirs = self.to_json(), other.to_json()
        return {name: (mine[name], theirs[name]) for name in mine if mine[name] != theirs[name]}


def _listed(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


@functools.cache
def _defaults() -> TrainConfig:
    return TrainConfig()


_SPECS: list[FieldSpec] = []


def field_specs() -> list[FieldSpec]:
    """All settings in their order, with type, default, help and limits."""
    if not _SPECS:
        hints = typing.get_type_hints(TrainConfig)
        for item in dataclasses.fields(TrainConfig):
            hint = hints[item.name]
            plain = typing.get_origin(hint) or hint
            default = {} if item.default is dataclasses.MISSING else item.default
            shown: dict[str, Any] = {"main": item.name in MAIN_FIELDS, "group": group_of(item.name)}
            if plain is tuple:
                shown["items"] = typing.get_args(hint)[0]
            _SPECS.append(FieldSpec(item.name, plain, default, **shown, **item.metadata))
    return _SPECS


def parse_changes(pairs: Iterable[str]) -> dict[str, Any]:
    """`["lr=0.1", "epochs=5"]` -> `{"lr": 0.1, "epochs": 5}`, each with its field's type.

    Raises:
        ConfigError: for a pair without "=", an unknown name or a value of the wrong type.
    """
    specs = {spec.name: spec for spec in field_specs()}
    changes = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        name = RENAMED.get(name, name)
        if not equals:
            raise ConfigError(f"'{pair}' is not a change; write it as name=value, such as epochs=5.")
        if name not in specs:
            raise ConfigError(f"There is no setting '{name}'; the settings are: {', '.join(specs)}.")
        changes[name] = checked(specs[name], from_text(specs[name], text))
    return changes
