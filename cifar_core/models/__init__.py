"""Networks by name. Importing this imports every file of the package, and so registers every family."""

from importlib import import_module
from pkgutil import iter_modules

from cifar_core.models.base import ImageClassifier
from cifar_core.models.registry import ModelError, create_model, describe_model, list_models, register_model
from cifar_core.models.summary import count_macs, count_parameters

__all__ = [
    "ImageClassifier",
    "ModelError",
    "count_macs",
    "count_parameters",
    "create_model",
    "describe_model",
    "list_models",
    "register_model",
]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
