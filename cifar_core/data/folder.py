"""Class folders: `train/<class>/<image>` and `test/<class>/<image>`, named as the ten classes of CIFAR-10."""

import functools
import os
from pathlib import Path

import numpy as np

from cifar_core.data.dataset import CLASS_NAMES, IMAGE_SHAPE, Progress, Source, Split, data_error, place_key

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")
NOT_DATA = ("thumbs.db", "desktop.ini")
REPORT_EVERY = 500

Labeled = list[tuple[str, int, str]]  # (file name, label, path); strings, as there may be 60,000


def find_folders(place: Path) -> Source | None:
    """Class folders in `place`; None when there is neither `train` nor `test`.

    The images stand in the order of their file names, so that the first so many of them are of all classes
    where the names are numbers.

    Raises:
        DataError: when a split or a class is missing, empty, or has a file that is no image.
    """
    if not any((place / split).is_dir() for split in ("train", "test")):
        return None
    train, test = (_list_split(place / split) for split in ("train", "test"))
    files = tuple(path for _, _, path in train + test)
    decode = functools.partial(_decode, train, test)
    return Source(place_key("folders", place), "class folders", place, files, decode)


def _list_split(folder: Path) -> Labeled:
    if not folder.is_dir():
        raise data_error(
            folder, "this folder is missing; class folders need both train/<class> and test/<class>"
        )
    names = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    wrong = sorted(set(names) ^ set(CLASS_NAMES))
    if wrong:
        found = "is missing" if wrong[0] in CLASS_NAMES else "is not a class"
        raise data_error(folder / wrong[0], f"this folder {found}; the classes are {', '.join(CLASS_NAMES)}")
    return sorted(
        image for label, name in enumerate(CLASS_NAMES) for image in _list_class(folder / name, label)
    )


def _list_class(folder: Path, label: int) -> Labeled:
    names = [name for name in os.listdir(folder) if not name.startswith(".") and name.lower() not in NOT_DATA]
    for name in names:
        if not name.lower().endswith(SUFFIXES):
            raise data_error(folder / name, f"this is not an image of a known kind ({', '.join(SUFFIXES)})")
    if not names:
        raise data_error(folder, "this folder has no images")
    return [(name, label, os.path.join(folder, name)) for name in names]


def _decode(train: Labeled, test: Labeled, progress: Progress) -> tuple[Split, Split]:
    total = len(train) + len(test)
    return _decode_split(train, 0, total, progress), _decode_split(test, len(train), total, progress)


def _decode_split(labeled: Labeled, done: int, total: int, progress: Progress) -> Split:
    images = np.empty((len(labeled), *IMAGE_SHAPE), np.uint8)  # (N, 3, 32, 32)
    for index, (_, _, path) in enumerate(labeled):
        if index % REPORT_EVERY == 0:
            progress("decoding the class folders", done + index, total)
        images[index] = _read(Path(path))
    progress("decoding the class folders", done + len(labeled), total)
    return Split(images, np.array([label for _, label, _ in labeled], np.int64))


def _read(path: Path) -> "np.ndarray":
    from cifar_core.images.decode import ImageError, decode_image, fit_square  # brings Pillow

    try:
        return np.asarray(fit_square(decode_image(path.read_bytes()))).transpose(2, 0, 1)
    except ImageError as error:
        raise data_error(path, str(error)) from error
