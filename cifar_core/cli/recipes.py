"""`recipes`: list the recipes."""

import argparse
import dataclasses

from cifar_core.cli.options import Add, add_json, show
from cifar_core.recipes import get_recipe, list_recipes


def add(add_parser: Add) -> None:
    """Add the command with its options."""
    parser = add_parser("recipes", help="list the recipes")
    parser.set_defaults(command=recipes)
    add_json(parser)


def recipes(options: argparse.Namespace) -> int:
    """Print the recipes, in JSON with their settings and what their works state."""
    rows = [
        {
            "name": recipe.name,
            "summary": recipe.summary,
            "stated": dataclasses.asdict(recipe.stated) if recipe.stated else None,
            "config": recipe.config.to_json(),
        }
        for recipe in map(get_recipe, list_recipes())
    ]
    show(options, rows, lambda rows: "\n".join(f"{row['name']:22}{row['summary']}" for row in rows))
    return 0
