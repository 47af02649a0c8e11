"""A folder that is a complete Space: the page's files, its networks, its own requirements, its front matter.

SPACE_FILES lists what was written, with this program's name: by that list a folder is known as one of ours,
an older build is taken away before a new one, and a push sends nothing else.
"""

import ast
import json
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from importlib.util import resolve_name
from itertools import pairwise
from pathlib import Path
from typing import Any

from cifar_core.checkpoint import Card, list_checkpoints, load_card, load_checkpoint, resolve_checkpoint
from cifar_core.files import PROJECT_ROOT, checkpoints_dir, write_bytes, write_json

PYTHON = {"cpu": "3.11", "zerogpu": "3.12.12"}  # ours was tried on 3.11; ZeroGPU has 3.10.13 and 3.12.12
ZEROGPU_TORCH = "2.11.0"  # the newest that ZeroGPU supports (hub-docs, spaces-zerogpu.md, August 2026)
SPACES = "0.51.3"  # the package that lends ZeroGPU's device
WHY_WHEELS = """\
# A Space without a GPU needs none of the CUDA libraries that torch brings (5 GB). From the index below pip
# takes the same version as {version}+cpu, which it ranks above the other; where the index cannot be reached,
# pip says so and takes the other.
--extra-index-url {wheels}
"""
WHY_ZEROGPU = f"""\
# ZeroGPU supports torch up to {ZEROGPU_TORCH}; a newer one finds no device there.
"""


def space_requirements(modules: set[str], hardware: str, root: Path = PROJECT_ROOT, wheels: str = "") -> str:
    """The text of requirements.txt for files that import these top modules.

    hardware: "cpu" or "zerogpu". wheels: address of an index with torch's CPU wheels, or none. What one of
    the kept packages needs is pinned as well where our own file pins it, so that a Space built later gets the
    versions that were tried.
    """
    ours = pins(root)
    kept = needed_distributions(modules, set(ours))
    versions = {name: version for name, version in ours.items() if name in kept}
    head = WHY_WHEELS.format(version=versions.get("torch", ""), wheels=wheels) if wheels else ""
    if hardware == "zerogpu":
        head = WHY_ZEROGPU
        versions |= {"torch": ZEROGPU_TORCH, "spaces": SPACES}
    lines = [f"{name}=={version}" for name, version in versions.items()]
    return "\n".join(
        [
            "# Written by `python -m cifar_core space build`: change it there.",
            *([head] if head else []),
            *lines,
            "",
        ]
    )


def pins(root: Path = PROJECT_ROOT) -> dict[str, str]:
    """Name -> version of each line of requirements.txt, in its order."""
    lines = (root / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.partition("#")[0].strip().partition("==") for line in lines)
    return {_canonical(name): version for name, equals, version in pairs if equals}


def needed_distributions(modules: set[str], pinned: set[str]) -> set[str]:
    """Those of the pinned packages that the modules come from, and those that these need in turn."""
    homes = packages_distributions()
    foreign = modules - sys.stdlib_module_names
    waiting = [_canonical(home) for name in foreign for home in homes.get(name, [])]
    waiting, found = [name for name in waiting if name in pinned], set[str]()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _needs(name)
    return found & pinned


def _needs(name: str) -> list[str]:
    """What a package needs here, its extras left aside; nothing of one that is not installed."""
    try:
        lines = requires(name) or []
    except PackageNotFoundError:
        return []
    return [_canonical(re.split(r"[^\w.-]", line)[0]) for line in lines if "extra ==" not in line]


def _canonical(name: str) -> str:
    """The one way to write a package's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


GRADIO_APPS = {"cpu": Path("demo/app.py"), "zerogpu": Path("demo/zero_gpu.py")}
DASHBOARD = Path("demo/dashboard.py")
FLAVORS = {"cpu": "cpu-basic", "zerogpu": "zero-a10g"}  # the Hub's names; ZeroGPU kept that of its first GPU
PORT = 7860
DATA_SET = "uoft-cs/cifar10"


def front_matter(
    sdk: str = "gradio", hardware: str = "cpu", models: list[str] | None = None, root: Path = PROJECT_ROOT
) -> str:
    """The block with its two lines of dashes; sdk: "gradio" or "docker"; models: their ids on the Hub."""
    from huggingface_hub import CardData

    fields: dict[str, Any] = {
        "title": "CIFAR-10 Lab",
        "emoji": "🔍",
        "colorFrom": "blue",
        "colorTo": "indigo",
        **({"sdk": "docker", "app_port": PORT} if sdk == "docker" else _gradio(hardware, root)),
        "license": "apache-2.0",
        "short_description": "Small image classifiers, seen from the inside",
        "suggested_hardware": FLAVORS[hardware],
        **({"models": models} if models else {}),
        "datasets": [DATA_SET],
    }
    return f"---\n{CardData(**fields).to_yaml()}\n---\n"


def _gradio(hardware: str, root: Path) -> dict[str, str]:
    return {
        "sdk": "gradio",
        "sdk_version": pins(root)["gradio"],
        "python_version": PYTHON[hardware],  # YAML would read a bare 3.10 as 3.1: the dump quotes it
        "app_file": GRADIO_APPS[hardware].as_posix(),
    }


def read_front_matter(readme: str) -> dict[str, Any]:
    """The fields of a README's block; none where there is no block or it is damaged."""
    from huggingface_hub import RepoCard

    try:
        return dict(RepoCard(readme, ignore_metadata_errors=True).data.to_dict())
    except ValueError:
        return {}


OURS = ("cifar_core", "demo")


def needed_files(entry: Path, root: Path = PROJECT_ROOT) -> list[Path]:
    """`entry` and all that it leads to, sorted and relative to `root`; what only type checkers read is not.

    Raises:
        FileNotFoundError: when there is no such entry.
    """
    waiting, found = [root / entry], set[Path]()
    while waiting:
        file = waiting.pop()
        if file in found:
            continue
        found.add(file)
        if file.suffix == ".py":
            waiting += _packages_of(file, root)
            waiting += _leads_to(file, ast.parse(file.read_text(encoding="utf-8")), root)
    return sorted(file.relative_to(root) for file in found)


def foreign_modules(files: list[Path], root: Path = PROJECT_ROOT) -> set[str]:
    """Top names of all modules that these files import and that are not ours."""
    names = {
        name.partition(".")[0]
        for file in files
        if file.suffix == ".py"
        for name in _imported(ast.parse((root / file).read_text(encoding="utf-8")), "")
    }
    return names - set(OURS)


def _leads_to(file: Path, tree: ast.Module, root: Path) -> Iterator[Path]:
    package = ".".join(file.parent.relative_to(root).parts)
    for name in _imported(tree, package):
        yield from _module_files(name, root)
    for name in _started(tree):
        yield from _module_files(name, root)
        yield from _existing(root.joinpath(*name.split("."), "__main__.py"))
    for text in _strings(tree):
        if "." in text and len(text) < 100 and text.isprintable() and text[0] not in "/.":
            yield from _existing(file.parent / text)


def _imported(tree: ast.AST, package: str) -> Iterator[str]:
    """Full names of all that is imported: `from a.b import c` gives a.b.c, be c a module or a name in one."""
    for node in _run_at_all(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level, package) if node.level and package else ""
            stem = ".".join(filter(None, [base, node.module or ""]))
            if stem:
                yield from (f"{stem}.{alias.name}" for alias in node.names)


def _run_at_all(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those under `if TYPE_CHECKING:`."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)


def _started(tree: ast.AST) -> Iterator[str]:
    """Modules that stand after "-m" in a command; one that begins with "python" is shown, not started."""
    for node in ast.walk(tree):
        if isinstance(node, ast.List | ast.Tuple):
            words = [item.value if isinstance(item, ast.Constant) else None for item in node.elts]
            if words[:1] != ["python"]:
                yield from (str(name) for flag, name in pairwise(words) if flag == "-m")


def _strings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _module_files(name: str, root: Path) -> Iterator[Path]:
    """The file of a module of ours, or that of the module in which the last part is a name."""
    parts = name.split(".")
    if parts[0] not in OURS:
        return
    for place in (root.joinpath(*parts), root.joinpath(*parts[:-1])):
        files = [*_existing(place.with_suffix(".py")), *_existing(place / "__init__.py")]
        yield from files
        if files:
            return


def _packages_of(file: Path, root: Path) -> Iterator[Path]:
    for folder in file.relative_to(root).parents:
        yield from _existing(root / folder / "__init__.py")


def _existing(file: Path) -> Iterator[Path]:
    if file.is_file():
        yield file


SPACE_FILES = ".space-files.json"
MAKER = "cifar10-lab space build"
DASHBOARD_FILES = ("Dockerfile", "demo/.streamlit/config.toml")  # no module names these
DASHBOARD_TEXT = """\
# CIFAR-10 Lab

The dashboard: how small image classifiers learn, which kernels they mix and where they go wrong.
Trainings here are short and one at a time, because everyone shares this machine.
"""
PAGE_TEXT = """\
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
    words = DASHBOARD_TEXT if plan.sdk == "docker" else PAGE_TEXT
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
