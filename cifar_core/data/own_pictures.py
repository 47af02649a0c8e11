"""Sets of own pictures, made by name and picture by picture: a folder each, with one for every class.

<runs-dir>/.own/<set>/<class>/<sha256>.png   upright, small, without what a camera writes into its files

What is made here is read like any folder of own classes. Nothing of it leaves the machine.
"""

import hashlib
import io
import shutil
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from cifar_core.data.dataset import DataError
from cifar_core.datasets import MOST_CLASSES
from cifar_core.errors import reason_of
from cifar_core.files import write_bytes
from cifar_core.images.decode import Decoded

FOLDER = ".own"
SHORT_SIDE = 256  # pixels that are kept of a picture; a network sees 32
LONGEST = 60  # characters of a name
FORBIDDEN = set('/\\:*?"<>|\0')  # in a file's name, on one system or another


def checked_name(name: str) -> str:
    """The name of a set or a class as it is kept: without space around it, in Unicode's composed form.

    Raises:
        DataError: where a folder cannot be called so.
    """
    kept = unicodedata.normalize("NFC", " ".join(name.split()))
    if not kept or len(kept) > LONGEST:
        raise DataError(f"A name has 1 to {LONGEST} characters; this one has {len(kept)}.")
    if wrong := sorted(FORBIDDEN & set(kept)):
        raise DataError(f"'{kept}' has a {wrong[0]} in it, which no folder's name may have.")
    if kept[0] == "." or kept[-1] == "." or not kept.isprintable():
        raise DataError(
            f"'{kept}' cannot be a folder's name: it begins or ends with a dot, or cannot be shown."
        )
    return kept


@dataclass(frozen=True)
class OwnSet:
    """One set, in its folder."""

    path: Path

    @property
    def name(self) -> str:
        """What its maker called it."""
        return self.path.name

    def classes(self) -> dict[str, list[Path]]:
        """The files of each class: the classes by name, their files in the order in which they came."""
        folders = [one for one in self.path.iterdir() if one.is_dir() and not one.name.startswith(".")]
        return {one.name: sorted(one.iterdir(), key=_came) for one in sorted(folders)}

    def add_class(self, name: str) -> None:
        """Make room for a class.

        Raises:
            DataError: where there is one of that name, or no more can be had.
        """
        name, known = checked_name(name), self.classes()
        if name.casefold() in {one.casefold() for one in known}:
            raise DataError(f"There is a class '{name}' already.")
        if len(known) >= MOST_CLASSES:
            raise DataError(f"A set has at most {MOST_CLASSES} classes.")
        (self.path / name).mkdir()

    def add(self, class_name: str, content: bytes, decoded: Decoded) -> bool:
        """Keep a picture in a class; False where it is in the set already, in whichever class.

        content: its file, by which it is known again; decoded: what that shows.
        """
        name = f"{hashlib.sha256(content).hexdigest()[:24]}.png"
        if any((self.path / known / name).exists() for known in self.classes()):
            return False
        image = decoded.image.copy()
        scale = SHORT_SIDE / min(image.size)
        if scale < 1:
            image = image.resize([max(1, round(scale * side)) for side in image.size])
        file = io.BytesIO()
        image.save(file, "PNG")
        write_bytes(self.path / class_name / name, file.getvalue())
        return True

    def remove_class(self, name: str) -> None:
        """Delete a class with its pictures; raises OSError."""
        if name in self.classes():
            shutil.rmtree(self.path / name)

    def delete(self) -> None:
        """Delete the set with all its pictures; raises OSError."""
        shutil.rmtree(self.path)


def own_sets(root: Path) -> list[OwnSet]:
    """The sets in a folder of runs, by name."""
    folder = root / FOLDER
    if not folder.is_dir():
        return []
    return sorted((OwnSet(one) for one in folder.iterdir() if one.is_dir()), key=lambda one: one.name)


def create_set(root: Path, name: str) -> OwnSet:
    """A new set without classes.

    Raises:
        DataError: where there is one of that name, or the folder cannot be written.
    """
    name = checked_name(name)
    if name.casefold() in {one.name.casefold() for one in own_sets(root)}:
        raise DataError(f"There is a set '{name}' already.")
    path = root / FOLDER / name
    try:
        path.mkdir(parents=True)
    except OSError as error:
        raise DataError(f"'{name}' cannot be kept in {root}: {reason_of(error)}.") from None
    return OwnSet(path)


def _came(path: Path) -> tuple[int, str]:
    return path.stat().st_mtime_ns, path.name
