"""A folder that is a complete Space: the page's files, its networks, its own requirements, its front matter.

SPACE_FILES lists what was written, with this program's name: by that list a folder is known as one of ours,
an older build is taken away before a new one, and a push sends nothing else.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from cifar_core.atomic import write_bytes, write_json
from cifar_core.checkpoint import Card, list_checkpoints, load_card, load_checkpoint, resolve_checkpoint
from cifar_core.paths import PROJECT_ROOT, checkpoints_dir
from cifar_core.space.files import foreign_modules, needed_files
from cifar_core.space.front_matter import DASHBOARD, GRADIO_APPS, front_matter
from cifar_core.space.requirements import space_requirements

SPACE_FILES = ".space-files.json"
MAKER = "cifar10-lab space build"
DASHBOARD_FILES = ("Dockerfile", "demo/.streamlit/config.toml")  # no module names these
DASHBOARD_WORDS = """\
# CIFAR-10 Lab

The dashboard: how small image classifiers learn, which kernels they mix and where they go wrong.
Trainings here are short and one at a time, because everyone shares this machine.
"""
PAGE_WORDS = """\
# CIFAR-10 Lab: what is in the picture?

A picture of yours, and what a small network sees in it: the likeliest classes, the 32 × 32 pixels that it
looked at, and how each of its blocks mixed its kernels. It tells ten things apart and no others.
"""


class SpaceError(RuntimeError):
    """A Space that cannot be built, proven or published: one sentence with the reason and what to do."""


@dataclass(frozen=True)
class Plan:
    """What kind of Space: sdk "gradio" or "docker", hardware "cpu" or "zerogpu", models' ids on the Hub.

    checkpoints: names or folders; none stands for all that were shipped where the page is the dashboard, and
    for those that know all ten classes where it is the classify page.
    """

    sdk: str = "gradio"
    hardware: str = "cpu"
    checkpoints: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    wheels: str = ""

    @property
    def entry(self) -> Path:
        """The file that the Space starts."""
        return DASHBOARD if self.sdk == "docker" else GRADIO_APPS[self.hardware]


def build_space(folder: Path, plan: Plan, root: Path = PROJECT_ROOT) -> list[Path]:
    """Write the Space into `folder`; returns its files, sorted and relative to it.

    Raises:
        SpaceError: when the plan contradicts itself, or the folder holds anything that we did not write.
        CheckpointError: when a checkpoint is missing or damaged.
    """
    if plan.sdk == "docker" and plan.hardware == "zerogpu":
        raise SpaceError("ZeroGPU serves the Gradio SDK alone; build a docker Space with --hardware cpu.")
    networks = chosen_checkpoints(plan)
    files = needed_files(plan.entry, root)
    copied = {file.as_posix(): root / file for file in files}
    if plan.sdk == "docker":
        copied |= {name: root / name for name in DASHBOARD_FILES}
    for name, source in networks.items():
        copied |= {f"checkpoints/{name}/{path.name}": path for path in _plain_files(source)}
    copied["LICENSE"] = root / "LICENSE"
    written = {
        "README.md": _readme(plan, networks, root),
        "requirements.txt": space_requirements(
            foreign_modules(files, root), plan.hardware, root, plan.wheels
        ),
    }
    clear_old_build(folder)
    return _write(folder, copied, written)


def chosen_checkpoints(plan: Plan) -> dict[str, Path]:
    """Name in the Space -> folder here, each loaded once, so that no Space starts with a damaged one."""
    names = plan.checkpoints or tuple(_default_checkpoints(plan.sdk))
    chosen: dict[str, Path] = {}
    for name in names:
        folder = resolve_checkpoint(name)
        _, card = load_checkpoint(folder)
        own = folder.name if folder.parent == checkpoints_dir() else card.recipe
        if own in chosen:
            raise SpaceError(f"Two checkpoints would be called '{own}' in the Space; leave one of them out.")
        chosen[own] = folder
    return chosen


def _default_checkpoints(sdk: str) -> list[str]:
    names = list_checkpoints()
    if sdk == "docker":
        return names
    lessons = ("lesson", "plain_cnn")  # bad on purpose, for the dashboard's tour
    cards = {name: load_card(resolve_checkpoint(name)) for name in names}
    return [
        name for name, card in cards.items() if len(card.class_names) == 10 and not name.startswith(lessons)
    ]


def built_files(folder: Path) -> list[Path]:
    """The files of a Space that `build_space` wrote, relative to it; raises SpaceError where it is none."""
    try:
        document = json.loads((folder / SPACE_FILES).read_text(encoding="utf-8"))
        names = list(map(str, document["files"])) if document["maker"] == MAKER else None
    except (OSError, ValueError, KeyError, TypeError):
        names = None
    if names is None or any(Path(name).is_absolute() or ".." in Path(name).parts for name in names):
        raise SpaceError(
            f"{folder} is no Space of ours; write one with: python -m cifar_core space build {folder}"
        )
    return [Path(name) for name in names]


def clear_old_build(folder: Path) -> None:
    """Take away an older build; raises SpaceError where the folder holds anything else."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise SpaceError(f"{folder} is a file; name a folder that is empty or not there yet.")
    if not any(folder.iterdir()):
        return
    try:
        old = built_files(folder)
    except SpaceError:
        raise SpaceError(
            f"{folder} holds files that are no Space of ours; name a folder that is empty or not there yet."
        ) from None
    for file in [*old, Path(SPACE_FILES)]:
        (folder / file).unlink(missing_ok=True)
    for place in sorted({parent for file in old for parent in file.parents if parent.name}, reverse=True):
        shutil.rmtree(folder / place / "__pycache__", ignore_errors=True)
        if (folder / place).is_dir() and not any((folder / place).iterdir()):
            (folder / place).rmdir()


def _plain_files(source: Path) -> list[Path]:
    """A checkpoint's own files: no folders, no links, nothing hidden."""
    files = [path for path in source.iterdir() if path.is_file() and not path.is_symlink()]
    return sorted(path for path in files if not path.name.startswith("."))


def _readme(plan: Plan, networks: dict[str, Path], root: Path) -> str:
    head = front_matter(plan.sdk, plan.hardware, list(plan.models), root)
    words = DASHBOARD_WORDS if plan.sdk == "docker" else PAGE_WORDS
    rows = "\n".join(_row(name, load_card(folder)) for name, folder in networks.items())
    table = f"| network | parameters | test accuracy |\n| --- | --- | --- |\n{rows}\n"
    foot = "Written by `python -m cifar_core space build`. Licensed under Apache-2.0."
    return f"{head}\n{words}\n{table}\n{foot}\n"


def _row(name: str, card: Card) -> str:
    test = card.metrics.get("test")
    accuracy = f"{100 * test['accuracy']:.2f} %" if test else "–"
    return f"| `{name}` | {card.parameters / 1e6:.2f} M | {accuracy} |"


def _write(folder: Path, copied: dict[str, Path], written: dict[str, str]) -> list[Path]:
    names = sorted([*copied, *written])
    try:
        for name, source in copied.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, folder / name)
        for name, text in written.items():
            write_bytes(folder / name, text.encode())
        write_json(folder / SPACE_FILES, {"maker": MAKER, "files": names})
    except OSError as error:
        raise SpaceError(f"{error.filename or folder} cannot be written: {error.strerror}.") from None
    return list(map(Path, names))
