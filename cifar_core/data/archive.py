"""torchvision's archive of CIFAR-10 from its home server, which is slow: a download cut off is continued."""

import http.client
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO

from cifar_core.data.dataset import DataError, Progress, Source
from cifar_core.data.torchvision_layout import ARCHIVE, archive_source, check_archive

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"  # as torchvision.datasets.CIFAR10.url
KEY = "archive-torchvision"
TIMEOUT_SECONDS = 10.0  # for the first answer, and between two pieces
CHUNK_BYTES = 1 << 18


def find_archive(folder: Path) -> Source | None:
    """The archive in our cache folder, where an earlier download put it; else None."""
    path = folder / ARCHIVE
    return archive_source(path, KEY) if path.is_file() else None


def download_archive(folder: Path, progress: Progress) -> Source:
    """Downloads the archive into `folder`, by way of `<name>.part`, which a later call completes.

    Raises:
        DataError: when the server does not answer, the download is cut off, the folder cannot be written, or
            what came is not the archive (it is deleted then).
    """
    part = folder / f"{ARCHIVE}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _fetch(URL, part, progress)
    except (OSError, http.client.HTTPException) as error:
        raise DataError(f"{URL} did not give the archive ({_reason(error)})") from error
    try:
        check_archive(part, progress)
    except DataError:
        part.unlink()
        raise
    return archive_source(part.replace(folder / ARCHIVE), KEY)


def _fetch(url: str, part: Path, progress: Progress) -> None:
    """Downloads to `part`, from where it ends; raises OSError or HTTPException."""
    done = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == 416 and done:  # nothing is left to fetch: the md5 decides
            return
        raise
    with answer, part.open("ab" if answer.status == 206 else "wb") as file:
        _copy(answer, file, done if answer.status == 206 else 0, progress)


def _copy(answer: http.client.HTTPResponse, file: IO[bytes], done: int, progress: Progress) -> None:
    total = done + int(answer.headers.get("Content-Length") or 0)
    while chunk := answer.read1(CHUNK_BYTES):
        file.write(chunk)
        done += len(chunk)
        progress(f"downloading {ARCHIVE}", done, max(done, total))
    if done < total:
        raise http.client.IncompleteRead(b"", total - done)


def _reason(error: BaseException) -> str:
    reason = getattr(error, "reason", error)  # urllib packs the trouble below it
    return str(getattr(reason, "strerror", None) or reason) or type(error).__name__
