"""The files of a Space are found by following imports: all that is needed, nothing that is not."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from cifar_core.files import PROJECT_ROOT
from cifar_core.hub.space import DASHBOARD, GRADIO_APPS, foreign_modules, needed_files


@pytest.fixture
def project(tmp_path):
    """Writes a small project: file -> its text."""

    def write(**files):
        for name, text in files.items():
            path = tmp_path / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


def found(root, entry="demo/app.py"):
    return {file.as_posix() for file in needed_files(Path(entry), root)}


def test_imports_are_followed_wherever_they_stand(project):
    root = project(
        demo__app="import cifar_core.a\nfrom demo.b import x\ndef f():\n    from cifar_core import c",
        demo__b="from . import d\nimport json, torch",
        demo__d="",
        demo__unused="",
        cifar_core__a="from cifar_core.e.f import name",
        cifar_core__c="",
        cifar_core__e__f="name = 1",
    )
    (root / "cifar_core" / "e" / "__init__.py").write_text("")
    (root / "cifar_core" / "__init__.py").write_text("")
    assert found(root) == {
        *("demo/app.py", "demo/b.py", "demo/d.py"),
        *("cifar_core/__init__.py", "cifar_core/a.py", "cifar_core/c.py"),
        *("cifar_core/e/__init__.py", "cifar_core/e/f.py"),
    }
    assert foreign_modules([Path("demo/b.py")], root) == {"json", "torch"}


def test_what_only_a_type_checker_reads_is_left_out(project):
    root = project(
        demo__app="from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    import demo.b\nelse:\n    import demo.c",
        demo__b="",
        demo__c="",
    )
    assert found(root) == {"demo/app.py", "demo/c.py"}


def test_files_and_processes_that_strings_name_go_along(project):
    root = project(
        demo__app="LOOK = 'app.css'\nPAGE = 'views/page.py'\n"
        "command = [1, '-m', 'demo.tool', '-m', 'cifar_core']",
        demo__views__page="import demo.b",
        demo__b="",
        demo__tool="",
        cifar_core__main_="",
    )
    (root / "demo" / "app.css").write_text("")
    (root / "cifar_core" / "__main__.py").write_text("")
    assert found(root) == {
        *("demo/app.py", "demo/app.css", "demo/views/page.py", "demo/b.py", "demo/tool.py"),
        "cifar_core/__main__.py",
    }


def test_an_entry_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        needed_files(Path("demo/nothing.py"), tmp_path)


@pytest.mark.parametrize("entry", [*GRADIO_APPS.values(), DASHBOARD])
def test_every_module_of_ours_that_a_page_imports_is_there(entry):
    files = set(needed_files(entry))
    missing = [
        f"{file}: {node.module}"
        for file in files
        if file.suffix == ".py" and file != Path("cifar_core/__init__.py")
        for node in ast.walk(ast.parse((PROJECT_ROOT / file).read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith(("cifar_core.", "demo."))
        if not {
            Path(*node.module.split(".")).with_suffix(".py"),
            Path(*node.module.split("."), "__init__.py"),
        }
        & files
        if "TYPE_CHECKING" not in (PROJECT_ROOT / file).read_text("utf-8")
    ]
    assert files and not missing, missing


def test_the_classify_page_goes_without_dashboard_training_and_tests():
    names = {file.as_posix() for file in needed_files(GRADIO_APPS["cpu"])}
    left_out = (
        "demo/dashboard",
        "cifar_core/training",
        "cifar_core/cli",
        "cifar_core/bench",
        "tests",
    )
    assert not [name for name in names if name.startswith(left_out)]
    assert "streamlit" not in foreign_modules([Path(name) for name in names])
    assert {"demo/classify/page.css", "demo/shared/sandbox.py"} <= names


def test_the_dashboards_files_hold_every_page_and_the_training_process():
    names = {file.as_posix() for file in needed_files(DASHBOARD)}
    pages = {
        f"demo/dashboard_pages/{path.name}" for path in (PROJECT_ROOT / "demo/dashboard_pages").glob("*.py")
    }
    assert pages <= names and {"cifar_core/__main__.py", "cifar_core/training/loop.py"} <= names


def test_a_copy_of_the_files_is_enough_to_import_the_core(tmp_path):
    for file in needed_files(GRADIO_APPS["cpu"]):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes((PROJECT_ROOT / file).read_bytes())
    modules = "cifar_core.inference.classifier, cifar_core.images.decode, demo.shared.sandbox"
    command = [sys.executable, "-c", f"import {modules}; print(cifar_core.__file__)"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stdout.startswith(str(tmp_path))
