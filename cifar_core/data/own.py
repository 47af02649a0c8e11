"""Own pictures: a folder with a folder of each class, found, read, and cut where it has no test split.

`train/<class>/…` with `test/<class>/…` beside it (or `val`, `valid`), or just `<class>/…`; what lies deeper
belongs to its class too. A file that cannot be read is skipped and listed, as are pictures that stand in both
splits. An image takes 3 KB: 100,000 take 0.3 GB on disk, and about twice that in memory while they are read
and kept. Reading takes as long as decoding, under 1 ms for a small file and 0.1 s for a photo of 12
megapixels, the first time.
"""

import functools
import hashlib
import os
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cifar_core.data.dataset import Progress, Remarks, Source, Split, data_error, place_key
from cifar_core.data.folder import NOT_DATA, REPORT_EVERY
from cifar_core.datasets import MOST_CLASSES, OWN, DataSet
from cifar_core.errors import reason_of

TRAIN, TESTS = "train", ("test", "val", "valid", "validation")
TEST_SHARE = 0.2  # of each class, where the folder has no test split
TEST_SEED = b"test 0"
FEWEST = {"train": 2, "test": 1}  # pictures of a class: to learn from and to choose by; to test with
MOST_FILES = 1_000_000
CHUNK = 5000

Files = dict[str, list[str]]  # class -> its files
Labeled = list[tuple[str, int]]  # (file, label)


def find_own(place: Path) -> Source:
    """The pictures in a folder; the source's data set has the names of the classes and how many there are.

    Names are NFC-normalized, sorted. The numbers are those of files, of which some may not be readable.

    Raises:
        DataError: unless there are 2 to 100 classes, the same in both splits, with enough files each.
    """
    if not place.is_dir():
        raise data_error(place, "this is no folder; own pictures lie in one, with a folder of each class")
    train_folders, test_folders = _splits(place)
    train, test = _classes(train_folders), _classes(test_folders)
    _check_names(place, train)
    if test_folders and (different := sorted(train.keys() ^ test.keys())):
        has, lacks = (TRAIN, "test") if different[0] in train else ("test", TRAIN)
        raise data_error(place, f"the class '{different[0]}' is in {has} and not in {lacks}; both need all")
    tested = {name: len(test[name]) if test_folders else _test_count(len(train[name])) for name in train}
    left = 0 if test_folders else 1
    counts = {name: (len(files) - left * tested[name], tested[name]) for name, files in train.items()}
    _check_counts(place, counts, bool(test_folders))
    sums = [sum(pair) for pair in zip(*counts.values(), strict=True)]
    found = replace(OWN, class_names=tuple(train), train_images=sums[0], test_images=sums[1])
    files = tuple(path for split in (train, test) for paths in split.values() for path in paths)
    kind = "own pictures" if test_folders else "own pictures, a fifth of each class cut for the test"
    decode = functools.partial(_decode, place, found, _in_turns(train), _in_turns(test))
    return Source(found, place_key("own", place), kind, place, files, decode)


def _splits(place: Path) -> tuple[list[Path], list[Path]]:
    """The folders that hold the classes to train on, and those of the test; none of these where it is cut.

    Where there are both a test and a validation split, the latter joins the training images, of which each
    run sets its own share aside.
    """
    inside = {path.name.lower(): path for path in _folders(place) if _folders(path)}
    others = [inside[name] for name in TESTS if name in inside]
    if TRAIN in inside:
        return [inside[TRAIN], *others[1:]], others[:1]
    if others:
        raise data_error(place, f"there is {others[0].name}/<class> without {TRAIN}/<class>; add that")
    return [place], []


def _folders(place: Path) -> list[Path]:
    return sorted(
        path
        for path in place.iterdir()
        if path.is_dir() and not path.name.startswith(".") and path.name != "__MACOSX"
    )


def _classes(folders: Iterable[Path]) -> Files:
    """Class -> its files, both sorted; a name in two Unicode forms is one class."""
    found: Files = {}
    for path in (path for folder in folders for path in _folders(folder)):
        found.setdefault(unicodedata.normalize("NFC", path.name), []).extend(_files(path))
        if sum(map(len, found.values())) > MOST_FILES:
            raise data_error(
                path.parent, f"this folder has more than {MOST_FILES:,} files; give a smaller one"
            )
    return {name: sorted(found[name]) for name in sorted(found)}


def _files(folder: Path) -> list[str]:
    """Every file below a folder that may be a picture."""
    found = []
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        usual = (name for name in names if not name.startswith(".") and name.lower() not in NOT_DATA)
        found += [path for name in usual if os.path.isfile(path := os.path.join(where, name))]
        if len(found) > MOST_FILES:
            break
    return found


def _check_names(place: Path, train: Files) -> None:
    names = ", ".join(train) or "none"
    shown = names if len(names) <= 200 else f"{len(train)} folders"
    if not 2 <= len(train) <= MOST_CLASSES or train.keys() <= {TRAIN, *TESTS}:
        trouble = (
            f"a folder of pictures for each of 2 to {MOST_CLASSES} classes is needed here; found: {shown}"
        )
        raise data_error(place, trouble)
    for name in train:
        if any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in name):
            raise data_error(place, f"the name of the class {name!a} cannot be written; rename its folder")


def _check_counts(place: Path, counts: Mapping[str, tuple[int, int]], has_test: bool, lost: int = 0) -> None:
    """Raise DataError where a class has too few; counts: of training and of test images."""
    skipped = f" ({lost} files were skipped)" if lost else ""
    for name, (train, test) in counts.items():
        if has_test and (train < FEWEST["train"] or test < FEWEST["test"]):
            found = f"{_pictures(train)} to train on and {_pictures(test)} to test with{skipped}"
            least = f"{FEWEST['train']} or more to train on, and {FEWEST['test']} to test with"
            raise data_error(place, f"the class '{name}' has {found}; each class needs {least}")
        if not has_test and train + test < sum(FEWEST.values()):
            least = f"{sum(FEWEST.values())} or more: to learn from, to choose by and to test with"
            raise data_error(
                place, f"the class '{name}' has {_pictures(train + test)}{skipped}; each class needs {least}"
            )


def _pictures(count: int) -> str:
    return {0: "no picture", 1: "one picture"}.get(count, f"{count:,} pictures")


def _test_count(count: int) -> int:
    """Test images of a class that has so many in all."""
    return min(count, max(FEWEST["test"], round(TEST_SHARE * count)))


def _in_turns(classes: Files) -> Labeled:
    """The first file of each class, then the second of each: the first so many are of all classes."""
    ranked = [
        (rank, label, path) for label, paths in enumerate(classes.values()) for rank, path in enumerate(paths)
    ]
    return [(path, label) for _, label, path in sorted(ranked)]


def _decode(
    place: Path, data_set: DataSet, train: Labeled, test: Labeled, progress: Progress
) -> tuple[Split, Split, Remarks]:
    listed = train + test
    images = np.empty((len(listed), *data_set.shape), np.uint8)  # (N, C, H, W)
    kept: list[int] = []
    skipped: list[str] = []
    for number, (path, _) in enumerate(listed):
        if number % REPORT_EVERY == 0:
            progress("decoding the pictures", number, len(listed))
        trouble = _read(path, images[len(kept)])
        if trouble:
            skipped.append(f"{_named(path, place)}: {trouble}")
        else:
            kept.append(number)
    progress("decoding the pictures", len(listed), len(listed))
    images = images[: len(kept)]
    targets = np.array([listed[number][1] for number in kept], np.int64)
    hashes = [hashlib.blake2b(image.data, key=TEST_SEED, digest_size=16).digest() for image in images]
    is_test = np.array(kept) >= len(train) if test else _cut(targets, hashes)
    counts = [np.bincount(targets[part], minlength=len(data_set.class_names)) for part in (~is_test, is_test)]
    pairs = zip(*(count.tolist() for count in counts), strict=True)
    _check_counts(place, dict(zip(data_set.class_names, pairs, strict=True)), bool(test), len(skipped))
    names = [_named(listed[number][0], place) for number in kept]
    remarks = Remarks(tuple(skipped), _in_both(names, hashes, is_test))
    return *_parted(images, targets, is_test), remarks


def _read(path: str, room: NDArray[np.uint8]) -> str:
    """Decode a file into `room` (C, H, W), or return why that cannot be done."""
    from cifar_core.images.decode import MAX_BYTES, ImageError, decode, fit_square  # brings Pillow

    try:
        with open(path, "rb") as file:
            picture = decode(file.read(MAX_BYTES + 1), whole=True).image
    except ImageError as error:
        return str(error)
    except OSError as error:
        return f"it cannot be read ({reason_of(error)})."
    room[:] = np.asarray(fit_square(picture, room.shape[-1])).transpose(2, 0, 1)
    return ""


def _named(path: str, place: Path) -> str:
    """A file as a reader knows it, below the folder that was given."""
    return os.path.relpath(path, place).encode("utf-8", "replace").decode()


def _cut(targets: NDArray[np.int64], hashes: list[bytes]) -> NDArray[np.bool_]:
    """Which images (N,) are for the test: the same ones whatever they are called and whatever is added.

    Of each class those with the lowest hashes; equal images stay together as long as enough is left.
    """
    is_test = np.zeros(len(targets), bool)
    for label in np.unique(targets):
        places = sorted(np.flatnonzero(targets == label).tolist(), key=lambda place: hashes[place])
        count = _test_count(len(places))
        while count < len(places) - FEWEST["train"] and hashes[places[count]] == hashes[places[count - 1]]:
            count += 1
        is_test[places[:count]] = True
    return is_test


def _in_both(names: list[str], hashes: list[bytes], is_test: NDArray[np.bool_]) -> tuple[str, ...]:
    """Pairs of files of equal pixels, one in each split, as "train and test"."""
    tested = {one: name for one, name, test in zip(hashes, names, is_test, strict=True) if test}
    return tuple(
        f"{name} and {tested[one]}"
        for one, name, test in zip(hashes, names, is_test, strict=True)
        if not test and one in tested
    )


def _parted(
    images: NDArray[np.uint8], targets: NDArray[np.int64], is_test: NDArray[np.bool_]
) -> tuple[Split, Split]:
    """Training and test images; the former move up within their array, so that no second one is needed."""
    test = Split(images[is_test], targets[is_test])
    places = np.flatnonzero(~is_test)
    for start in range(0, len(places), CHUNK):
        part = places[start : start + CHUNK]
        images[start : start + len(part)] = images[part]
    return Split(images[: len(places)], targets[places]), test
