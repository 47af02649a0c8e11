"""The README's lines about a sweep run as they stand, on two machines that share a journal."""

import json
import os
import subprocess
import sys

import pytest

from cifar_core.files import PROJECT_ROOT
from cifar_core.runs.store import RunStore


def lines():
    text = (PROJECT_ROOT / "demo/README.md").read_text("utf-8")
    block = text.split("<!-- sweep -->\n```bash\n")[1].split("```")[0]
    return [line.partition("#")[0].replace(".venv/bin/python", sys.executable) for line in block.splitlines()]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_lines_about_a_sweep_run(tmp_path):
    begin, on, table, recipes = lines()

    def machine(name):
        return {**os.environ, "PYTHONPATH": str(PROJECT_ROOT), "CIFAR_LAB_RUNS": str(tmp_path / name)}

    first, second = (
        subprocess.Popen(
            begin, shell=True, cwd=tmp_path, env=machine(name), stdout=subprocess.PIPE, text=True
        )
        for name in ("one", "two")
    )
    said = [process.communicate()[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0)
    assert all("Best: trial" in words for words in said)
    for command in (on, table, recipes):
        subprocess.run(command, shell=True, cwd=tmp_path, env=machine("one"), check=True)
    shown = subprocess.run(
        f"{table} --json", shell=True, cwd=tmp_path, env=machine("two"), check=True, stdout=subprocess.PIPE
    )
    runs = [row["run"] for row in json.loads(shown.stdout)["rows"]]
    stored = {
        run.id for name in ("one", "two") for run in RunStore(tmp_path / name).list() if not run.shipped
    }
    assert len(runs) == len(set(runs)) == 8 and set(runs) == stored
