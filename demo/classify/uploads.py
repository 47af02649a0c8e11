"""Uploads: what a browser may send, the folder where it lies for some minutes, and the bytes of one."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator
from pathlib import Path, PurePath
from typing import Any

from filelock import FileLock, Timeout
from gradio.utils import get_upload_folder

from cifar_core.images.decode import MAX_BYTES, ImageError
from cifar_core.images.formats import SUFFIXES

KEPT_SECONDS = 300  # how long an upload stays on disk, so that its own page can show it; checked every minute

# Gradio refuses a file that the browser does not call a picture, as it does with HEIC, MPO and raw files on
# most systems. Whether it is one is for our decoder to say, so here every file is called a picture, and the
# browser is told what to offer. Apple's phones and tablets are not: asked for pictures alone, they hand over
# HEIC as JPEG.
OFFER_ALL = f"""function offer() {{
    const ours = (node) => Boolean(node.closest?.(".picture, .pictures"));
    const isField = (node) => node.matches?.('input[type="file"]') && ours(node);
    const isPicture = (file) => file.type.startsWith("image/");
    const called = (files) => {{
        const all = new DataTransfer();
        for (const file of files)
            all.items.add(isPicture(file) ? file : new File([file], file.name, {{type: "image/unknown"}}));
        return all;
    }};
    const isApples = navigator.vendor.startsWith("Apple") && navigator.maxTouchPoints > 1;
    const listen = (kind, act) => document.addEventListener(kind, act, {{capture: true}});
    listen("click", (event) => {{
        if (isField(event.target) && !isApples) event.target.accept = "image/*,{",".join(SUFFIXES)}";
    }});
    listen("change", (event) => {{
        if (isField(event.target)) event.target.files = called(event.target.files).files;
    }});
    listen("drop", (event) => {{
        const files = [...(event.dataTransfer?.files ?? [])];
        if (!ours(event.target) || files.every(isPicture)) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        const again = {{bubbles: true, cancelable: true, dataTransfer: called(files)}};
        event.target.dispatchEvent(new DragEvent("drop", again));
    }});
}}"""

PREFIX, LOCK = "cifar10-lab-uploads-", "lock"
NEW_SECONDS, OLD_SECONDS = 5, 86_400

Payload = dict[str, Any]  # what Gradio knows of an upload; it comes from the caller


@contextlib.contextmanager
def uploads_folder() -> Iterator[Path]:
    """A folder for uploads, for this user's eyes only, that goes when the page ends.

    It lies in the folder that GRADIO_TEMP_DIR names, else among the system's temporary files. The lock beside
    the uploads lives as long as the process: folders of pages that were killed go first.
    """
    named = os.environ.get("GRADIO_TEMP_DIR")
    home = Path(named or tempfile.gettempdir())
    home.mkdir(parents=True, exist_ok=True)
    for left in home.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, Timeout):
            age = time.time() - left.stat().st_mtime
            if age < (NEW_SECONDS if (left / LOCK).exists() else OLD_SECONDS):
                continue  # perhaps not locked yet; or of an earlier version, which had no locks
            with FileLock(left / LOCK, timeout=0):
                pass  # nobody's any more; Windows would keep the file that is locked, and its folder
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=home) as folder, FileLock(Path(folder, LOCK)):
        files = Path(folder, "files")
        files.mkdir()
        os.environ["GRADIO_TEMP_DIR"] = str(files)
        try:
            yield files
        finally:
            os.environ.pop("GRADIO_TEMP_DIR", None)
            if named is not None:
                os.environ["GRADIO_TEMP_DIR"] = named


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
