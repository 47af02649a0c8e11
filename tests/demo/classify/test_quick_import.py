"""Gradio writes stubs whenever it is imported, and none where it is imported quickly."""

import subprocess
import sys

import pytest

from cifar_core.files import PROJECT_ROOT

COUNTED = """
import ast, inspect
parse, find, parsed = ast.parse, inspect.getfile, []
ast.parse = lambda *given, **options: parsed.append(1) or parse(*given, **options)
{imports}
assert inspect.getfile is find and inspect.getfile(gradio.Image).endswith("image.py")
print(len(parsed), len(gradio.Image().get_config()["name"]))
"""


def parsed_by(imports: str) -> int:
    """The number of sources that are parsed by a program's imports."""
    command = [sys.executable, "-c", COUNTED.format(imports=imports)]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=True)
    return int(done.stdout.split()[0])


@pytest.mark.slow
def test_a_quick_import_parses_none_of_gradios_components() -> None:
    assert parsed_by("import gradio") > 50, (
        "Gradio writes no stubs any more: demo/classify/quick_import.py can go."
    )
    quick = "from demo.classify.quick_import import without_stubs\nwith without_stubs(): import gradio"
    assert parsed_by(quick) < 10
