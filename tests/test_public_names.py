"""Each `__all__` tells the truth: every name in it is there, and a package's public names are all in it."""

import ast
import importlib
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]


def promised_names(source: str) -> list[str] | None:
    """Return a file's `__all__`, or None if it has none."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return None


def offered_names(source: str) -> set[str]:
    """Return the public names that a package's `__init__` defines, or imports from ours, at its top."""
    found = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.ImportFrom) and (node.level or str(node.module).startswith("cifar_core")):
            found |= {alias.asname or alias.name for alias in node.names}
    return {name for name in found if not name.startswith("_")}


def untrue_promises(file: Path, source: str) -> list[str]:
    promised = promised_names(source)
    if promised is None:
        return []
    module = importlib.import_module(".".join(file.with_suffix("").parts).removesuffix(".__init__"))
    broken = [
        f"{file}: __all__ has {name}, which is not there." for name in promised if not hasattr(module, name)
    ]
    broken += [f"{file}: __all__ has {name} twice." for name in set(promised) if promised.count(name) > 1]
    if file.name == "__init__.py":
        offered = {
            name for name in offered_names(source) if not isinstance(getattr(module, name, None), ModuleType)
        }
        missing = offered - set(promised)
        broken += [f"{file}: {name} is public, but not in __all__." for name in sorted(missing)]
    return broken


def test_every_all_tells_the_truth():
    files = sorted(
        file.relative_to(ROOT) for top in ("cifar_core", "demo") for file in (ROOT / top).rglob("*.py")
    )
    broken = [one for file in files for one in untrue_promises(file, (ROOT / file).read_text("utf-8"))]
    assert not broken, "\n" + "\n".join(broken)


def test_an_all_that_lies_is_named():
    source = "from cifar_core.metrics.classification import accuracy\n__all__ = ['gone', 'gone']"
    assert set(untrue_promises(Path("cifar_core/__init__.py"), source)) == {
        "cifar_core/__init__.py: __all__ has gone, which is not there.",
        "cifar_core/__init__.py: __all__ has gone twice.",
        "cifar_core/__init__.py: accuracy is public, but not in __all__.",
    }
