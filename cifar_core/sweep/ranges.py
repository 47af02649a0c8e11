"""What a sweep may search: ranges and choices of settings, within the settings' own limits. No Optuna.

Settings are chosen by validation images, never by test images: what decides which images those are is fixed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cifar_core.config import ConfigError, FieldSpec, TrainConfig, field_specs
from cifar_core.settings import as_text, checked, from_text

if TYPE_CHECKING:
    from optuna import Trial

TRIALS_BY_DEFAULT, MOST_TRIALS = 20, 1000
FORMS = "lr=0.02:0.3:log, momentum=0.4:0.9 or optimizer=sgd,muon"
# All trials must be measured on the same images, and these settings decide on which.
SAME_IMAGES = ("data", "classes", "own_images", "val_size", "split_seed", "monitored")


@dataclass(frozen=True)
class Range:
    """All numbers from `low` to `high`, both included; `log`: each factor as likely as another."""

    name: str
    low: float
    high: float
    log: bool = False

    @property
    def text(self) -> str:
        """The words of the command line that mean it."""
        return f"{self.name}={as_text(self.low)}:{as_text(self.high)}{':log' if self.log else ''}"

    @property
    def ends(self) -> tuple[float, ...]:
        """Values that must be allowed, so that all are."""
        return self.low, self.high

    def suggest(self, trial: "Trial") -> Any:
        """Return the value that Optuna gives to a trial."""
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(self.name, self.low, self.high, log=self.log)
        return trial.suggest_float(self.name, self.low, self.high, log=self.log)


@dataclass(frozen=True)
class Choices:
    """A few values, none nearer to another."""

    name: str
    values: tuple[Any, ...]

    @property
    def text(self) -> str:
        """The words of the command line that mean it."""
        return f"{self.name}={','.join(map(as_text, self.values))}"

    @property
    def ends(self) -> tuple[Any, ...]:
        """Values that must be allowed, so that all are."""
        return self.values

    def suggest(self, trial: "Trial") -> Any:
        """Return the value that Optuna gives to a trial."""
        return trial.suggest_categorical(self.name, self.values)


Search = Mapping[str, Range | Choices]


def searchable_settings() -> dict[str, FieldSpec]:
    """The settings of the form that a sweep may search, by name."""
    return {spec.name: spec for spec in field_specs() if not _why_not(spec)}


def parse_search(words: Iterable[str], base: TrainConfig) -> dict[str, Range | Choices]:
    """`["lr=0.02:0.3:log", "optimizer=sgd,muon"]` -> what is searched, by the setting's name.

    base: the settings that all trials share.

    Raises:
        ConfigError: for a word of another form, a setting that cannot be searched, a value out of its limits.
    """
    specs = {spec.name: spec for spec in field_specs()}
    search: dict[str, Range | Choices] = {}
    for word in words:
        name, _, text = word.partition("=")
        if name not in specs:
            raise ConfigError(
                f"There is no setting '{name:.60}' to search; they are: {', '.join(searchable_settings())}."
            )
        if reason := _why_not(specs[name]):
            raise ConfigError(f"{name} cannot be searched: {reason}")
        if name in search:
            raise ConfigError(f"{name} is searched twice; give it one range, or one list of choices.")
        search[name] = _range(specs[name], text) if ":" in text else _choices(specs[name], text)
        for value in search[name].ends:
            base.replace(**{name: value})
    if not search:
        raise ConfigError(f"Nothing is searched; say what, such as --search {FORMS.replace(' or', ',')}.")
    return search


def _why_not(spec: FieldSpec) -> str:
    """Why a setting cannot be searched, "" where it can."""
    if spec.name == "recipe":
        return "it is the name of what a sweep begins with; give another --recipe."
    if spec.name in SAME_IMAGES:
        return "trials compare only when all are measured on the same images; set it for all with --set."
    if spec.type in (tuple, dict):
        return "its value is a list or JSON; set it for all trials with --set."
    return ""


def _range(spec: FieldSpec, text: str) -> Range:
    given = f"{spec.name}={text:.60}"
    if spec.type not in (int, float):
        raise ConfigError(f"{given} is a range, but {spec.name} is no number; list choices: {spec.name}=a,b.")
    low, _, rest = text.partition(":")
    high, _, form = rest.partition(":")
    if form not in ("", "log") or text.endswith(":"):
        raise ConfigError(f"'{given}' is no range; write it as low:high or low:high:log, such as {FORMS}.")
    ends = [checked(spec, from_text(spec, part)) for part in (low, high)]
    if not ends[0] < ends[1]:
        raise ConfigError(
            f"'{given}' must go from a smaller number to a larger one; write it as {spec.name}=low:high."
        )
    if form and ends[0] <= 0:
        raise ConfigError(f"'{given}' has no logarithm at {ends[0]}; begin above 0, or leave out :log.")
    return Range(spec.name, ends[0], ends[1], bool(form))


def _choices(spec: FieldSpec, text: str) -> Choices:
    values = tuple(checked(spec, from_text(spec, part.strip())) for part in text.split(",") if part.strip())
    if len(values) < 2 or len(set(values)) < len(values):
        raise ConfigError(
            f"'{spec.name}={text:.60}' leaves nothing to choose; give a range, or two different values or "
            f"more, such as {FORMS}, or fix it for all trials with --set."
        )
    return Choices(spec.name, values)
