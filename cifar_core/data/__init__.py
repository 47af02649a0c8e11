"""The images: found, decoded, checked, cached and split. Importing this is quick and needs no torch."""

from cifar_core.data.check import check_data, format_check
from cifar_core.data.dataset import DataError, ImageData, Progress, Split
from cifar_core.data.sources import load_data
from cifar_core.data.split import held_out, split_train_val
from cifar_core.datasets import CLASS_NAMES, DATA_SETS, DataSet

__all__ = [
    "CLASS_NAMES",
    "DATA_SETS",
    "DataError",
    "DataSet",
    "ImageData",
    "Progress",
    "Split",
    "check_data",
    "format_check",
    "held_out",
    "load_data",
    "split_train_val",
]
