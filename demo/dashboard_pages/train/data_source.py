"""Where the pictures of a run come from, in plain words, and what is missing; without torch."""

import os
from pathlib import Path

from cifar_core.data.dataset import DataError
from cifar_core.data.sources import find_local
from cifar_core.datasets import DataSet

SYNTHETIC_TEXT = (
    "2,000 drawn shapes, made on the spot: to see how everything works. Says nothing about photographs."
)
DOWNLOAD_TEXT = (
    "No folder is named, so the run first fetches CIFAR-10 from the Hugging Face Hub (about 150 MB, kept for "
    "the next time). If you have it already, name its folder."
)

DOWNLOAD_HERE = (
    "The first run here fetches CIFAR-10 from the Hugging Face Hub (about 150 MB), the others have it."
)


def named_folder() -> Path | None:
    """The folder that the variable CIFAR_DATA names, if it is set."""
    value = os.environ.get("CIFAR_DATA")
    return Path(value).expanduser() if value else None


def describe_folder(folder: Path, data_set: DataSet) -> tuple[bool, str]:
    """(usable, a sentence): what is found in a data folder, or what is wrong with it."""
    try:
        return True, f"Found: {find_local(folder, data_set).words}"
    except (DataError, OSError) as error:
        return False, str(error)
