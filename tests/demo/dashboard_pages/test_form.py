"""The form's values become a checked config and the command line that does the same."""

import shlex
from itertools import pairwise
from pathlib import Path

import pytest

from cifar_core.config import ConfigError, field_specs, parse_changes
from cifar_core.recipes import get_recipe, list_recipes
from cifar_core.settings import as_text
from demo.dashboard_pages.train.form import (
    changed_fields,
    checked_config,
    help_of,
    label_of,
    limits,
)
from demo.widgets.start_training import command_line

SPECS = {spec.name: spec for spec in field_specs()}


@pytest.mark.parametrize("name", list_recipes())
def test_every_setting_of_every_recipe_survives_as_text(name):
    config = get_recipe(name).config
    values = config.to_json()
    pairs = [f"{key}={as_text(value)}" for key, value in values.items() if key != "recipe"]
    assert type(config)().replace(recipe=name, **parse_changes(pairs)) == config


def test_the_command_line_names_only_what_was_changed():
    recipe = get_recipe("smoke")
    config = recipe.config.replace(lr=0.02, model_args={"widths": [8, 16]})
    words = shlex.split(command_line(recipe, config, Path("/data/my cifar")))
    assert words[:6] == ["python", "-m", "cifar_core", "train", "--recipe", "smoke"]
    changes = parse_changes(word for flag, word in pairwise(words) if flag == "--set")
    assert recipe.config.replace(**changes) == config
    assert words[-2:] == ["--data-dir", "/data/my cifar"]


def test_typed_text_is_parsed_and_an_empty_number_refused():
    recipe = get_recipe("mixing_lite")
    assert checked_config(recipe, {"milestones": "3, 5"}, "synthetic").milestones == (3, 5)
    with pytest.raises(ConfigError, match="Epochs is empty"):
        checked_config(recipe, {"epochs": None}, "cifar10")
    with pytest.raises(ConfigError, match="model_args"):
        checked_config(recipe, {"model_args": "{"}, "cifar10")


def test_changed_fields_compare_with_the_recipe():
    recipe = get_recipe("smoke")
    same = {"epochs": recipe.config.epochs, "milestones": as_text(recipe.config.milestones)}
    assert changed_fields(recipe, same) == set()
    assert changed_fields(recipe, same | {"epochs": recipe.config.epochs + 1}) == {"epochs"}


def test_labels_and_help_say_range_unit_and_what_was_there():
    recipe = get_recipe("smoke")
    assert label_of(recipe, SPECS["epochs"], True) == f"Epochs · changed from {recipe.config.epochs}"
    assert label_of(recipe, SPECS["epochs"], False) == "Epochs"
    assert limits(SPECS["batch_size"]) == "2 to 8,192 images"
    assert limits(SPECS["train_size"]) == "0 or more images"
    assert str(recipe.config.batch_size) in help_of(recipe, SPECS["batch_size"])
