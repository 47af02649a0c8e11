"""A sweep: what its study remembers, so that any process can join it by name."""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.storages import BaseStorage

from cifar_core.config import ConfigError, TrainConfig
from cifar_core.settings import as_text
from cifar_core.sweep.ranges import MOST_TRIALS, TRIALS_BY_DEFAULT, Choices, Search, parse_search
from cifar_core.sweep.rows import Row, row_of
from cifar_core.sweep.slots import SLOT, owners
from cifar_core.sweep.storage import StorageError, describe_storage, opened

NAME = re.compile(r"\w[\w.-]{0,39}")
PLAN, TRIALS = "plan", "trials"  # attributes of the study
BEGIN_SECONDS = 60.0  # so long may another process need to write the plan of the study that it began


@dataclass(frozen=True)
class Plan:
    """What all trials of a sweep share: their settings, what is searched, and whether weak ones end early.

    Raises:
        ConfigError: when the settings watch the test images, by which nothing may be chosen.
    """

    config: TrainConfig
    search: Search
    prune: bool = True

    def __post_init__(self) -> None:
        if self.config.monitored == "test":
            raise ConfigError(
                f"{self.config.recipe} watches the test images, and settings are never chosen by those; "
                "add --set monitored=val."
            )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        words = [one.text for one in self.search.values()]
        return {"config": self.config.to_json(), "search": words, "prune": self.prune}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> "Plan":
        """The plan that `to_json` wrote; raises ConfigError, KeyError or TypeError when it is none."""
        config = TrainConfig.from_json(document["config"])
        return cls(config, parse_search(document["search"], config), bool(document["prune"]))


@dataclass(frozen=True)
class Sweep:
    """An open study with its plan and the number of trials that it is to have."""

    study: optuna.Study
    storage: BaseStorage
    plan: Plan
    total: int

    @property
    def name(self) -> str:
        """The study's name."""
        return self.study.study_name

    @property
    def slots(self) -> list[str]:
        """A slot for each trial, from "1" on."""
        return [str(number) for number in range(1, self.total + 1)]

    def rows(self) -> list[Row]:
        """A row for each slot that somebody has begun or will, in order; lost trials are left out."""
        found = owners(self.study.get_trials(deepcopy=False))
        return [row_of(slot, found[slot]) for slot in self.slots if slot in found]

    def best(self) -> Row | None:
        """The finished trial with the highest validation accuracy, the first of equals."""
        finished = [row for row in self.rows() if row.state == "finished" and row.accuracy is not None]
        return max(finished, key=lambda row: row.accuracy or 0.0, default=None)

    def config_of(self, params: Mapping[str, Any]) -> TrainConfig:
        """The settings of a trial with these parameters; raises ConfigError when they do not go together."""
        return self.plan.config.replace(**params)


@contextmanager
def open_sweep(
    storage: str, name: str, plan: Plan | None = None, trials: int | None = None
) -> Iterator[Sweep]:
    """Yield the study `name`: begun with `plan` where there is none, joined where there is one.

    trials: how many the study is to have in all; more than it has adds to them, None leaves them as they are.

    Raises:
        ConfigError: for a name that is none, a study that is not there, or one with another plan.
        StorageError: when the storage cannot be used.
    """
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"'{name:.60}' cannot name a study; take at most 40 letters, digits, '-', '_' and '.'."
        )
    if trials is not None and not 1 <= trials <= MOST_TRIALS:
        raise ConfigError(f"--trials is {trials}; it must be from 1 to {MOST_TRIALS:,}.")
    with opened(storage) as kept:
        study = _begin(kept, name, plan, trials) if plan else _load(kept, name, storage)
        found, total = _remembered(study, storage)
        if plan is not None:
            _require_equal(name, found, plan)
        if trials is not None and trials > total:
            study.set_user_attr(TRIALS, trials)
            total = trials
        study.pruner = optuna.pruners.MedianPruner() if found.prune else optuna.pruners.NopPruner()
        yield Sweep(study, kept, found, total)


def study_names(storage: str) -> list[str]:
    """The names of the sweeps in a storage, the newest last; raises StorageError."""
    with opened(storage) as kept:
        return _names_in(kept)


def _names_in(storage: BaseStorage) -> list[str]:
    return [found.study_name for found in storage.get_all_studies() if PLAN in found.user_attrs]


def _begin(storage: BaseStorage, name: str, plan: Plan, trials: int | None) -> optuna.Study:
    try:
        study = optuna.create_study(storage=storage, study_name=name, direction="maximize")
    except optuna.exceptions.DuplicatedStudyError:
        study = optuna.load_study(storage=storage, study_name=name)
        if _has_plan(study) or any(SLOT not in trial.user_attrs for trial in study.trials):
            return study
    total, begun = trials or TRIALS_BY_DEFAULT, owners(study.trials)  # some, if its process was killed
    for slot in range(1, total + 1):
        if str(slot) not in begun:  # before others see the plan: two that fill it would fill it twice
            study.enqueue_trial({}, user_attrs={SLOT: str(slot)})
    study.set_user_attr(TRIALS, total)
    study.set_user_attr(PLAN, plan.to_json())
    return study


def _load(storage: BaseStorage, name: str, where: str) -> optuna.Study:
    try:
        study = optuna.load_study(storage=storage, study_name=name)
    except KeyError:
        names = ", ".join(_names_in(storage)) or "none"
        raise ConfigError(
            f"There is no study '{name}' in {describe_storage(where)}, which has: {names}. Begin it with "
            "--recipe and --search, or name another --storage."
        ) from None
    _has_plan(study)
    return study


def _has_plan(study: optuna.Study) -> bool:
    """Return whether a study has a plan, which another process may be about to write."""
    until = time.monotonic() + BEGIN_SECONDS
    while PLAN not in study.user_attrs:
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def _remembered(study: optuna.Study, storage: str) -> tuple[Plan, int]:
    """The plan and the number of trials."""
    attributes = study.user_attrs
    if PLAN not in attributes:
        raise StorageError(
            f"The study '{study.study_name}' in {describe_storage(storage)} has no plan: the process "
            "that began it did not finish, or it is no sweep. Begin it again with --recipe and --search, or "
            "choose another --study."
        )
    try:
        return Plan.from_json(attributes[PLAN]), int(attributes[TRIALS])
    except (ConfigError, KeyError, TypeError, ValueError) as error:
        raise StorageError(
            f"The study '{study.study_name}' in {describe_storage(storage)} is no sweep that can be read "
            f"({type(error).__name__}: {error}); choose another --study."
        ) from None


def _require_equal(name: str, found: Plan, asked: Plan) -> None:
    """Raise ConfigError where a study was begun with another plan."""
    changes = [
        f"{setting}={as_text(there)}"
        for setting, (there, _) in found.config.differences(asked.config).items()
    ]
    theirs, ours = found.to_json(), asked.to_json()
    if theirs["search"] != ours["search"]:
        changes.append(f"--search {' '.join(theirs['search'])}")
    if theirs["prune"] != ours["prune"]:
        changes.append("with pruning" if theirs["prune"] else "--no-prune")
    if changes:
        raise ConfigError(
            f"The study '{name}' was begun with other settings: {'; '.join(changes)}. Go on with it by "
            f"--study {name} alone, or begin another with --study NAME."
        )


def groupings(plan: Plan) -> dict[str, list[str]]:
    """What the trials can be grouped by: each choice among values, and all but the seed where that varies."""
    choices = [name for name, one in plan.search.items() if isinstance(one, Choices) and name != "seed"]
    found = {name: [name] for name in choices}
    if "seed" in plan.search and len(plan.search) > 1:
        found = {"all but the seed": [name for name in plan.search if name != "seed"], **found}
    return found
