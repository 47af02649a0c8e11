"""Which of our files a page needs: found by following its imports, also those that wait inside functions.

Beside imports, a module names files in its strings: one that lies beside it (`app.css`, a page of the
dashboard), or a module that it starts as a process (`demo.isolation`).
"""

import ast
from collections.abc import Iterator
from importlib.util import resolve_name
from itertools import pairwise
from pathlib import Path

from cifar_core.paths import PROJECT_ROOT

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
