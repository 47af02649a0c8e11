"""A checkpoint measured on a folder of photographs: a folder for each class, `none_*` for other things.

`none_far` may hold what resembles none of the classes and `none_near` what resembles some; any other name
after `none_` is a kind of its own. A class may be missing.
"""

from pathlib import Path

import numpy as np

from cifar_core.config import ConfigError
from cifar_core.images.decode import open_image
from cifar_core.inference.classifier import Classifier
from cifar_core.metrics.photographs import Answers, Photographs, measure_photographs

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp")
NONE = "none_"  # begins the name of a folder with other things
PART = 50  # photographs that are held in memory at a time


def pictures_in(folder: Path) -> list[Path]:
    """The picture files of a folder, sorted; raises ConfigError where there are none."""
    found = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        raise ConfigError(f"{folder} holds no picture ({', '.join(SUFFIXES)}); give a folder with some.")
    return found


def evaluate_photographs(classifier: Classifier, folder: Path) -> Photographs:
    """Measure a network on the photographs in `folder`.

    Raises:
        ConfigError: when the folder is missing, or holds no class, another folder or an empty one.
        ImageError: for an unreadable picture.
    """
    files = photographs_in(classifier, folder)
    classes = [name for name in files if not name.startswith(NONE)]
    numbers = [classifier.class_names.index(name) for name in classes]
    targets = np.repeat(np.asarray(numbers, np.int64), [len(files[name]) for name in classes])
    known = _answers(classifier, [path for name in classes for path in files[name]])
    others = {name: _answers(classifier, files[name]) for name in files if name not in classes}
    kinds = {name.removeprefix(NONE): answers for name, answers in others.items()}
    return measure_photographs(known, targets, kinds)


def photographs_in(classifier: Classifier, folder: Path) -> dict[str, list[Path]]:
    """Name of a folder in `folder`, a class or `none_*` -> its picture files; raises ConfigError."""
    if not folder.is_dir():
        raise ConfigError(
            f"There is no folder '{folder}'; give one with a folder of photographs for each class."
        )
    names = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    classes = [name for name in names if not name.startswith(NONE)]
    wrong = [name for name in classes if name not in classifier.class_names]
    allowed = f"the classes are {', '.join(classifier.class_names)}, and {NONE}… is for other things"
    if wrong:
        raise ConfigError(f"{folder / wrong[0]} is not a class of this network; {allowed}.")
    if not classes:
        raise ConfigError(f"{folder} has no folder of a class; {allowed}.")
    return {name: pictures_in(folder / name) for name in names}


def _answers(classifier: Classifier, paths: list[Path]) -> Answers:
    parts = [paths[start : start + PART] for start in range(0, len(paths), PART)]
    found = [one for part in parts for one in classifier.predict([open_image(path) for path in part])]
    probs = np.stack([answer.probs for answer in found])
    scores = [answer.ood_score for answer in found if answer.ood_score is not None]
    if len(scores) < len(found):
        return Answers(probs, None, None)
    return Answers(probs, np.array(scores), np.array([answer.known is False for answer in found]))
