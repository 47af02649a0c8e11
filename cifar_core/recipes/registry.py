"""Recipes, found by their names."""

from collections.abc import Sequence
from dataclasses import dataclass

from cifar_core.config import ConfigError, TrainConfig

DEFAULT_RECIPE = "speed_mixing"
FIRST_LOOK = "first_look"  # the recipe that shows the whole loop in a minute
OWN_CLASSES = "own_classes"  # the recipe that learns a folder's own classes from few pictures
FAST = "-fast"  # ends the name of our own way to a stated result, in at most a fifth of its epochs
LESSONS = "lessons"  # the work of the guided tour's recipes


@dataclass(frozen=True)
class Stated:
    """A result that earlier work states: test accuracy (0..1), after how many epochs, and a sentence."""

    accuracy: float
    epochs: int
    note: str


@dataclass(frozen=True)
class Recipe:
    """A named way to train: `config` is complete, `summary` is one sentence for a reader.

    work: the earlier work that it belongs to, such as "s2"; LESSONS, or "" for the project's own.
    """

    name: str
    summary: str
    config: TrainConfig
    stated: Stated | None = None
    work: str = ""


_RECIPES: dict[str, Recipe] = {}


def add(name: str, summary: str, stated: Stated | None = None, work: str = "", **settings: object) -> None:
    """Register a recipe: the default settings with these changes."""
    _RECIPES[name] = Recipe(name, summary, TrainConfig().replace(recipe=name, **settings), stated, work)


def list_recipes() -> list[str]:
    """Names of all recipes, the default first."""
    return list(_RECIPES)


def get_recipe(name: str) -> Recipe:
    """The recipe called `name`; raises ConfigError with the names that exist."""
    if name not in _RECIPES:
        raise ConfigError(f"There is no recipe '{name}'; the recipes are: {', '.join(_RECIPES)}.")
    return _RECIPES[name]


def list_works(fast: bool = False) -> list[str]:
    """Names of the recipes with a result that an earlier work states: as stated, or our fast ones."""
    return [name for name, recipe in _RECIPES.items() if recipe.stated and name.endswith(FAST) == fast]


def choose_recipes(names: Sequence[str], fast: bool = False) -> list[str]:
    """Return the recipes of these names, or all that have a stated result; fast: our own in their place.

    Raises:
        ConfigError: for a name that is no recipe's.
    """
    if not names:
        return list_works(fast)
    wanted = [name + FAST if fast and not name.endswith(FAST) else name for name in names]
    return [get_recipe(name).name for name in wanted]
