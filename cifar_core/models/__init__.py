"""Networks by name. Importing this registers every family of the package."""

from cifar_core.models import mixing as mixing
from cifar_core.models import speed as speed
from cifar_core.models.base import ImageClassifier
from cifar_core.models.cost import count_macs, count_parameters
from cifar_core.models.registry import ModelError, create_model, describe_model, list_models, register_model

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
