"""CIFAR-10 from the Hugging Face Hub: the Parquet files of `uoft-cs/cifar10`, kept in the Hub's own cache."""

import re
from pathlib import Path
from typing import Any

from cifar_core.data.dataset import DataError, Progress, Source
from cifar_core.data.parquet import SUBFOLDERS, parquet_source

REPO = "uoft-cs/cifar10"
KEY = "hub-uoft-cs-cifar10"
TIMEOUT_SECONDS = 5.0  # until the first answer: without a network nobody is kept waiting

_FILE = re.compile(r"(?:(plain_text|data)/)?(?:train|test)-\d+-of-\d+\.parquet")


def find_in_hub_cache() -> Source | None:
    """The newest complete snapshot in the Hub's cache on this machine, whoever downloaded it; else None."""
    from huggingface_hub import constants

    folder = Path(constants.HF_HUB_CACHE).expanduser() / f"datasets--{REPO.replace('/', '--')}" / "snapshots"
    places = [place / name for place in folder.glob("*") for name in SUBFOLDERS if (place / name).is_dir()]
    for place in sorted(places, key=lambda path: path.stat().st_mtime_ns, reverse=True):
        try:
            return _source(place)
        except DataError:  # a download that was cut off: not there yet
            continue
    return None


def download_from_hub(progress: Progress) -> Source:
    """Downloads what is not in the Hub's cache yet; a download that was cut off goes on.

    HF_ENDPOINT, HF_HOME, HF_HUB_OFFLINE and HF_TOKEN mean what they mean to huggingface_hub.

    Raises:
        DataError: when the Hub does not answer, or answers with something else.
    """
    from huggingface_hub import HfApi, hf_hub_download

    try:
        api = HfApi()
        info = api.dataset_info(REPO, revision="main", timeout=TIMEOUT_SECONDS)
        names = [sibling.rfilename for sibling in info.siblings or ()]
        names = sorted(filter(_FILE.fullmatch, names or api.list_repo_files(REPO, repo_type="dataset")))
        paths = [
            hf_hub_download(
                REPO,
                name,
                repo_type="dataset",
                revision=info.sha,
                etag_timeout=TIMEOUT_SECONDS,
                tqdm_class=_reporting_bar(f"downloading {Path(name).name} from the Hub", progress),
            )
            for name in names
        ]
    except Exception as error:  # huggingface_hub and what lies below it have a hundred kinds
        raise DataError(
            f"the Hub did not give {REPO} ({type(error).__name__}: {_first_line(error)})"
        ) from error
    if not paths:
        raise DataError(f"the Hub's {REPO} has no train-*-of-*.parquet")
    return _source(Path(paths[0]).parent)


def _source(place: Path) -> Source:
    return parquet_source(place, f"{REPO} from the Hugging Face Hub", KEY)


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


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0]
