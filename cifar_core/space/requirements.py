"""A Space's own requirements.txt: those lines of ours whose packages the Space's files import, no others."""

import re
import sys
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path

from cifar_core.paths import PROJECT_ROOT

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
