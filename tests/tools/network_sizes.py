"""Count every registered network and those of the recipes, for cifar_core/recipes/sizes.json.

python -m tests.tools.network_sizes        # after a new network or recipe; writes the file
"""

from dataclasses import asdict

import torch

from cifar_core.datasets import CIFAR10, DATA_SETS
from cifar_core.files import write_json
from cifar_core.models import count_macs, count_parameters, create_model, list_models
from cifar_core.recipes import get_recipe, list_recipes
from cifar_core.recipes.sizes import FILE, Size


def counted_networks() -> list[Size]:
    """Each network once: those registered, for ten classes, then those of the recipes."""
    wanted = [(name, {}, 10) for name in list_models()]
    for config in (get_recipe(name).config for name in list_recipes()):
        data = CIFAR10 if config.data_set.is_own else DATA_SETS[config.data]
        network = (config.model, config.model_args, len(data.class_names))
        if network not in wanted:
            wanted.append(network)
    sizes = []
    for name, arguments, classes in wanted:
        with torch.device("meta"):  # nothing is computed
            model = create_model(name, num_classes=classes, **arguments)
        sizes.append(Size(name, arguments, classes, count_parameters(model), count_macs(model)))
    return sizes


if __name__ == "__main__":
    write_json(FILE, {"networks": [asdict(size) for size in counted_networks()]})
