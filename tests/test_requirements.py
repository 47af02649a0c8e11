"""The requirements tell the truth: they name all that is imported, and what they pin is within the ranges."""

import ast
import functools
import sys
import tomllib
from collections.abc import Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]


OPTIONAL = (
    "heic",
    "mcp",
    "sweep",
    "trackers",
    "zerogpu",
)  # extras that users need not install: pinned with what the tests need


def pins(file: str = "requirements.txt") -> dict[str, str]:
    """Return name -> version for each line that pins one."""
    lines = [line.partition("#")[0].strip() for line in (ROOT / file).read_text("utf-8").splitlines()]
    return {
        canonicalize_name(name.partition("[")[0]): version
        for name, _, version in (line.partition("==") for line in lines if "==" in line)
    }


def imported_modules(source: str) -> set[str]:
    """Return the top names of all that a file imports, wherever the import stands."""
    nodes = list(ast.walk(ast.parse(source)))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    from_ = {
        node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level
    }
    return {name.partition(".")[0] for name in plain | from_}


@functools.cache
def distributions() -> Mapping[str, list[str]]:
    """Top module -> the distributions that it comes from: {"PIL": ["pillow"]}."""
    return packages_distributions()


def unnamed(source: str, named: set[str]) -> set[str]:
    """Return the imported modules that are neither Python's, nor ours, nor of a distribution in `named`."""
    foreign = imported_modules(source) - sys.stdlib_module_names - {"cifar_core", "demo"}
    return {
        name
        for name in foreign
        if not named & {canonicalize_name(d) for d in distributions().get(name, [name])}
    }


def extras() -> dict[str, list[Requirement]]:
    """Return the ranges of each extra of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {name: list(map(Requirement, lines)) for name, lines in project["optional-dependencies"].items()}


def optional_ranges() -> list[Requirement]:
    """Return the ranges of the extras that users need not install."""
    return [one for name in OPTIONAL for one in extras()[name]]


def test_all_that_is_imported_is_pinned():
    optional = {canonicalize_name(one.name) for one in optional_ranges()}
    missing = [
        f"{file.relative_to(ROOT)} imports {name}: pin it in requirements.txt."
        for top in ("cifar_core", "demo")
        for file in (ROOT / top).rglob("*.py")
        for name in sorted(unnamed(file.read_text("utf-8"), set(pins()) | optional))
    ]
    assert not missing, "\n" + "\n".join(missing)


def test_the_extra_demo_installs_what_the_pages_import():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    installed = [*map(Requirement, project["dependencies"]), *extras()["demo"], *optional_ranges()]
    named = {canonicalize_name(one.name) for one in installed}
    missing = {
        f"{file.relative_to(ROOT)} imports {name}"
        for file in (ROOT / "demo").rglob("*.py")
        for name in unnamed(file.read_text("utf-8"), named)
    }
    assert not missing


def test_an_import_without_a_pin_is_named():
    source = (
        "import json, PIL\ndef f():\n    import requests\n    from starlette.x import y\n    from . import z"
    )
    assert unnamed(source, {"pillow"}) == {"requests", "starlette"}


def outside(ranges: list[Requirement], pinned: Mapping[str, str]) -> list[str]:
    """Return the ranges that do not hold what is pinned."""
    return [str(one) for one in ranges if pinned[canonicalize_name(one.name)] not in one.specifier]


def test_the_pins_are_within_the_ranges_of_pyproject():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    installed = [one for name, ranges in extras().items() if name not in OPTIONAL for one in ranges]
    ranges = [*map(Requirement, project["dependencies"]), *installed]
    assert {canonicalize_name(one.name) for one in ranges} == set(pins())
    assert outside(ranges, pins()) == []


def test_the_optional_packages_are_pinned_for_the_tests_alone():
    pinned = pins("tests/requirements.txt")
    names = {canonicalize_name(one.name) for one in optional_ranges()}
    assert names and names <= set(pinned) and not names & set(pins())
    assert outside(optional_ranges(), pinned) == []
