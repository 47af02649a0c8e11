"""Checkpoints on the Hub, laid out as PyTorchModelHubMixin does: config.json, model.safetensors, README.md.

config.json is the checkpoint's card; strangeness.safetensors lies beside it where the network can say "none
of these". What comes from the Hub is trusted no more than any checkpoint: these files are fetched and no
others, their sizes bounded and their hashes compared with those that the Hub states, then names, shapes and
values of the weights are checked against the network that the card names.
"""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cifar_core.checkpoint import (
    CARD,
    OOD_REFERENCE,
    WEIGHTS,
    CheckpointError,
    check_checkpoint,
    load_checkpoint,
    new_folder,
    replace_folder,
)
from cifar_core.data.cache import default_cache_dir
from cifar_core.hub.model_card import model_card
from cifar_core.hub.publish import HubError, Parcel, check_name, trouble

CONFIG, HUB_WEIGHTS = "config.json", "model.safetensors"
LIMITS = {CONFIG: 1_000_000, HUB_WEIGHTS: 500_000_000, OOD_REFERENCE: 50_000_000}  # bytes
OWN_NAMES = {CONFIG: CARD, HUB_WEIGHTS: WEIGHTS, OOD_REFERENCE: OOD_REFERENCE}
TIMEOUT_SECONDS = 10.0
_COMMIT = re.compile(r"[0-9a-f]{40}")


@contextmanager
def parcel_of(folder: Path, repo: str) -> Iterator[Parcel]:
    """A checkpoint as it goes to the Hub, in a folder that lasts as long as the block.

    Raises:
        CheckpointError: when it is missing or damaged.
        HubError: for a name that cannot be one.
    """
    check_name(repo)
    _, card = load_checkpoint(folder)
    with tempfile.TemporaryDirectory(prefix="cifar10-lab-hub-") as name:
        place = Path(name)
        for theirs, ours in OWN_NAMES.items():
            if theirs != OOD_REFERENCE or (folder / ours).exists():
                shutil.copyfile(folder / ours, place / theirs)
        (place / "README.md").write_text(model_card(card, repo), encoding="utf-8")
        yield Parcel(repo, "model", place, sorted(path.relative_to(place) for path in place.iterdir()))


def fetch_checkpoint(repo: str, revision: str | None = None, folder: Path | None = None) -> Path:
    """The folder of a checkpoint from the Hub, checked; fetched once for each commit.

    revision: a branch, a tag or a commit's 40 digits; a commit that is here already needs no network.
    folder: where to put it; without one it goes to the cache.

    Raises:
        HubError: when it cannot be had, or is not what the Hub states.
        CheckpointError: when it is no checkpoint, or a damaged one.
    """
    check_name(repo)
    if folder is None and revision and _COMMIT.fullmatch(revision):
        kept = _place(repo, revision)
        if (kept / CARD).exists():
            return kept
    commit, stated = _look(repo, revision)
    folder = folder or _place(repo, commit)
    if not (folder / CARD).exists():
        _fetch(repo, commit, stated, folder)
    return folder


def _place(repo: str, commit: str) -> Path:
    return default_cache_dir() / "hub" / repo.replace("/", "--") / commit


def _look(repo: str, revision: str | None) -> tuple[str, dict[str, Any]]:
    """(the commit, what the Hub states of its files)."""
    from huggingface_hub import HfApi

    try:
        info = HfApi().model_info(repo, revision=revision, files_metadata=True, timeout=TIMEOUT_SECONDS)
    except Exception as error:  # huggingface_hub and what lies below it have a hundred kinds
        raise HubError(trouble(error, f"fetch {repo}")) from error
    files = {sibling.rfilename: sibling for sibling in info.siblings or ()}
    for name, limit in LIMITS.items():
        if name not in files:
            if name == OOD_REFERENCE:
                continue
            raise HubError(
                f"{repo} has no {name}, so it is no checkpoint of this lab; pickles are never read."
            )
        size = files[name].size
        if size is None or size > limit:
            raise HubError(
                f"{name} of {repo} has {size if size is not None else 'an unknown number of'} bytes; "
                f"at most {limit:,} are fetched."
            )
    if not _COMMIT.fullmatch(str(info.sha)):
        raise HubError(f"The Hub names no commit of {repo}; try again later.")
    return str(info.sha), {name: files[name] for name in LIMITS if name in files}


def _fetch(repo: str, commit: str, stated: dict[str, Any], folder: Path) -> None:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    new = new_folder(folder)
    try:
        for name in sorted(stated):
            try:
                path = hf_hub_download(
                    repo, name, revision=commit, local_dir=new / ".download", etag_timeout=TIMEOUT_SECONDS
                )
            except Exception as error:  # as above
                raise HubError(trouble(error, f"fetch {name} of {repo}")) from error
            _compare(Path(path), stated[name], f"{name} of {repo}")
            shutil.move(path, new / OWN_NAMES[name])
        shutil.rmtree(new / ".download")
        try:
            check_checkpoint(new)
        except CheckpointError as error:
            raise CheckpointError(f"{repo} on the Hub cannot be used: {error}") from None
        replace_folder(new, folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _compare(path: Path, stated: Any, what: str) -> None:
    """Raise HubError unless size and hash are those that the Hub states: sha256, or git's of small files."""
    content = path.read_bytes()
    if stated.lfs:
        own, wanted = hashlib.sha256(content).hexdigest(), stated.lfs.sha256
    else:
        blob = b"blob %d\0" % len(content) + content
        own, wanted = hashlib.sha1(blob, usedforsecurity=False).hexdigest(), stated.blob_id
    if len(content) != stated.size or own != wanted:
        raise HubError(f"{what} is not what the Hub states (size or hash differs); nothing was kept.")
