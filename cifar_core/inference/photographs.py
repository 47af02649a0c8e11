"""A checkpoint measured on a folder of photographs: a folder for each class, `none_*` for other things.

`none_far` may hold what resembles none of the classes and `none_near` what resembles some; any other name
after `none_` is a kind of its own. A class may be missing.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cifar_core.config import ConfigError
from cifar_core.images.decode import open_image
from cifar_core.images.formats import ALLOWED, SUFFIXES
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.crops import crops_of
from cifar_core.inference.ood_comparison import Scorer
from cifar_core.inference.prediction import Prediction
from cifar_core.metrics.photographs import Answers, Photographs, measure_photographs

NONE = "none_"  # begins the name of a folder with other things
PART = 4  # photographs that are held in memory at a time


def pictures_in(folder: Path) -> list[Path]:
    """The picture files of a folder, by their suffixes, sorted; raises ConfigError where there are none."""
    names = (path for path in folder.glob("*") if not path.name.startswith("."))
    found = sorted(path for path in names if path.suffix.lower() in SUFFIXES)
    if not found:
        raise ConfigError(f"{folder} holds no picture ({ALLOWED}); give a folder with some.")
    return found


def evaluate_photographs(
    classifier: Classifier, folder: Path, learned: NDArray[np.uint8] | None = None
) -> Photographs:
    """Measure a network on the photographs in `folder`.

    learned: training images (M, 3, 32, 32), without which there is no kNN score beside the OOD score.

    Raises:
        ConfigError: when the folder is missing, or holds no class, another folder or an empty one.
        ImageError: for an unreadable picture.
    """
    files = photographs_in(classifier, folder)
    classes = [name for name in files if not name.startswith(NONE)]
    numbers = [classifier.class_names.index(name) for name in classes]
    scorer = Scorer(classifier, learned)
    targets = np.repeat(np.asarray(numbers, np.int64), [len(files[name]) for name in classes])
    known = _answers(scorer, [path for name in classes for path in files[name]])
    others = {name: _answers(scorer, files[name]) for name in files if name not in classes}
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


def _answers(scorer: Scorer, paths: list[Path]) -> Answers:
    found: list[Prediction] = []
    scores: dict[str, list[NDArray[np.floating]]] = {}
    for start in range(0, len(paths), PART):
        pictures = [open_image(path) for path in paths[start : start + PART]]
        middle = scorer.classifier.predict(crops_of(pictures, beside=False))  # which scores are of
        for name, values in scorer.scores(pictures, middle).items():
            scores.setdefault(name, []).append(values)
        found += scorer.classifier.predict(pictures)
    none = (
        None
        if None in [answer.known for answer in found]
        else np.array([not answer.known for answer in found])
    )
    probs = np.stack([answer.probs for answer in found])
    sure = np.array([answer.sure for answer in found])
    return Answers(probs, sure, {name: np.concatenate(parts) for name, parts in scores.items()}, none)
