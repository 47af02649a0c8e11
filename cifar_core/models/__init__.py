"""Networks by name. Importing this registers every family of the package."""

from cifar_core.models import densenet as densenet
from cifar_core.models import mixing as mixing
from cifar_core.models import plain_cnn as plain_cnn
from cifar_core.models import resnet as resnet
from cifar_core.models import resnext as resnext
from cifar_core.models import scale_resnet as scale_resnet
from cifar_core.models import speed_net as speed_net
from cifar_core.models import vgg as vgg
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
