"""Where the data comes from, in order: a folder given by the user, the Hub's files, torchvision's archive.

`synthetic`, the drawn set, is used only when asked for by name.
"""

import functools
import os
from pathlib import Path
from typing import Literal

from cifar_core.data import archive, hub
from cifar_core.data.cache import default_cache_dir, load_cached, recall
from cifar_core.data.dataset import DataError, ImageData, Progress, Source, data_error, silent
from cifar_core.data.folder import find_folders
from cifar_core.data.parquet import find_parquet
from cifar_core.data.synthetic import make_synthetic
from cifar_core.data.torchvision_layout import find_torchvision

SourceName = Literal["auto", "synthetic"]


def load_data(
    data_dir: Path | str | None = None,
    *,
    source: SourceName = "auto",
    cache_dir: Path | None = None,
    progress: Progress | None = None,
    download: bool = True,
) -> ImageData:
    """The data set, decoded, checked and fingerprinted.

    Args:
        data_dir: folder (or torchvision archive) to read; left out, the variable CIFAR_DATA; without either,
            the Hub's files and then torchvision's archive, downloaded where they are not here yet.
        source: "auto" for CIFAR-10, "synthetic" for the drawn set (`data_dir` is not looked at then).
        cache_dir: where the decoded set is kept; left out, $CIFAR_LAB_CACHE or ~/.cache/cifar10-lab.
        progress: called with (what, done, total) while downloading (bytes) and decoding (images).
        download: False keeps off the network.

    Raises:
        DataError: one message with what is wrong and the ways to get the data. A `data_dir` that is given and
            bad is an error: no other source takes its place.
    """
    if source == "synthetic":
        return make_synthetic()
    if source != "auto":
        raise DataError(f"The data source is '{source}'; it must be auto or synthetic.")
    cache_dir, progress = Path(cache_dir or default_cache_dir()), progress or silent
    given = data_dir or os.environ.get("CIFAR_DATA")
    try:
        if given:
            return load_cached(find_local(Path(given).expanduser()), cache_dir, progress)
        return _load_online(cache_dir, progress, download)
    except OSError as error:  # a file that went away, a disk that fails, a folder that is not ours
        trouble = f"it cannot be read ({error.strerror or error})"
        raise data_error(error.filename or given or "CIFAR-10", trouble) from error


def _load_online(cache_dir: Path, progress: Progress, download: bool) -> ImageData:
    for key in (hub.KEY, archive.KEY):  # what an earlier start downloaded and decoded
        if (kept := recall(key, cache_dir, progress)) is not None:
            return kept
    return load_cached(_find_or_download(cache_dir, progress, download), cache_dir, progress)


def find_local(place: Path) -> Source:
    """The data set at a place on disk, whichever layout it has; raises DataError."""
    if not place.exists():
        raise data_error(place, "there is no such file or folder")
    finders = (find_parquet, find_torchvision, find_folders) if place.is_dir() else (find_torchvision,)
    for find in finders:
        if (found := find(place)) is not None:
            return found
    raise data_error(place, _what_is_wrong(place))


def _what_is_wrong(place: Path) -> str:
    if place.is_dir():
        return (
            "this folder holds no CIFAR-10: neither train-*-of-*.parquet, nor cifar-10-batches-py or "
            "cifar-10-python.tar.gz, nor class folders train/<class>"
        )
    if place.suffix.lower() == ".zip":
        return "this is a ZIP archive; unpack it and give the folder"
    return "this file is not cifar-10-python.tar.gz; give that, or the folder that holds the data"


def _find_or_download(cache_dir: Path, progress: Progress, download: bool) -> Source:
    here = hub.find_in_hub_cache() or archive.find_archive(cache_dir)
    if here is not None:
        return here
    if not download:
        raise data_error("CIFAR-10", "it is not on this machine, and downloading is switched off")
    troubles = []
    for attempt in (hub.download_from_hub, functools.partial(archive.download_archive, cache_dir)):
        try:
            return attempt(progress)
        except DataError as error:
            troubles.append(str(error))
    raise data_error("CIFAR-10", f"no folder was given; {'; '.join(troubles)}")
