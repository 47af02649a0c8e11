"""Settings: dataclass fields with help, limits and unit, checked, and read from text."""

import contextlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cifar_core.errors import LabError

Choice = TypeVar("Choice")

MAIN_FIELDS = ("epochs", "batch_size", "lr", "augmentation", "seed")  # in sight; the rest folds, by groups

GROUPS: dict[str, tuple[str, ...]] = {
    "Network": ("model", "model_args", "mixing_temperature"),
    "Which images": (
        *("data", "classes", "own_images", "train_size", "val_size", "split_seed", "monitored"),
        "normalization",
    ),
    "How images change": (
        *("alternate_flip", "crop_padding", "crop_border", "smallest_crop", "largest_crop", "stretch"),
        *("cutout_size", "sharpness", "saturation", "jpeg", "jitter", "image_sizes"),
    ),
    "How weights change": (
        *("optimizer", "momentum", "nesterov", "weight_decay", "label_smoothing"),
        *("accumulation_steps", "accumulation", "bias_lr", "head_lr", "mixing_lr"),
        *("start_from", "head_first", "teachers", "distillation", "outliers"),
    ),
    "Learning rate over the run": (
        *("schedule", "schedule_per", "schedule_epochs", "warmup", "final_lr", "milestones"),
    ),
    "What is kept and how it answers": ("keep", "ema_decay", "tta", "tta_below"),
    "Machine": ("recipe", "precision", "sync_batch_norm"),
}  # every other setting, under a plain title


def group_of(name: str) -> str:
    """The title over a setting, "" for the plain one."""
    return next((title for title, names in GROUPS.items() if name in names), "")


class ConfigError(LabError):
    """A setting that cannot be used: says what was given, what is allowed and what to do."""

    exit_code = 2


def setting(
    default: Any,
    help: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[str, ...] = (),
    unit: str = "",
) -> Any:
    """A dataclass field that knows its help, its limits and its unit."""
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
class FieldSpec:
    """One setting as a form needs it; `group` is the title that it stands under, "" for the main ones."""

    name: str
    type: type
    default: Any
    help: str
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    unit: str
    main: bool
    group: str
    items: Any = int  # the type of a tuple's items


def checked(spec: FieldSpec, value: Any) -> Any:
    """The value in its field's type; raises ConfigError when it has another or lies outside the limits."""
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
    if spec.type is tuple and spec.items is str and isinstance(value, str):  # as earlier versions kept names
        return from_text(spec, value)
    if spec.type is tuple and isinstance(value, list | tuple):
        if all(_fits(item, spec.items) for item in value):
            return tuple(value)
    elif spec.type is dict and isinstance(value, dict):
        with contextlib.suppress(TypeError, ValueError):  # what is no JSON
            return json.loads(json.dumps(value, allow_nan=False))  # a copy, equal after a round trip
    elif isinstance(value, spec.type) and not (spec.type is not bool and isinstance(value, bool)):
        return value
    raise ConfigError(f"{spec.name} is {value!r}; it must be {_words(spec)}.")


def _fits(item: Any, kind: Any) -> bool:
    return type(item) is kind and bool(item) and (kind is str or item > 0)


def _words(spec: FieldSpec) -> str:
    return _NAMES_WORDS if spec.items is str else _TYPE_WORDS[spec.type]


_NAMES_WORDS = (
    'a list of names, such as red,green, or as JSON where a name has a comma: ["red, dark", "green"]'
)
_TYPE_WORDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "a word",
    bool: "true or false",
    tuple: "a list of whole numbers above 0, such as 50,75",
    dict: 'a JSON object such as {"num_kernels": 4}',
}


def choose(table: Mapping[str, Choice], name: str, value: str) -> Choice:
    """Return what `table` has for the setting `name` at `value`; raises ConfigError where it has nothing."""
    if value not in table:
        names = ", ".join(table)
        raise ConfigError(f"{name} is '{value}', which nothing implements; choose one of: {names}.")
    return table[value]


def from_text(spec: FieldSpec, text: str) -> Any:
    """The value that a word of the command line means; raises ConfigError when it means none."""
    try:
        is_number = spec.type in (int, float) or (spec.type is tuple and spec.items is not str)
        if is_number and not text.isascii():  # int() takes the digits of other scripts too
            raise ValueError("no number of ours")
        if spec.type is bool:
            return {"true": True, "false": False, "1": True, "0": False}[text.strip().lower()]
        if spec.type is tuple and spec.items is str:
            return _names_in(text)
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
        raise ConfigError(f"{spec.name} is '{text}'; it must be {_words(spec)}.") from None


def _names_in(text: str) -> tuple[str, ...]:
    """The names in a comma list, or in a JSON list; raises ValueError for JSON that is none."""
    if not text.lstrip().startswith("["):
        return _between_commas(text)
    names = json.loads(text)
    if not isinstance(names, list) or not all(_fits(name, str) for name in names):
        raise ValueError("no list of names")
    return tuple(names)


def _between_commas(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def as_text(value: Any) -> str:
    """A setting as `--set` takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, list | tuple):
        text = ",".join(str(item) for item in value)
        names = tuple(item for item in value if isinstance(item, str))
        ambiguous = text.startswith("[") or _between_commas(text) != names
        return json.dumps(names, ensure_ascii=False) if names and ambiguous else text
    return str(value)
