"""Files that are there whole or not at all, also when the power fails while they are written."""

import dataclasses
import errno
import functools
import json
import os
import secrets
import tempfile
import time
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from cifar_core.errors import LabError

T = TypeVar("T")


def build(kind: type[T], document: Any) -> T:
    """An instance of the dataclass `kind` from the JSON object that holds its values.

    Fields may be plain types, lists, dicts and dataclasses of them, Any, or one of these `| None`. A class
    whose fields had other names in files of earlier versions says so: `RENAMED = {"old": "new"}`.

    Raises:
        TypeError: with words that end a sentence, when a value is missing, unknown or of another type.
    """
    if not isinstance(document, Mapping):
        raise TypeError(f"{document!r:.60} is not a JSON object")
    document = renamed(document, getattr(kind, "RENAMED", {}))
    wanted = _fields(kind)  # type: ignore[arg-type]
    if unknown := document.keys() - wanted.keys():
        raise TypeError(f"{kind.__name__} has no value called {min(unknown)!r:.60}")
    return kind(**{name: _typed(name, wanted[name], value) for name, value in document.items()})


def renamed(document: Mapping[str, Any], names: Mapping[str, str]) -> Mapping[str, Any]:
    """`document` with each old key of `names` under its new name."""
    if names.keys().isdisjoint(document):
        return document
    return {names.get(key, key): value for key, value in document.items()}


@functools.cache
def _fields(kind: Any) -> dict[str, Any]:
    return {item.name: item.type for item in dataclasses.fields(kind)}


@functools.cache
def _parts(wanted: Any) -> tuple[Any, tuple[Any, ...]]:
    """`list[int]` -> (list, (int,)); a plain type has no arguments."""
    return typing.get_origin(wanted) or wanted, typing.get_args(wanted)


def _typed(name: str, wanted: Any, value: Any) -> Any:
    """`value`, of the type `wanted`; a whole number passes for a number."""
    if type(value) is wanted:
        return value
    plain, inner = _parts(wanted)
    if plain is list and type(value) is list:  # first: most of what runs tell are lists of lists of numbers
        kind = inner[0]
        return [item if type(item) is kind else _typed(name, kind, item) for item in value]
    if plain is types.UnionType:
        return None if value is None else _typed(name, inner[0], value)
    if plain is Any:
        return value
    if dataclasses.is_dataclass(plain) and isinstance(value, Mapping):
        return build(plain, value)  # type: ignore[arg-type]
    if not isinstance(value, (int, float) if plain is float else plain) or isinstance(value, bool):
        raise TypeError(f"{name} is {value!r:.60}, not of the type {plain.__name__}")
    if isinstance(value, dict):
        return {key: _typed(name, inner[1], item) for key, item in value.items()}
    return value


PROJECT_ROOT = Path(__file__).resolve().parent.parent
DEFAULT_CHECKPOINT = "mixing_photo.v1"  # the shipped network that answers where none is named
PORTRAITS = "portraits.json"  # beside weights: parts of pictures that use a kernel most
RUNS_BEST = "checkpoints/best"  # in a run's folder: the weights that are kept


def checkpoints_dir() -> Path:
    """Folder of the shipped checkpoints."""
    return PROJECT_ROOT / "checkpoints"


def default_runs_dir() -> Path:
    """CIFAR_LAB_RUNS, or `runs/` beside the package: the same from every working directory."""
    return Path(os.environ.get("CIFAR_LAB_RUNS") or PROJECT_ROOT / "runs")


def write_bytes(path: Path, content: bytes) -> None:
    """Replace `path` by `content` in one step: temporary file beside it, fsync, rename, fsync the folder."""
    if not path.name:  # "", "." and "/"
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    name = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with open(name, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        replace_path(name, path)
    except BaseException:
        name.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write `document` as readable JSON, atomically; NaN and infinity are refused (ValueError)."""
    write_bytes(path, (json.dumps(document, indent=1, allow_nan=False) + "\n").encode())


REPLACE_SECONDS = 1.0
NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}  # as CIFS, sshfs and WSL answer


def replace_path(source: Path, target: Path) -> None:
    """`os.replace`, tried for about a second: Windows refuses it while a reader has the file open."""
    end, pause = time.monotonic() + REPLACE_SECONDS, 0.005
    while True:
        try:
            os.replace(source, target)
            return
        except PermissionError:
            if time.monotonic() + pause > end:
                raise
        time.sleep(pause)
        pause *= 2


def require_writable(folder: Path) -> None:
    """Raise OSError unless a file can be written into `folder`; for who has minutes to work before."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(folder)) from None


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` last; a no-op where folders cannot be opened (Windows) or synced."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in NO_FOLDER_SYNC:
            raise
    finally:
        os.close(handle)


class StoreError(LabError):
    """A run that is not there, cannot be read or cannot do what was asked."""


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; raises StoreError when there is none."""
    return object_in(path, read_text(path))


def read_text(path: Path) -> str:
    """The text of a file; raises StoreError when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read: {error}.") from None


def object_in(path: Path, text: str) -> dict[str, Any]:
    """The JSON object in the text of the file `path`; raises StoreError when there is none."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{path} cannot be read: {error}.") from None
    if not isinstance(document, dict):
        raise StoreError(f"{path} does not hold a JSON object.")
    return document
