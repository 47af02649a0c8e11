"""The small JSON files of the store of runs, read with one clear sentence where they are damaged."""

import json
from pathlib import Path
from typing import Any


class StoreError(RuntimeError):
    """A run that is not there, cannot be read or cannot do what was asked."""


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; raises StoreError when there is none."""
    return object_in(path, read_text(path))


def read_text(path: Path) -> str:
    """What a text file holds; raises StoreError when it cannot be read."""
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
