"""The sha256 that a downloaded or known file must have, wherever it was written down."""

import hashlib
import os
import re
from pathlib import Path

from cifar_core.data.dataset import Progress, data_error

# A copy of the Hub's set in lossless WebP (93 of its 60,000 images are stand-ins), known by name and size.
KNOWN = {
    "train-00000-of-00004.parquet": (
        22_187_389,
        "48b88ebc30a7e90cf613d549abc5573d75d963b36aba87c9b1d749d51f7fec7d",
    ),
    "train-00001-of-00004.parquet": (
        22_276_855,
        "68a95693d156b3b9885ffee95141f760f90fd513e7297ddfb6d635779550078d",
    ),
    "train-00002-of-00004.parquet": (
        22_267_897,
        "f4bb7f61f01dc994bd35622f3e52e4fa2853882125250a029de335dd33725958",
    ),
    "train-00003-of-00004.parquet": (
        22_182_491,
        "6ab9e25b93b457d17efe128ff8da7dc6fc8b12f7c5e6ea220e6a5cf3b74f56fe",
    ),
    "test-00000-of-00001.parquet": (
        17_775_306,
        "f3f85f68de8be60070f11f1a3a4f44d018a5b6364723dc77570c696c6752ec1f",
    ),
}

_SHA256 = re.compile(r"[0-9a-f]{64}")


def check_sha256(path: Path, progress: Progress) -> None:
    """Raises DataError when the file's sha256 is known and its content has another."""
    expected = expected_sha256(path)
    if expected is None:
        return
    progress(f"checking {path.name}", 0, 1)
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != expected:
        raise data_error(
            path, f"its sha256 is {found[:12]}… instead of {expected[:12]}…, so it is altered; delete it"
        )


def expected_sha256(path: Path) -> str | None:
    """What is known of the file, from three places, or None.

    The Hub's cache names a file by its sha256 and links to it; `hf download --local-dir` leaves a note in
    `.cache/huggingface`; and there is the list above.
    """
    candidates = (_linked_name(path), _hub_note(path), _of_known_copy(path))
    return next((name for name in candidates if name and _SHA256.fullmatch(name)), None)


def _of_known_copy(path: Path) -> str | None:
    size, sha256 = KNOWN.get(path.name, (-1, ""))
    return sha256 if path.stat().st_size == size else None


def _linked_name(path: Path) -> str | None:
    return Path(os.readlink(path)).name if path.is_symlink() else None


def _hub_note(path: Path) -> str | None:
    """The second line (commit, etag, time) of the note beside the file or above its folder."""
    for root in path.parents[:2]:
        note = root / ".cache" / "huggingface" / "download" / f"{path.relative_to(root)}.metadata"
        if note.is_file():
            lines = note.read_text("utf-8", errors="replace").splitlines()
            return lines[1].strip() if len(lines) > 1 else None
    return None
