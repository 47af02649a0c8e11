"""The house keeps its directions: who imports whom, and what stays free of torch and of the pages."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OWN_PATH = Path(__file__).resolve().relative_to(ROOT)

GROUND = {"atomic", "paths", "typed_json"}  # files and folders: every room stands on them
LEVEL_0 = GROUND | {
    *("calibration", "config", "metrics", "recipes", "runs", "setting_groups"),
    *("settings", "strangeness", "words"),
}
LEVEL_1 = {
    *("augment", "corruptions", "data", "device", "framing", "image_formats", "images", "models", "views"),
}
LEVEL_2 = {"checkpoint", "reference_file", "resume_state", "training"}
LEVEL_3 = {
    *("bench", "documents", "explain", "export", "hub", "inference", "preparation", "recorder", "runner"),
    *("space", "trackers"),
}

# Room, or one module of it -> what it may import of ours: rooms, or single modules of them.
HOUSE: dict[str, set[str]] = {
    "atomic": set(),
    "paths": set(),
    "words": set(),
    "typed_json": set(),
    "settings": set(),
    "setting_groups": set(),
    "config": GROUND | {"setting_groups", "settings"},
    "metrics": set(),
    "calibration": set(),
    "strangeness": set(),
    "recipes": GROUND | {"config", "recipes"},
    "runs": GROUND | {"config", "runs", "words"},
    "augment": {"augment"},
    "corruptions": set(),
    "data": GROUND | {"data"},
    "data.folder": GROUND | {"data", "images"},  # pictures of any kind: the one decoder of those
    "data.batches": {"augment", "config", "data"},  # a batch is cut and augmented in one go
    "device": {"device"},
    "image_formats": set(),
    "images": {"image_formats", "images"},
    "framing": set(),
    "models": {"models"},
    "views": set(),
    "checkpoint": LEVEL_0 | LEVEL_1 | {"checkpoint"},
    "reference_file": {"checkpoint", "strangeness"},
    "evaluated": {"metrics"},
    "resume_state": GROUND | {"checkpoint", "resume_state"},
    "training": GROUND | {"config", "device", "metrics", "runs.events", "training"},
    "preparation": LEVEL_0 | LEVEL_1 | LEVEL_2 | {"preparation"},
    "recorder": LEVEL_0 | LEVEL_1 | LEVEL_2 | {"preparation"},
    "runner": LEVEL_0 | LEVEL_1 | LEVEL_2 | {"recorder", "runner"},
    "onnx_backend": {"models"},
    "backends": {"data.cache", "models", "onnx_backend"},
    "hub": LEVEL_0 | LEVEL_1 | {"checkpoint", "hub", "reference_file"},
    "prediction": {"strangeness"},
    "pixels": {"backends", "images"},
    "inference": LEVEL_0
    | LEVEL_1
    | {"backends", "checkpoint", "evaluated", "hub.checkpoints", "pixels", "prediction", "reference_file"},
    "bench": LEVEL_0 | LEVEL_1 | LEVEL_2 | {"backends", "bench", "inference", "preparation", "views"},
    "explain": LEVEL_0 | LEVEL_1 | {"backends", "checkpoint", "explain", "inference", "pixels", "prediction"},
    "documents": GROUND | {"checkpoint", "framing", "inference", "models", "prediction"},
    "export": LEVEL_0 | LEVEL_1 | {"checkpoint", "export", "inference"},
    "space": GROUND | {"checkpoint", "hub", "space"},  # it reads demo's files, and imports none of them
    "trackers": GROUND | {"config", "runs"},
    "cli": LEVEL_0 | LEVEL_1 | LEVEL_2 | LEVEL_3 | {"cli"},
    "__main__": {"cli"},
    "demo": LEVEL_0
    | {"checkpoint", "corruptions", "data", "demo", "documents", "explain", "framing", "images"}
    | {"inference", "models", "pixels", "prediction"}
    | {"bench.speed", "bench.speed_store"},  # how long a training would take, without the loop
}
EMPTY_NAMES = {"common", "helpers", "misc", "util", "utils"}


def module_name(file: Path) -> str:
    """`cifar_core/data/cache.py` -> `cifar_core.data.cache`; a package goes by its folder's name."""
    parts = file.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(file: Path, source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, full dotted name) of all that a file imports, wherever the import stands.

    `from a.b import c` gives `a.b.c`, be c a module or a name in one; `import_module("a.b")` counts as well.
    """
    package = module_name(file.parent / "__init__.py").split(".")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            stem = [*base, *filter(None, [node.module])]
            yield from ((node.lineno, ".".join([*stem, alias.name])) for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            yield from ((node.lineno, arg.value) for arg in node.args[:1] if is_text(arg))


def is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def room_of(name: str) -> str:
    """`cifar_core.data.cache` -> `data`; `demo.charts` -> `demo`; `cifar_core` itself -> the empty string."""
    top, _, rest = name.partition(".")
    return rest.partition(".")[0] if top == "cifar_core" else top


def stays_free_of_torch(name: str) -> bool:
    if name in ("cifar_core.bench.speed", "cifar_core.bench.speed_store"):
        return True
    return (
        room_of(name) in LEVEL_0 | {"data", "image_formats", "images"} and name != "cifar_core.data.batches"
    )


def broken_rule(importer: str, target: str) -> str | None:
    """Return the rule that `importer` breaks by importing `target` (both full dotted names), or None."""
    top, _, inner = target.partition(".")
    if importer.startswith("cifar_core"):
        if top in ("gradio", "plotly", "streamlit"):
            return "the core knows no page, so gradio, plotly and streamlit belong to demo"
        if top == "demo":
            return "nothing imports demo"
        if top == "torch" and stays_free_of_torch(importer):
            return "level 0, images and data (but for data.batches) stay free of torch"
    if top not in ("cifar_core", "demo") or importer == "cifar_core" or inner.startswith("__"):
        return None
    room = room_of(importer)
    allowed = HOUSE.get(importer.removeprefix("cifar_core."), HOUSE.get(room, set()))
    if any(f"{inner if top == 'cifar_core' else top}.".startswith(f"{name}.") for name in allowed):
        return None
    own = ", ".join(sorted(allowed)) or "nothing"
    return f"of ours, {room} imports {own} and no other (nor a name of the top package)"


def broken_rules(file: Path, source: str) -> list[str]:
    """Return a sentence for each rule that `file` (relative to the repository) breaks."""
    importer = module_name(file)
    if room_of(importer) not in HOUSE and importer != "cifar_core":
        return [f"{file} has no place in the house: give {room_of(importer)} a line in HOUSE, in {OWN_PATH}."]
    broken = [
        f"{file}:{line} imports {target}, but {rule}."
        for line, target in imports(file, source)
        if (rule := broken_rule(importer, target))
    ]
    if EMPTY_NAMES & set(importer.split(".")):
        broken.append(f"{file} has a name that says nothing: name it after its one subject.")
    return broken


def our_files() -> list[Path]:
    files = [file for top in ("cifar_core", "demo") for file in (ROOT / top).rglob("*.py")]
    return sorted(file.relative_to(ROOT) for file in files)


def test_every_file_keeps_the_rules_of_the_house():
    broken = [rule for file in our_files() for rule in broken_rules(file, (ROOT / file).read_text("utf-8"))]
    assert not broken, "\n" + "\n".join(broken)


@pytest.mark.parametrize(
    ("file", "source", "rule"),
    [
        ("cifar_core/config.py", "import torch", "free of torch"),
        ("cifar_core/runs/store.py", "def f():\n    from torch import nn", "free of torch"),
        ("cifar_core/data/cache.py", "import torch.nn as nn", "free of torch"),
        ("cifar_core/models/vgg.py", "from cifar_core.training import fit", "of ours, models imports models"),
        ("cifar_core/models/vgg.py", "from ..data import load_data", "of ours, models imports models"),
        ("cifar_core/models/vgg.py", "from .. import data", "of ours, models imports models"),
        ("cifar_core/models/vgg.py", "from cifar_core import create_model", "nor a name of the top package"),
        ("cifar_core/models/vgg.py", "import cifar_core", "nor a name of the top package"),
        ("cifar_core/training/engine.py", "from cifar_core.runs.store import Run", "runs.events"),
        ("cifar_core/training/engine.py", "from cifar_core.runs import store", "runs.events"),
        ("cifar_core/training/engine.py", "import cifar_core.runs", "runs.events"),
        (
            "cifar_core/explain.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import cifar_core.runner",
            "of ours, explain imports",
        ),
        (
            "cifar_core/inference.py",
            "import importlib\nimportlib.import_module('cifar_core.training')",
            "of ours",
        ),
        ("cifar_core/cli.py", "import streamlit as st", "the core knows no page"),
        ("cifar_core/__init__.py", "from plotly import graph_objects", "the core knows no page"),
        ("cifar_core/cli.py", "from demo.app import build_demo", "nothing imports demo"),
        ("demo/pages/train.py", "from cifar_core.training.engine import fit", "of ours, demo imports"),
        ("demo/app.py", "from cifar_core import runner", "of ours, demo imports"),
        ("demo/app.py", "from cifar_core import train", "nor a name of the top package"),
        ("cifar_core/attic.py", "", "give attic a line in HOUSE"),
        ("cifar_core/data/utils.py", "", "a name that says nothing"),
    ],
)
def test_a_made_up_offender_is_named(file: str, source: str, rule: str):
    broken = broken_rules(Path(file), source)
    assert len(broken) == 1
    assert broken[0].startswith(file)
    assert rule in broken[0]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("cifar_core/data/batches.py", "import torch"),
        (
            "cifar_core/training/engine.py",
            "from cifar_core.runs.events import Step\nfrom cifar_core.runs import events",
        ),
        (
            "cifar_core/models/vgg.py",
            "from .registry import register_model\nfrom . import base\nimport torchvision",
        ),
        (
            "cifar_core/checkpoint.py",
            "from cifar_core import __version__\nfrom cifar_core.models import create_model",
        ),
        ("cifar_core/__init__.py", "from cifar_core.inference import Classifier"),
        (
            "demo/app.py",
            "import gradio\nfrom demo.charts import bars\nfrom cifar_core.inference import Classifier",
        ),
    ],
)
def test_a_made_up_file_that_keeps_the_rules_passes(file: str, source: str):
    assert broken_rules(Path(file), source) == []


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


def test_level_0_and_the_data_run_without_torch_and_pages():
    modules, _ = loaded_after(
        "import cifar_core.config, cifar_core.recipes, cifar_core.runs.store, cifar_core.runs.launcher\n"
        "import cifar_core.metrics, cifar_core.data"
    )
    assert not modules & {"torch", "torchvision", "streamlit", "gradio", "plotly"}
