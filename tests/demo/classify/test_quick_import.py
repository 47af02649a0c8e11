"""Gradio writes stubs whenever it is imported, and none where it is imported quickly."""

import gc
import subprocess
import sys

import pytest

from cifar_core.files import PROJECT_ROOT
from demo import app

COUNTED = """
import ast, inspect
parse, find, parsed = ast.parse, inspect.getfile, []
ast.parse = lambda *given, **options: parsed.append(1) or parse(*given, **options)
import {module}
import gradio
assert inspect.getfile is find and inspect.getfile(gradio.Image).endswith("image.py")
print(len(parsed), len(gradio.Image().get_config()["name"]))
"""


def parsed_by(module: str) -> int:
    """The number of sources that are parsed while a module is imported, and Gradio after it."""
    command = [sys.executable, "-c", COUNTED.format(module=module)]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    return int(done.stdout.split()[0])


def test_garbage_is_searched_for_again_once_the_page_is_imported() -> None:
    assert app.TITLE and gc.isenabled() and gc.get_freeze_count() > 10_000


@pytest.mark.slow
def test_a_quick_import_parses_none_of_gradios_components() -> None:
    assert parsed_by("gradio") > 50, "Gradio writes no stubs any more: demo/classify/quick_import.py can go."
    assert parsed_by("demo.classify.quick_import") < 10
