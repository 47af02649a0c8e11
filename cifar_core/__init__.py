"""CIFAR-10 Lab: train, watch, compare and use small image classifiers.

    from cifar_core import Classifier, train
    run = train("smoke", epochs=2)
    Classifier.load(run.best_checkpoint).predict([picture])

Importing this has no effect and is quick: a name's module is imported when the name is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cifar_core.checkpoint import list_checkpoints
    from cifar_core.config import TrainConfig
    from cifar_core.data import load_data
    from cifar_core.datasets import CLASS_NAMES
    from cifar_core.images.decode import decode_image
    from cifar_core.inference.classifier import Classifier
    from cifar_core.inference.prediction import Prediction
    from cifar_core.models import create_model, list_models
    from cifar_core.recipes import get_recipe, list_recipes
    from cifar_core.runs.store import RunStore
    from cifar_core.training.runner import train

__version__ = "0.1.0"
__all__ = [
    "CLASS_NAMES",
    "Classifier",
    "Prediction",
    "RunStore",
    "TrainConfig",
    "create_model",
    "decode_image",
    "get_recipe",
    "list_checkpoints",
    "list_models",
    "list_recipes",
    "load_data",
    "train",
]
_HOMES = {
    "CLASS_NAMES": "datasets",
    "Classifier": "inference.classifier",
    "Prediction": "inference.prediction",
    "RunStore": "runs.store",
    "TrainConfig": "config",
    "create_model": "models",
    "decode_image": "images.decode",
    "get_recipe": "recipes",
    "list_checkpoints": "checkpoint",
    "list_models": "models",
    "list_recipes": "recipes",
    "load_data": "data",
    "train": "training.runner",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'cifar_core' has no attribute '{name}'; it has: {', '.join(__all__)}")
    return getattr(import_module(f"cifar_core.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
