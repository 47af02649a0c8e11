"""Downloads: the Hub's Parquet files into the Hub's own cache, or else torchvision's archive into ours.

The archive's server is slow: a download that was cut off goes on where it ended.
"""

import http.client
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO, Any

from cifar_core.data.dataset import DataError, Progress, Source
from cifar_core.data.parquet import first_line, parquet_source, subfolders
from cifar_core.data.torchvision_layout import archive_source, check_archive
from cifar_core.datasets import DataSet

HUB_SECONDS = 5.0  # until the first answer: without a network nobody is kept waiting
ARCHIVE_SECONDS = 10.0  # for the first answer, and between two pieces
CHUNK_BYTES = 1 << 18

_SHARD = re.compile(r"(?:(.+)/)?(?:train|test)-\d+-of-\d+\.parquet")


def download(data_set: DataSet, cache_dir: Path, progress: Progress) -> Source:
    """From the Hub, or where that fails torchvision's archive; raises DataError with both troubles."""
    troubles = []
    for attempt in (download_from_hub, download_archive):
        try:
            return attempt(data_set, cache_dir, progress)
        except DataError as error:
            troubles.append(str(error).rstrip("."))
    raise DataError(f"{data_set.title}: no folder was given; {'; '.join(troubles)}.")


def hub_key(data_set: DataSet) -> str:
    """Names what was decoded from the Hub's files in our cache."""
    return f"hub-{data_set.hub.repo.replace('/', '-')}"


def find_in_hub_cache(data_set: DataSet) -> Source | None:
    """The newest complete snapshot in the Hub's cache on this machine, whoever downloaded it; else None."""
    from huggingface_hub import constants

    name = f"datasets--{data_set.hub.repo.replace('/', '--')}"
    snapshots = (Path(constants.HF_HUB_CACHE).expanduser() / name / "snapshots").glob("*")
    places = [place / name for place in snapshots for name in subfolders(data_set) if (place / name).is_dir()]
    for place in sorted(places, key=lambda path: path.stat().st_mtime_ns, reverse=True):
        try:
            return _hub_source(place, data_set)
        except DataError:  # a download that was cut off: not there yet
            continue
    return None


def download_from_hub(data_set: DataSet, _: Path, progress: Progress) -> Source:
    """Downloads what is not in the Hub's cache yet; a download that was cut off goes on.

    HF_ENDPOINT, HF_HOME, HF_HUB_OFFLINE and HF_TOKEN mean what they mean to huggingface_hub.

    Raises:
        DataError: when the Hub does not answer, or answers with something else.
    """
    from huggingface_hub import HfApi, hf_hub_download

    repo = data_set.hub.repo
    try:
        api = HfApi()
        info = api.dataset_info(repo, revision="main", timeout=HUB_SECONDS)
        names = [sibling.rfilename for sibling in info.siblings or ()]
        names = names or api.list_repo_files(repo, repo_type="dataset")
        shards = ((name, _SHARD.fullmatch(name)) for name in sorted(names))
        paths = [
            hf_hub_download(
                repo,
                name,
                repo_type="dataset",
                revision=info.sha,
                etag_timeout=HUB_SECONDS,
                tqdm_class=_reporting_bar(f"downloading {Path(name).name} from the Hub", progress),
            )
            for name, match in shards
            if match and (match[1] or "") in subfolders(data_set)
        ]
    except Exception as error:  # huggingface_hub and what lies below it have a hundred kinds
        reason = f"{type(error).__name__}: {first_line(error)}"
        raise DataError(f"the Hub did not give {repo} ({reason})") from error
    if not paths:
        raise DataError(f"the Hub's {repo} has no train-*-of-*.parquet")
    return _hub_source(Path(paths[0]).parent, data_set)


def _hub_source(place: Path, data_set: DataSet) -> Source:
    kind = f"{data_set.hub.repo} from the Hugging Face Hub"
    return parquet_source(place, data_set, kind, hub_key(data_set))


def _reporting_bar(what: str, progress: Progress) -> Any:
    """The progress bar class that huggingface_hub wants: draws nothing, reports the bytes of one file.

    Its faster way of downloading opens two bars for a file (bytes received, bytes written): the first to get
    somewhere is reported.
    """
    from huggingface_hub.utils.tqdm import tqdm

    furthest = 0

    class ReportingBar(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "disable": True})

        def update(self, n: float | None = 1) -> None:
            nonlocal furthest
            self.n += n or 0
            if self.n > furthest:
                furthest = int(self.n)
                progress(what, furthest, max(furthest, int(self.total or 0)))

    return ReportingBar


def find_archive(data_set: DataSet, folder: Path) -> Source | None:
    """The archive in our cache folder, where an earlier download put it; else None."""
    path = folder / data_set.archive.name
    return archive_source(path, data_set, data_set.archive.key) if path.is_file() else None


def download_archive(data_set: DataSet, folder: Path, progress: Progress) -> Source:
    """Downloads the archive into `folder`, by way of `<name>.part`, which a later call completes.

    Raises:
        DataError: when the server does not answer, the download is cut off, the folder cannot be written, or
            what came is not the archive (it is deleted then).
    """
    archive = data_set.archive
    part = folder / f"{archive.name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _fetch(archive.url, part, progress)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)  # urllib packs the trouble below it
        words = str(getattr(reason, "strerror", None) or reason) or type(error).__name__
        raise DataError(f"{archive.url} did not give the archive ({words})") from error
    try:
        check_archive(part, archive, progress)
    except DataError:
        part.unlink()
        raise
    return archive_source(part.replace(folder / archive.name), data_set, archive.key)


def _fetch(url: str, part: Path, progress: Progress) -> None:
    """Downloads to `part`, from where it ends; raises OSError or HTTPException."""
    done = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        answer = urllib.request.urlopen(request, timeout=ARCHIVE_SECONDS)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and done:  # nothing is left to fetch: the md5 decides
            return
        raise
    with answer, part.open("ab" if answer.status == 206 else "wb") as file:
        _copy(answer, file, done if answer.status == 206 else 0, progress, f"downloading {part.stem}")


def _copy(
    answer: http.client.HTTPResponse, file: IO[bytes], done: int, progress: Progress, what: str
) -> None:
    total = done + int(answer.headers.get("Content-Length") or 0)
    while chunk := answer.read1(CHUNK_BYTES):
        file.write(chunk)
        done += len(chunk)
        progress(what, done, max(done, total))
    if done < total:
        raise http.client.IncompleteRead(b"", total - done)
