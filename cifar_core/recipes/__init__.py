"""Named training recipes: our own, the lessons of the tour, those of earlier works, and ours for the same.

A recipe is a TrainConfig with a sentence about it and, where it reproduces earlier work, what that stated.
"""

from cifar_core.recipes import own as own  # first: the default leads the list

from cifar_core.recipes import lessons as lessons  # isort: skip
from cifar_core.recipes import earlier as earlier  # isort: skip
from cifar_core.recipes import fast as fast  # isort: skip
from cifar_core.recipes.registry import (
    DEFAULT_RECIPE,
    FAST,
    FIRST_LOOK,
    LESSONS,
    OWN_CLASSES,
    Recipe,
    Stated,
    choose_recipes,
    get_recipe,
    list_recipes,
    list_works,
)

__all__ = [
    "DEFAULT_RECIPE",
    "FAST",
    "FIRST_LOOK",
    "LESSONS",
    "OWN_CLASSES",
    "Recipe",
    "Stated",
    "choose_recipes",
    "get_recipe",
    "list_recipes",
    "list_works",
]
