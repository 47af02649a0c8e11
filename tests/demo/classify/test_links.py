"""What the page says of its code and its API holds: for a visitor of a Space, and where it runs by itself."""

import html
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import gradio as gr
import pytest

from demo.classify.examples import EXAMPLES
from demo.classify.links import HERE, api_html, links_html


def programs(text: str) -> list[str]:
    """The lines to copy: in Python, in a shell."""
    return [html.unescape(one) for one in re.findall(r"<pre[^>]*><code>(.*?)</code>", text, re.S)]


@pytest.fixture
def space(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables that a Space sets."""
    monkeypatch.setenv("SPACE_ID", "user/lab.one")
    monkeypatch.setenv("SPACE_HOST", "user-lab-one.hf.space")


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SPACE_ID", "SPACE_HOST"):
        monkeypatch.delenv(name, raising=False)


def test_a_space_names_itself(space: None) -> None:
    python, shell = programs(api_html())
    assert 'Client("user/lab.one")' in python and "https://user-lab-one.hf.space/gradio_api" in shell
    links = links_html()
    assert all(f"/spaces/user/lab.one/tree/main{rest}" in links for rest in ('"', "/checkpoints"))
    assert "uoft-cs/cifar10" in links and HERE not in links + api_html()
    assert "uoft-cs/cifar100" in links_html("cifar100") and "/datasets/" not in links_html("own")


def test_elsewhere_the_links_stay_on_the_page(alone: None) -> None:
    assert "/spaces/" not in links_html() and 'href="#networks"' in links_html()


shell = pytest.mark.skipif(os.name != "posix" or not shutil.which("curl"), reason="needs bash and curl")


@pytest.mark.parametrize("number", [0, pytest.param(1, marks=shell)], ids=["python", "shell"])
def test_the_lines_work(number: int, demo: gr.Blocks, alone: None, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(EXAMPLES[0].path.read_bytes())
    program = programs(api_html())[number].replace(HERE, demo.local_url.rstrip("/"))
    command = ([sys.executable, "-c"], ["bash", "-euc"])[number]
    run = subprocess.run(
        [*command, program], cwd=tmp_path, capture_output=True, text=True, timeout=90, check=True
    )
    found = re.search(r"event: complete\ndata: (.*)", run.stdout)
    top = json.loads(found[1])[0]["top"] if found else run.stdout
    assert "probability" in str(top)
