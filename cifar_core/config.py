"""The settings of one training run: a frozen dataclass that checks itself and travels as JSON.

Every field carries its help, its limits and its unit, so that the command line, the dashboard's form and
the error messages all say the same. No torch here.
"""
# ruff: noqa: RUF009 (`_setting` returns a dataclasses.field)

import contextlib
import dataclasses
import json
import math
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

MAIN_FIELDS = (
    "epochs",
    "batch_size",
    "lr",
    "augmentation",
    "seed",
)  # in sight in the form; the rest folds


class ConfigError(ValueError):
    """A setting that cannot be used: says what was given, what is allowed and what to do."""


def _setting(
    default: Any,
    help: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    unit: str = "",
) -> Any:
    metadata = {
        "help": help,
        "minimum": minimum,
        "maximum": maximum,
        "choices": choices,
        "unit": unit,
    }
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class TrainConfig:
    """What a run does, complete: two runs with equal configs on one machine give equal weights.

    Raises:
        ConfigError: when a value has the wrong type or lies outside its limits.
    """

    recipe: str = _setting("custom", "Name of the recipe that these settings started from.")
    model: str = _setting("mixing_lite", "Name of a registered network; `models` lists them.")
    model_args: dict[str, Any] = _setting({}, 'Arguments of the network, as JSON: {"num_kernels": 4}.')
    data: str = _setting(
        "cifar10",
        "The real pictures, or a small drawn set for trying things out.",
        choices=("cifar10", "synthetic"),
    )
    val_size: int = _setting(
        5000,
        "Training pictures set aside to choose by (stratified).",
        minimum=10,
        maximum=25000,
        unit="images",
    )
    train_size: int = _setting(
        0,
        "Train on the first so many pictures of the training split; 0 takes all.",
        minimum=0,
        unit="images",
    )
    split_seed: int = _setting(0, "Seed that cuts the validation split.", minimum=0, maximum=2**31 - 1)
    normalization: str = _setting(
        "cifar10",
        "Subtract and divide by the data set's channel mean and std, or by 0.5 and 0.5.",
        choices=("cifar10", "half"),
    )
    augmentation: str = _setting(
        "flip_crop",
        "Random changes of the training pictures: none, mirror, mirror and shift, or also a cut-out square.",
        choices=("none", "flip", "flip_crop", "flip_crop_cutout"),
    )
    crop_padding: int = _setting(4, "Largest random shift.", minimum=1, maximum=12, unit="pixels")
    cutout_size: int = _setting(8, "Side of the cut-out square.", minimum=1, maximum=24, unit="pixels")
    epochs: int = _setting(20, "Passes over the training pictures.", minimum=1, maximum=1000)
    batch_size: int = _setting(128, "Pictures in one step.", minimum=2, maximum=8192, unit="images")
    accumulation_steps: int = _setting(
        1,
        "Batches whose gradients are added before the weights change.",
        minimum=1,
        maximum=64,
    )
    accumulation: str = _setting(
        "mean",
        "Divide the added gradients by their number, or leave the sum.",
        choices=("mean", "sum"),
    )
    optimizer: str = _setting("sgd", "Rule that changes the weights.", choices=("sgd", "adamw", "rmsprop"))
    lr: float = _setting(0.1, "Learning rate: the largest of the schedule.", minimum=1e-7, maximum=100.0)
    momentum: float = _setting(0.9, "Momentum of SGD and RMSprop.", minimum=0.0, maximum=0.999)
    nesterov: bool = _setting(False, "Nesterov's form of momentum (SGD).")
    weight_decay: float = _setting(0.0, "Pull of the weights towards zero.", minimum=0.0, maximum=1.0)
    schedule: str = _setting(
        "onecycle",
        "Shape of the learning rate over the run.",
        choices=("constant", "step", "linear", "cosine", "onecycle"),
    )
    schedule_per: str = _setting(
        "step",
        "Change the learning rate at each step, or once an epoch.",
        choices=("step", "epoch"),
    )
    schedule_epochs: int = _setting(
        0,
        "Epochs the schedule is laid out for; 0 takes the run's own.",
        minimum=0,
        maximum=10000,
    )
    warmup: float = _setting(0.2, "Share of one-cycle in which the rate rises.", minimum=0.0, maximum=0.9)
    final_lr: float = _setting(0.0, "Learning rate at the schedule's end.", minimum=0.0, maximum=1.0)
    milestones: tuple[int, ...] = _setting((50, 75), "Epochs after which `step` divides the rate by ten.")
    label_smoothing: float = _setting(
        0.0, "Share of the target spread over all classes.", minimum=0.0, maximum=0.9
    )
    ema_decay: float = _setting(
        0.0,
        "Average the weights over steps with this decay; 0 is off.",
        minimum=0.0,
        maximum=0.99999,
    )
    mixing_temperature: float = _setting(
        1.0,
        "Softmax temperature of the mixing coefficients at the start; falls to 1 in the first tenth.",
        minimum=1.0,
        maximum=100.0,
    )
    precision: str = _setting(
        "auto",
        "Number format of convolutions; auto takes bf16 where a probe shows that it is quicker.",
        choices=("auto", "fp32", "bf16"),
    )
    seed: int = _setting(
        0,
        "Seed of the weights, the order and the augmentation.",
        minimum=0,
        maximum=2**31 - 1,
    )

    def __post_init__(self) -> None:
        for spec in field_specs():
            object.__setattr__(self, spec.name, _checked(spec, getattr(self, spec.name)))
        if "num_classes" in self.model_args:
            raise ConfigError("model_args sets num_classes; leave it out, the data set has its own number.")
        if self.train_size == 1:
            raise ConfigError("train_size is 1; it must be 0, for all, or 2 images or more.")

    def replace(self, **changes: Any) -> "TrainConfig":
        """A copy with `changes`; raises ConfigError for an unknown name or a bad value."""
        unknown = sorted(set(changes) - {spec.name for spec in field_specs()})
        if unknown:
            names = ", ".join(spec.name for spec in field_specs())
            raise ConfigError(f"There is no setting '{unknown[0]}'; the settings are: {names}.")
        return dataclasses.replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, field by field."""
        return {**dataclasses.asdict(self), "milestones": list(self.milestones)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "TrainConfig":
        """The config that `to_json` wrote; raises ConfigError when a field is unknown or bad."""
        return cls().replace(**document)

    def differences(self, other: "TrainConfig") -> dict[str, tuple[Any, Any]]:
        """Settings in which two configs differ: name -> (own value, other's value)."""
        mine, theirs = self.to_json(), other.to_json()
        return {name: (mine[name], theirs[name]) for name in mine if mine[name] != theirs[name]}


@dataclass(frozen=True)
class FieldSpec:
    """One setting as a form needs it."""

    name: str
    type: type
    default: Any
    help: str
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    unit: str
    main: bool


_SPECS: list[FieldSpec] = []


def field_specs() -> list[FieldSpec]:
    """All settings in their order, with type, default, help and limits."""
    if not _SPECS:
        hints = typing.get_type_hints(TrainConfig)
        for item in dataclasses.fields(TrainConfig):
            hint = hints[item.name]
            plain = typing.get_origin(hint) or hint
            default = {} if item.default is dataclasses.MISSING else item.default
            _SPECS.append(
                FieldSpec(
                    item.name,
                    plain,
                    default,
                    main=item.name in MAIN_FIELDS,
                    **item.metadata,
                )
            )
    return _SPECS


def _checked(spec: FieldSpec, value: Any) -> Any:
    value = _typed(spec, value)
    if spec.choices and value not in spec.choices:
        raise ConfigError(f"{spec.name} is '{value}'; it must be one of {', '.join(spec.choices)}.")
    low, high = spec.minimum, spec.maximum
    too_low, too_high = (
        low is not None and value < low,
        high is not None and value > high,
    )
    if too_low or too_high or (spec.type is float and math.isnan(value)):
        between = f"from {low} to {high}" if high is not None else f"{low} or more"
        raise ConfigError(
            f"{spec.name} is {value}; it must be {between}{' ' + spec.unit if spec.unit else ''}."
        )
    return value


def _typed(spec: FieldSpec, value: Any) -> Any:
    if spec.type is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if spec.type is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if spec.type is tuple and isinstance(value, list | tuple):
        if all(type(item) is int and item > 0 for item in value):
            return tuple(value)
    elif spec.type is dict and isinstance(value, dict):
        with contextlib.suppress(TypeError, ValueError):  # what is no JSON
            return json.loads(json.dumps(value, allow_nan=False))  # a copy, equal after a round trip
    elif isinstance(value, spec.type) and not (spec.type is not bool and isinstance(value, bool)):
        return value
    raise ConfigError(f"{spec.name} is {value!r}; it must be {_TYPE_WORDS[spec.type]}.")


_TYPE_WORDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "a word",
    bool: "true or false",
    tuple: "a list of whole numbers above 0, such as 50,75",
    dict: 'a JSON object such as {"num_kernels": 4}',
}


def parse_changes(pairs: Iterable[str]) -> dict[str, Any]:
    """`["lr=0.1", "epochs=5"]` -> `{"lr": 0.1, "epochs": 5}`, each with its field's type.

    Raises:
        ConfigError: for a pair without "=", an unknown name or a value of the wrong type.
    """
    specs = {spec.name: spec for spec in field_specs()}
    changes = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise ConfigError(f"'{pair}' is not a change; write it as name=value, such as epochs=5.")
        if name not in specs:
            raise ConfigError(f"There is no setting '{name}'; the settings are: {', '.join(specs)}.")
        changes[name] = _checked(specs[name], _from_text(specs[name], text))
    return changes


def _from_text(spec: FieldSpec, text: str) -> Any:
    try:
        if spec.type is bool:
            return {"true": True, "false": False, "1": True, "0": False}[text.strip().lower()]
        if spec.type is tuple:
            return tuple(
                int(part) for part in text.replace("[", "").replace("]", "").split(",") if part.strip()
            )
        if spec.type is dict:
            return json.loads(text)
        if spec.type is int:
            return int(float(text)) if float(text).is_integer() else text
        return spec.type(text)
    except (ValueError, KeyError, OverflowError):
        raise ConfigError(f"{spec.name} is '{text}'; it must be {_TYPE_WORDS[spec.type]}.") from None
