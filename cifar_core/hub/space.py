"""A Hugging Face Space: this repository's own files, with requirements and front matter for its hardware.

A plain push of the repository works as the Gradio Space on CPU, at the price of CUDA's libraries; what is
built here has CPU wheels instead, and says in its README what the Space takes.
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cifar_core.checkpoint import list_checkpoints, load_card, load_checkpoint, resolve_checkpoint
from cifar_core.datasets import DATA_SETS
from cifar_core.errors import reason_of
from cifar_core.files import PROJECT_ROOT, checkpoints_dir
from cifar_core.hub.publish import HubError

FILES = (  # and the checkpoints; the README and the requirements are written for the kind
    *("LICENSE", "Dockerfile", "cifar_core", "demo"),
    *("demo/.streamlit/config.toml", "checkpoints/results.json"),
)

# What the front matter of this (sdk, hardware) has in place of the README's; None: nothing.
FIELDS: dict[tuple[str, str], dict[str, Any]] = {
    ("gradio", "cpu"): {},
    ("gradio", "zerogpu"): {
        "app_file": "demo/zero_gpu.py",
        "python_version": "3.12.12",  # of the two that ZeroGPU has; the other one is 3.10.13
    },
    ("docker", "cpu"): {
        "sdk": "docker",
        "app_port": 7860,
        **dict.fromkeys(("sdk_version", "python_version", "app_file")),
    },
}
HARDWARE = {"cpu": "cpu-basic", "zerogpu": "zero-a10g"}  # the Hub's names; ZeroGPU kept its first GPU's
# The newest torch that ZeroGPU supports (hub-docs, spaces-zerogpu.md, August 2026), as a newer one finds no
# device there; the torchvision made for it; and the package that lends the device.
PINS = {"cpu": {}, "zerogpu": {"torch": "2.11.0", "torchvision": "0.26.0", "spaces": "0.51.3"}}
# PyTorch's own index of wheels without CUDA. Its torchvision must fit its torch to the build, and no page
# needs one, so it stays out.
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"
LEFT_OUT = {"cpu": {"torchvision"}, "zerogpu": set()}
# Measured by tests/tools/load.py and tests/tools/dashboard_cost.py; see demo/README.md.
START = "3 to 9 s after its packages are installed, by processor"
_PAGE = f"The page holds 0.9 GB of memory and opens {START}"
TAKES = {
    ("gradio", "cpu"): f"{_PAGE}.",
    ("gradio", "zerogpu"): f"{_PAGE}; batches of 16 crops or more borrow the GPU, each once.",
    ("docker", "cpu"): "The dashboard holds 0.8 GB of memory, and a training some GB more.",
}


@dataclass(frozen=True)
class Space:
    """A Space to publish; raises HubError when the Hub has no such hardware for this SDK.

    checkpoints: names or folders; none stands for all that are shipped. models: ids on the Hub that its page
    links to. wheels: address of an index with torch's CPU wheels; None is PyTorch's on a CPU, "" is none.
    """

    sdk: str = "gradio"
    hardware: str = "cpu"
    checkpoints: Sequence[str] = ()
    models: Sequence[str] = ()
    wheels: str | None = None

    def __post_init__(self) -> None:
        if (self.sdk, self.hardware) not in FIELDS:
            known = ", ".join(f"{sdk} on {hardware}" for sdk, hardware in FIELDS)
            raise HubError(f"The Hub runs no {self.sdk} Space on {self.hardware}; choose one of: {known}.")

    @property
    def takes(self) -> str:
        """What it takes to run it, in a sentence or two."""
        wheels = " Its torch is a CPU wheel, without the 5 GB of CUDA's libraries." if self.index else ""
        return TAKES[self.sdk, self.hardware] + wheels

    @property
    def index(self) -> str:
        """The index of CPU wheels, or "" for none."""
        usual = CPU_WHEELS if self.hardware == "cpu" else ""
        return usual if self.wheels is None else self.wheels


def build_space(folder: Path, space: Space) -> list[Path]:
    """Write the Space into an empty folder, or a new one; returns its files, sorted and relative to it.

    Raises:
        HubError: when the folder holds anything, or cannot be written.
        CheckpointError: when a checkpoint is missing or damaged.
    """
    networks = chosen_checkpoints(space.checkpoints)
    sources = {
        path.relative_to(PROJECT_ROOT): path for name in FILES for path in files_of(PROJECT_ROOT / name)
    }
    for name, source in networks.items():
        sources |= {Path("checkpoints", name, path.relative_to(source)): path for path in files_of(source)}
    makers = {Path("README.md"): space_readme, Path("requirements.txt"): space_requirements}
    try:
        if folder.exists() and any(folder.iterdir()):
            raise HubError(f"{folder} is not empty; name a folder that is empty or not there yet.")
        for file, source in sources.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, folder / file)
        for file, make in makers.items():
            text = make((PROJECT_ROOT / file).read_text(encoding="utf-8"), space)
            (folder / file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise HubError(f"Cannot write the Space: {error.filename or folder}: {reason_of(error)}.") from None
    return sorted([*sources, *makers])


def space_readme(readme: str, space: Space) -> str:
    """The repository's README with the front matter of this kind of Space, and what that takes."""
    from huggingface_hub import RepoCard

    card = RepoCard(readme)
    fields = FIELDS[space.sdk, space.hardware] | {
        "suggested_hardware": HARDWARE[space.hardware],
        "models": list(space.models) or None,
        **_datasets(space),
    }
    for name, value in fields.items():
        setattr(card.data, name, value)
    hardware = fields["suggested_hardware"]
    return f"{str(card).rstrip()}\n\n## What this Space takes\n\nIt runs on {hardware}. {space.takes}\n"


def _datasets(space: Space) -> dict[str, Any]:
    """The field with the repositories of the data that its networks learned; own pictures have none."""
    cards = [load_card(resolve_checkpoint(name)) for name in space.checkpoints or list_checkpoints()]
    names = {str(card.config.get("data", "")) for card in cards}
    if "" in names:
        return {}  # a card does not say
    known = {DATA_SETS[name].whole.hub.repo for name in names & DATA_SETS.keys()}
    return {"datasets": sorted(known - {""}) or None}


def space_requirements(requirements: str, space: Space) -> str:
    """The repository's requirements with the versions of this kind of Space, without what no page needs.

    From an index of CPU wheels pip takes the same version of torch without CUDA's libraries (5 GB), as it
    ranks 2.14.1+cpu above 2.14.1; where the index cannot be reached, pip says so and takes the other.
    """
    missing = dict(PINS[space.hardware])
    lines = [f"--extra-index-url {space.index}"] if space.index else []
    for line in requirements.splitlines():
        name = re.split("[=#]", line)[0]
        if name in LEFT_OUT[space.hardware]:
            continue
        lines.append(f"{name}=={missing.pop(name)}" if name in missing else line)
    return "\n".join([*lines, *(f"{name}=={version}" for name, version in missing.items()), ""])


def chosen_checkpoints(names: Sequence[str] = ()) -> dict[str, Path]:
    """Name in the Space -> folder here, each loaded once, so that no Space starts with a damaged one."""
    chosen: dict[str, Path] = {}
    for name in names or list_checkpoints():
        folder = resolve_checkpoint(name)
        _, card = load_checkpoint(folder)
        own = folder.name if folder.parent == checkpoints_dir() else card.recipe
        if own in chosen:
            raise HubError(f"Two checkpoints would be called '{own}' in the Space; leave one of them out.")
        chosen[own] = folder
    return chosen


def files_of(place: Path) -> Iterator[Path]:
    """A file itself, or those below a folder: no links, nothing hidden (secrets may lie there), no caches."""
    if place.is_file():
        yield place
    for path in place.rglob("*"):
        parts = path.relative_to(place).parts
        hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if path.is_file() and not path.is_symlink() and not hidden:
            yield path
