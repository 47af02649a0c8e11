"""What is loaded beside the first page: once a server, and never torch."""

import subprocess
import sys

from demo.preload import MODULES, preload
from tests.demo.page_tests import ENTRY

PROGRAM = (
    "import sys; from demo.preload import MODULES, _load; _load(); "
    "print(set(MODULES) <= set(sys.modules), 'torch' in sys.modules)"
)


def test_it_loads_what_it_names_and_no_torch():
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, cwd=ENTRY.parents[1], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_it_is_started_once():
    first = preload()
    first.join()
    assert preload() is first and set(MODULES) <= set(sys.modules)
