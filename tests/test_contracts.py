"""The import contracts of pyproject.toml: they see every file, they hold, and each can be broken."""

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

from cifar_core.datasets import CIFAR10

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
PACKAGES = SETTINGS["root_packages"]
LINT = [
    sys.executable,
    "-c",
    "from importlinter.cli import lint_imports_command as lint; lint()",
    "--no-cache",
]

# Contract -> a file, and an import that it forbids there.
OFFENDERS = {
    "core-floors": ("cifar_core/models/vgg.py", "from cifar_core.training.loop import fit"),
    "core-without-pages": ("cifar_core/cli/main.py", "import streamlit"),
    "core-without-torch": ("cifar_core/runs/store.py", "def f():\n    import torch"),
    "demo-floors": ("demo/charts/curves.py", "from demo.widgets.panels import plain"),
    "demo-pages": ("demo/dashboard_pages/learn/lessons.py", "from demo.dashboard_pages.train import form"),
    "demo-gradio": ("demo/classify/render.py", "import streamlit"),
    "demo-streamlit": ("demo/widgets/panels.py", "import gradio"),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(LINT, cwd=folder, capture_output=True, text=True)


def test_the_linter_sees_every_file_of_ours():
    files = {file for name in PACKAGES for file in (ROOT / name).rglob("*.py")}
    names = {
        ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for file in files
    }
    assert grimp.build_graph(*PACKAGES).modules == names


def test_the_contracts_hold():
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout


def test_every_contract_has_an_offender():
    assert {contract["id"] for contract in SETTINGS["contracts"]} == set(OFFENDERS)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages alone, in a folder of their own."""
    folder = tmp_path_factory.mktemp("house")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


@pytest.mark.parametrize("contract", OFFENDERS)
def test_a_forbidden_import_breaks_its_contract(copy: Path, contract: str):
    file, forbidden = copy / OFFENDERS[contract][0], OFFENDERS[contract][1]
    before = file.read_text(encoding="utf-8")
    file.write_text(f"{before}\n\n{forbidden}\n", encoding="utf-8")
    try:
        result = lint(copy)
    finally:
        file.write_text(before, encoding="utf-8")
    name = next(one["name"] for one in SETTINGS["contracts"] if one["id"] == contract)
    assert result.returncode != 0
    assert f"{name} BROKEN" in result.stdout


CLASSES = frozenset(CIFAR10.class_names) - {"ship"}  # which is a command as well
MAY_NAME_CLASSES = ("cifar_core/data/", "cifar_core/datasets.py")
CAPTIONS = ("demo/classify/examples.py", "demo/shared/drawings.py")  # of pictures that the pages offer


def classes_named_in(source: str) -> set[str]:
    """The classes that stand in a program's texts, its descriptions aside."""
    tree = ast.parse(source)
    described = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in described
    ]
    return CLASSES & set(re.findall(r"\w+", " ".join(texts).lower()))


def test_only_the_data_sets_name_classes():
    files = {
        file.relative_to(ROOT).as_posix(): file for name in PACKAGES for file in (ROOT / name).rglob("*.py")
    }
    named = {name: classes_named_in(file.read_text(encoding="utf-8")) for name, file in files.items()}
    found = {name for name, classes in named.items() if classes and not name.startswith(MAY_NAME_CLASSES)}
    assert found == set(CAPTIONS)
    assert classes_named_in('def f():\n    "A frog."\n    return "A cat or a DEER"') == {"cat", "deer"}


def loaded_after(statement: str) -> tuple[set[str], float]:
    """Run `statement` in a new process; return the top modules then loaded, and its CPU seconds."""
    program = (
        "import json, sys, time; start = time.process_time()\n"
        f"{statement}\n"
        "print(json.dumps([[name for name in sys.modules if '.' not in name], time.process_time() - start]))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    modules, seconds = json.loads(run.stdout)
    return set(modules), seconds


def test_importing_the_package_is_quick_and_loads_nothing_heavy():
    modules, seconds = loaded_after("import cifar_core")
    assert not modules & {"torch", "numpy", "pyarrow", "PIL", "huggingface_hub"}
    assert seconds < 0.3


def test_the_ground_floors_run_without_torch_and_pages():
    modules, _ = loaded_after(
        "import cifar_core.config, cifar_core.recipes, cifar_core.runs.store, cifar_core.runs.launch\n"
        "import cifar_core.runs.summary, cifar_core.metrics.classification, cifar_core.data\n"
        "import cifar_core.images.decode"
    )
    assert not modules & {"torch", "torchvision", "streamlit", "gradio", "plotly"}
