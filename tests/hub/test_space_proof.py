"""The proof says what failed and what could not be tried; .ci/run does a whole one, with PyTorch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cifar_core.files import write_json
from cifar_core.hub import inside
from cifar_core.hub import space_proof as subject
from cifar_core.hub.space import MAKER, SPACE_FILES, SpaceError
from cifar_core.hub.space_proof import find_python, prove_space

PAGE = """
import json, os, signal, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"page")
    def log_message(self, *_): pass
assert os.environ["SPACE_ID"] and os.listdir(os.environ["HOME"]) == [] and "CIFAR_DATA" not in os.environ
HTTPServer((os.environ["GRADIO_SERVER_NAME"], int(os.environ["GRADIO_SERVER_PORT"])), Page).serve_forever()
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="a network of its own and /proc are Linux's")


@pytest.fixture
def space(tmp_path):
    """A Space whose page needs no packages, with its files as `space build` lists them."""

    def write(page=PAGE, sdk="gradio", python="3.11", requirements=""):
        python = f"{sys.version_info.major}.{sys.version_info.minor}" if python == "3.11" else python
        files = {
            "README.md": f"---\nsdk: {sdk}\napp_file: app.py\npython_version: '{python}'\n---\n",
            "app.py": page,
            "requirements.txt": requirements,
        }
        folder = tmp_path / "space"
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text)
        write_json(folder / SPACE_FILES, {"maker": MAKER, "files": list(files)})
        return folder

    return write


@pytest.fixture
def asked_plainly(monkeypatch, tmp_path):
    """inside.py with a question that needs no gradio_client."""
    source = Path(inside.__file__).read_text("utf-8")
    changed = source.replace('if __name__ == "__main__":', 'ask = lambda port: ("cat, 9 %", 0.1)\nif True:')
    (tmp_path / "inside.py").write_text(changed)
    monkeypatch.setattr(subject, "INSIDE", tmp_path / "inside.py")


@linux
def test_a_page_that_starts_answers_and_stops_is_proven(space, asked_plainly):
    told = []
    proof = prove_space(space(), 17860, told.append)
    assert proof.answer == "cat, 9 %" and proof.resident_mb > 1 and proof.start_seconds > 0
    assert len(told) == 2 and json.dumps(proof.to_json())
    assert not list(Path("/tmp").glob("space-proof-*/env/app.py"))


@linux
@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("raise SystemExit('no checkpoint here')", "no checkpoint here.*it ended by itself with 1"),
        (PAGE.replace("sys.exit(0)", "sys.exit(3)"), "it ended with 3 when it was asked to stop"),
        ("open('/etc/mine', 'w')", "Permission denied"),
        ("import urllib.request as u; u.urlopen('http://1.1.1.1', timeout=3)", "unreachable"),
    ],
)
def test_what_fails_is_told(space, asked_plainly, page, words):
    if os.geteuid() != 0 and ("/etc" in page or "1.1.1.1" in page):
        pytest.skip("only root can become user 1000 and leave the network for certain")
    with pytest.raises(SpaceError, match=words):
        prove_space(space(page), 17861)


def test_requirements_that_cannot_be_had_are_told(space):
    with pytest.raises(SpaceError, match=r"Installing the requirements failed: .*no_such_folder"):
        prove_space(space(requirements="./no_such_folder\n"))


def test_a_python_that_is_not_there_is_named(space):
    with pytest.raises(SpaceError, match=r"wants Python 3\.2; install python3\.2"):
        find_python("3.2")
    assert find_python(f"{sys.version_info.major}.{sys.version_info.minor}.99") == sys.executable


def test_only_built_gradio_spaces_are_proven(space, tmp_path):
    with pytest.raises(SpaceError, match="is no Space of ours"):
        prove_space(tmp_path)
    with pytest.raises(SpaceError, match="is a docker Space"):
        prove_space(space(sdk="docker"))


def test_without_unshare_the_lack_is_said(monkeypatch):
    monkeypatch.setattr(subject.shutil, "which", lambda name: None)
    assert subject._without_network() == ([], ["no network: this machine has no `unshare`"])
    command, lacking = subject._as_user(Path(sys.executable))
    assert command == [] and "ran as yours" in lacking[0]


@pytest.mark.parametrize(
    ("answer", "top"),
    [
        ({"top": [{"label": "cat", "probability": 0.914}]}, "cat, 91 %"),
        (("<b>html</b>", "", {"top": [{"label": "dog", "probability": 1}], "notes": []}), "dog, 100 %"),
        (({"error": "no"},), ""),
        ({"top": []}, ""),
    ],
)
def test_the_likeliest_class_is_found_in_an_answer(answer, top):
    assert inside.first_top(answer) == top


def test_inside_needs_nothing_of_ours():
    command = [sys.executable, "-I", "-c", f"import runpy; runpy.run_path({inside.__file__!r})"]
    assert subprocess.run(command, check=False).returncode == 0
