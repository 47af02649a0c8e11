"""Send a folder to the Hugging Face Hub as a model or a Space; each way to fail is one sentence.

HF_TOKEN, HF_ENDPOINT and HF_HOME mean what they mean to huggingface_hub.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cifar_core.errors import LabError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

_NAME = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}", re.ASCII)
TOKENS = "huggingface.co/settings/tokens"


class HubError(LabError):
    """The Hub, or what is asked of it, does not allow it: one sentence with the reason and what to do."""


class RepoNameError(HubError):
    """What no repository can be called."""

    exit_code = 2


@dataclass(frozen=True)
class Parcel:
    """Files of a folder and the repository they go to, of the kind "model" or "space"; names are relative.

    sdk, hardware: a Space's ("gradio" or "docker"; the Hub's name of the hardware to ask for).
    """

    repo: str
    kind: str
    folder: Path
    files: list[Path]
    sdk: str | None = None
    hardware: str | None = None

    def __post_init__(self) -> None:
        check_name(self.repo)


def check_name(repo: str) -> None:
    """Raise RepoNameError unless this can be a repository's name."""
    part = repo.rpartition("/")[2]
    if not _NAME.fullmatch(repo) or part[0] in ".-" or part[-1] in ".-" or "--" in repo or ".." in repo:
        raise RepoNameError(
            f"'{repo:.100}' is no repository's name; write USER/NAME with letters, digits, '-', '_' and '.'."
        )


def listing(parcel: Parcel) -> str:
    """Every file with its size in bytes, and the sum: what a push would send."""
    sizes = {file.as_posix(): (parcel.folder / file).stat().st_size for file in parcel.files}
    rows = [f"{size:>12,}  {name}" for name, size in sizes.items()]
    return "\n".join([*rows, f"{sum(sizes.values()):>12,}  bytes in {len(rows)} files"])


def publish(parcel: Parcel, update: bool = False, private: bool = False) -> str:
    """Create the repository and send the files; returns its address.

    update: send also where there is such a repository already: files of the same names are replaced, and
    others that lie in the same folders are deleted.

    Raises:
        HubError: without a token or rights, where the name is taken, or when the Hub does not answer.
    """
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.utils.tqdm import disable_progress_bars

    if get_token() is None:
        raise HubError(f"There is no token: run `hf auth login`, or set HF_TOKEN ({TOKENS}, kind: write).")
    disable_progress_bars()
    api, user = HfApi(), ""
    try:
        user = f" as {api.whoami()['name']}"
        return _send(api, parcel, update, private)
    except HubError:
        raise
    except Exception as error:  # huggingface_hub and what lies below it have a hundred kinds
        raise HubError(trouble(error, f"send {parcel.repo}{user}")) from error


def _send(api: "HfApi", parcel: Parcel, update: bool, private: bool) -> str:
    if not update and api.repo_exists(parcel.repo, repo_type=parcel.kind):
        raise HubError(
            f"There is a {parcel.kind} {parcel.repo} already; give --update to replace what is in it, or "
            "another name."
        )
    address = api.create_repo(
        parcel.repo,
        repo_type=parcel.kind,
        private=private or None,
        exist_ok=update,
        space_sdk=parcel.sdk,
        space_hardware=parcel.hardware,  # type: ignore[arg-type] # it lists the names of its own day
    )
    folders = {file.parts[0] for file in parcel.files if len(file.parts) > 1}
    api.upload_folder(
        repo_id=parcel.repo,
        repo_type=parcel.kind,
        folder_path=parcel.folder,
        allow_patterns=[file.as_posix() for file in parcel.files],
        delete_patterns=[f"{name}/*" for name in sorted(folders)] or None,
        commit_message="Publish from CIFAR-10 Lab",
    )
    return str(address)


_WHY = {
    401: f"the Hub does not know the token; make a new one ({TOKENS}) and run `hf auth login`",
    402: "the Hub asks for a paid plan; a free account may hold two Spaces built with --hardware zerogpu",
    403: f"the token may not write there; give one with the right to write ({TOKENS}), or another name",
    404: "there is no such repository or revision, or the token may not see it",
    409: "the name is taken, or something else is being done with the repository; try another name, or later",
    413: "the Hub finds the files too large",
    429: "the Hub has had too many requests; try again in a few minutes",
}


def trouble(error: Exception, what: str) -> str:
    """Why the Hub could not be made to do something, in a sentence."""
    while error.__cause__ is not None and isinstance(error.__cause__, Exception):
        error = error.__cause__
    code = getattr(getattr(error, "response", None), "status_code", None)
    first = (str(error).splitlines() or [""])[0][:200]
    if code is None:
        return f"Cannot {what}: the Hub did not answer ({type(error).__name__}: {first}); is there a network?"
    if code >= 500:
        return f"Cannot {what}: the Hub has trouble of its own ({code}); try again later."
    return f"Cannot {what}: {_WHY.get(code, first)} ({code})."
