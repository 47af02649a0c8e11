"""The sources of the data, in order: a folder given by the user, the Hub's files, torchvision's archive.

A drawn set, and own pictures, are used only when asked for by name.
"""

import os
from pathlib import Path

from cifar_core.data import download as online
from cifar_core.data.cache import default_cache_dir, load_cached, recall
from cifar_core.data.dataset import DataError, ImageData, Progress, Source, silent
from cifar_core.data.folder import find_folders
from cifar_core.data.own import find_own
from cifar_core.data.parquet import find_parquet
from cifar_core.data.split import only_classes
from cifar_core.data.synthetic import make_synthetic
from cifar_core.data.torchvision_layout import find_torchvision
from cifar_core.datasets import CIFAR10, DATA_SETS, OWN, DataSet
from cifar_core.errors import reason_of


def load_data(
    data_dir: Path | str | None = None,
    *,
    source: str | DataSet = "auto",
    cache_dir: Path | None = None,
    progress: Progress | None = None,
    download: bool = True,
) -> ImageData:
    """The data set, decoded, checked and fingerprinted.

    Args:
        data_dir: folder (or torchvision archive) to read; left out, the variable CIFAR_DATA; without either,
            the Hub's files and then torchvision's archive, downloaded where they are not here yet.
        source: a data set or its name in DATA_SETS, "own" for the classes of `data_dir`, or "auto" for
            CIFAR-10; a drawn set does not look at `data_dir`, and own pictures at nothing else.
        cache_dir: where the decoded set is kept; left out, $CIFAR_LAB_CACHE or ~/.cache/cifar10-lab.
        progress: called with (what, done, total) while downloading (bytes) and decoding (images).
        download: False keeps off the network.

    Raises:
        DataError: one message with what is wrong and the ways to get the data. A `data_dir` that is given and
            bad is an error: no other source takes its place.
    """
    known = {**DATA_SETS, OWN.name: OWN, "auto": DATA_SETS[CIFAR10.name]}
    wanted = source if isinstance(source, DataSet) else known.get(source)
    if wanted is None:
        raise DataError(f"There is no data set '{source}'; the data sets are: {', '.join(known)}.")
    if wanted.is_drawn:
        data = make_synthetic()
    else:
        data = _load_whole(wanted.whole, data_dir, cache_dir, progress, download)
    some = wanted.part_of and wanted.class_names not in ((), data.class_names)
    return only_classes(data, wanted.class_names) if some else data


def _load_whole(
    wanted: DataSet,
    data_dir: Path | str | None,
    cache_dir: Path | None,
    progress: Progress | None,
    download: bool,
) -> ImageData:
    cache_dir, progress = Path(cache_dir or default_cache_dir()), progress or silent
    given = data_dir or ("" if wanted.is_own else os.environ.get("CIFAR_DATA"))
    try:
        if given:
            return load_cached(find_local(Path(given).expanduser(), wanted), cache_dir, progress)
        return _load_online(wanted, cache_dir, progress, download)
    except DataError as error:
        raise DataError(f"{error} {_ways(wanted)}") from error
    except OSError as error:  # a file that went away, a disk that fails, a folder that is not ours
        trouble = f"{error.filename or given or wanted.title}: it cannot be read ({reason_of(error)})."
        raise DataError(f"{trouble} {_ways(wanted)}") from error


def find_local(place: Path, data_set: DataSet = CIFAR10) -> Source:
    """The data set at a place on disk, whichever layout it has; raises DataError."""
    if not place.exists():
        raise DataError(f"{place}: there is no such file or folder.")
    if data_set.is_own:
        return find_own(place)
    finders = (find_parquet, find_torchvision, find_folders) if place.is_dir() else (find_torchvision,)
    for find in finders:
        if (found := find(place, data_set)) is not None:
            return found
    archive = data_set.archive
    if place.is_dir():
        raise DataError(
            f"{place}: this folder holds no {data_set.title}: neither train-*-of-*.parquet, nor "
            f"{archive.folder} or {archive.name}, nor class folders train/<class>; to learn classes of your "
            f"own from it, set data={OWN.name}."
        )
    if place.suffix.lower() == ".zip":
        raise DataError(f"{place}: this is a ZIP archive; unpack it and give the folder.")
    raise DataError(
        f"{place}: this file is not {archive.name}; give that, or the folder that holds the data."
    )


def _load_online(data_set: DataSet, cache_dir: Path, progress: Progress, download: bool) -> ImageData:
    if data_set.is_own:
        raise DataError(f"{data_set.title}: no folder was named.")
    for key in (
        online.hub_key(data_set),
        data_set.archive.key,
    ):  # what an earlier start downloaded and decoded
        if (kept := recall(key, data_set, cache_dir, progress)) is not None:
            return kept
    source = online.find_in_hub_cache(data_set) or online.find_archive(data_set, cache_dir)
    if source is None and not download:
        raise DataError(f"{data_set.title}: it is not on this machine, and downloading is switched off.")
    return load_cached(source or online.download(data_set, cache_dir, progress), cache_dir, progress)


def _ways(data_set: DataSet) -> str:
    if data_set.is_own:
        return "Name a folder with --data-dir that has a folder of pictures for each class."
    return (
        "There are three ways to get the data: point --data-dir or CIFAR_DATA at a folder that holds it; "
        f"download the Hub's files (`hf download {data_set.hub.repo} --repo-type dataset --local-dir data`) "
        f"and point there; or download torchvision's {data_set.archive.name} and point there. Without any of "
        "them, the small drawn set `synthetic` can be asked for by name."
    )
