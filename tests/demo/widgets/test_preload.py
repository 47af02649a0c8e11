"""What is loaded beside the first page: once a server, and PyTorch last."""

import subprocess
import sys

from demo.widgets.preload import FOR_RUNS, preload
from tests.support.page_tests import ENTRY

PROGRAM = """
import sys
from demo.widgets import preload
print('torch' in sys.modules)
preload.time.sleep = lambda seconds: print(set(preload.FOR_RUNS) <= set(sys.modules), 'torch' in sys.modules)
preload._load()
print(set(preload.FOR_NETWORKS) <= set(sys.modules))
"""


def test_it_loads_what_it_names_and_torch_last():
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, cwd=ENTRY.parents[1], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "False", "True"]


def test_it_is_started_once():
    first = preload()
    first.join()
    assert preload() is first and set(FOR_RUNS) <= set(sys.modules)
