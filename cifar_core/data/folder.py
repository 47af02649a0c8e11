"""Class folders: `train/<class>/<image>` and `test/<class>/<image>`, named as the classes of the data set."""

import functools
import os
from pathlib import Path

import numpy as np

from cifar_core.data.dataset import Progress, Remarks, Source, Split, data_error, place_key
from cifar_core.datasets import OWN, DataSet
from cifar_core.images.formats import ALLOWED, SUFFIXES

NOT_DATA = ("thumbs.db", "desktop.ini")
REPORT_EVERY = 500

Labeled = list[tuple[str, int, str]]  # (file name, label, path); strings, as there may be 60,000


def find_folders(place: Path, data_set: DataSet) -> Source | None:
    """Class folders in `place`; None when there is neither `train` nor `test`.

    The images stand in the order of their file names, so that the first so many of them are of all classes
    where the names are numbers.

    Raises:
        DataError: when a split or a class is missing, empty, or has a file that is no image.
    """
    if not any((place / split).is_dir() for split in ("train", "test")):
        return None
    train, test = (_list_split(place / split, data_set.class_names) for split in ("train", "test"))
    files = tuple(path for _, _, path in train + test)
    decode = functools.partial(_decode, data_set, train, test)
    return Source(data_set, place_key("folders", place), "class folders", place, files, decode)


def _list_split(folder: Path, class_names: tuple[str, ...]) -> Labeled:
    if not folder.is_dir():
        raise data_error(
            folder, "this folder is missing; class folders need both train/<class> and test/<class>"
        )
    names = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    wrong = sorted(set(names) ^ set(class_names))
    if wrong:
        found = "is missing" if wrong[0] in class_names else "is not a class"
        known = ", ".join(class_names)
        own = f"to learn the folder's own classes, set data={OWN.name}"
        raise data_error(folder / wrong[0], f"this folder {found}; the classes are {known}; {own}")
    return sorted(
        image for label, name in enumerate(class_names) for image in _list_class(folder / name, label)
    )


def _list_class(folder: Path, label: int) -> Labeled:
    names = [name for name in os.listdir(folder) if not name.startswith(".") and name.lower() not in NOT_DATA]
    for name in names:
        if not name.lower().endswith(SUFFIXES):
            raise data_error(folder / name, f"this is not an image of a known kind ({ALLOWED})")
    if not names:
        raise data_error(folder, "this folder has no images")
    return [(name, label, os.path.join(folder, name)) for name in names]


def _decode(
    data_set: DataSet, train: Labeled, test: Labeled, progress: Progress
) -> tuple[Split, Split, Remarks]:
    from cifar_core.images.decode import ImageError, decode, fit_square  # brings Pillow

    both = train + test
    images = np.empty((len(both), *data_set.shape), np.uint8)  # (N, C, H, W)
    for index, (_, _, path) in enumerate(both):
        if index % REPORT_EVERY == 0:
            progress("decoding the class folders", index, len(both))
        try:
            square = fit_square(decode(Path(path).read_bytes(), whole=True).image, data_set.image_size)
        except ImageError as error:
            raise data_error(path, str(error)) from error
        images[index] = np.asarray(square).transpose(2, 0, 1)
    progress("decoding the class folders", len(both), len(both))
    targets = np.array([label for _, label, _ in both], np.int64)
    count = len(train)
    return Split(images[:count], targets[:count]), Split(images[count:], targets[count:]), Remarks()
