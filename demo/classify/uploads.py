"""Uploads: the folder where they lie for some minutes, and the bytes of one, which Gradio has not opened."""

import contextlib
import os
import tempfile
import time
from collections.abc import Collection
from pathlib import Path, PurePath
from typing import Any

from gradio.utils import get_upload_folder

from cifar_core.images.decode import MAX_BYTES, ImageError

KEPT_SECONDS = 300  # how long an upload stays on disk, so that its own page can show it; checked every minute

Payload = dict[str, Any]  # what Gradio knows of an upload; it comes from the caller


def uploads_folder() -> "tempfile.TemporaryDirectory[str]":
    """A folder for uploads, for this user's eyes only, that goes when the page ends."""
    folder = tempfile.TemporaryDirectory(prefix="cifar10-lab-uploads-")
    os.environ.setdefault("GRADIO_TEMP_DIR", folder.name)
    return folder


def is_upload(path: str | Path) -> bool:
    """Return whether `path` lies in the uploads' folder, wherever links lead."""
    try:
        return Path(path).resolve().is_relative_to(Path(get_upload_folder()).resolve())
    except (OSError, ValueError):  # too long, or with a zero byte
        return False


def read_upload(picture: Payload | None) -> bytes:
    """The bytes of an upload, at most one more than is allowed; `picture` is gr.Image's own payload.

    Its path comes from the caller, and Gradio checks only payloads that call themselves files.
    Raises ImageError where there is none, for a path that is no upload, and for a file that is gone.
    """
    if not isinstance(picture, dict):
        raise ImageError("Send a picture: upload it first, then name its path.")
    try:
        path = Path(str(picture.get("path")))
        if not is_upload(path):
            raise ImageError("No file was uploaded with this request; choose the picture again.")
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ImageError is a ValueError too
        if isinstance(error, ImageError):
            raise
        raise ImageError("The picture is no longer here; choose it again.") from None


def name_of(picture: Payload | None) -> str:
    """The name that a file came with, without its folders."""
    name = str(picture.get("orig_name") or "") if isinstance(picture, dict) else ""
    return PurePath(name.replace("\\", "/")).name[-120:] or "picture.png"


def sweep(folder: Path, older_than_seconds: float, keep: Collection[str]) -> int:
    """Delete old files in `folder` but those in `keep`, and empty folders; returns the bytes that stay."""
    end, left = time.time() - older_than_seconds, 0
    for path in sorted(folder.rglob("*"), reverse=True):  # what is in a folder before the folder
        with contextlib.suppress(OSError):  # in use, not empty, or gone meanwhile
            facts = path.lstat()
            is_old = facts.st_ctime < end and str(path) not in keep
            if path.is_dir() and not path.is_symlink():
                if is_old:
                    path.rmdir()
            elif is_old:
                path.unlink()
            else:
                left += facts.st_size
    return left
