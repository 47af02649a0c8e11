"""The Dockerfile's steps as far as they go without a container engine: what it copies and starts."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from cifar_core.hub.space import Space, build_space
from tests.support.dashboard_server import wait_for_server
from tests.support.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
PORT = 7860


def steps() -> list[tuple[str, str]]:
    """(instruction, its words) in order; comments left out, lines that go on joined."""
    text = re.sub(r"(?m)^\s*#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"))
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [
        (kind, words) for kind, _, words in (line.strip().partition(" ") for line in lines if line.strip())
    ]


def words_of(kind: str) -> list[str]:
    return [words for name, words in steps() if name == kind]


def variables() -> dict[str, str]:
    return dict(pair.split("=", 1) for words in words_of("ENV") for pair in shlex.split(words))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the COPY steps put into the working folder."""
    folder = tmp_path_factory.mktemp("image")
    for words in words_of("COPY"):
        *sources, target = [word for word in shlex.split(words) if not word.startswith("--")]
        for source in sources:
            place = folder / target / (source if target.endswith("/") else "")
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, place, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(ROOT / source, place)
    return folder


def test_it_uses_known_instructions_in_a_sound_order():
    names = [kind for kind, _ in steps()]
    assert set(names) <= {
        "ARG",
        "FROM",
        "RUN",
        "USER",
        "WORKDIR",
        "ENV",
        "COPY",
        "EXPOSE",
        "HEALTHCHECK",
        "CMD",
    }
    assert names[0] == "FROM" and names[-1] == "CMD" and names.count("CMD") == 1
    assert names.index("USER") < names.index("COPY") < names.index("EXPOSE")


def test_it_runs_as_user_1000_who_owns_what_is_copied():
    assert words_of("USER") == ["user"]
    assert "useradd --create-home --uid 1000 user" in words_of("RUN")
    assert all(words.startswith("--chown=user ") for words in words_of("COPY"))
    assert words_of("WORKDIR") == ["/home/user/app"] and variables()["HOME"] == "/home/user"


def test_its_python_is_one_that_the_project_takes():
    version = re.fullmatch(r"python:3\.(\d+)-slim", words_of("FROM")[0])
    assert version and int(version[1]) >= 11


def test_it_installs_the_requirements_that_it_copied():
    (install,) = [words for words in words_of("RUN") if "pip install" in words]
    assert "-r requirements.txt" in install and "--no-cache-dir" in install
    kinds = [(kind, words) for kind, words in steps()]
    copied = next(
        i for i, (kind, words) in enumerate(kinds) if kind == "COPY" and "requirements.txt" in words
    )
    assert copied < kinds.index(("RUN", install))


def test_it_serves_the_public_on_the_port_of_a_space():
    assert words_of("EXPOSE") == [str(PORT)] and variables()["CIFAR_LAB_PUBLIC"] == "1"
    assert f"--server.port={PORT}" in words_of("CMD")[0] and "--server.address=0.0.0.0" in words_of("CMD")[0]


def test_what_is_copied_is_all_that_a_docker_space_holds(image, tmp_path):
    files = build_space(tmp_path / "space", Space("docker"))
    missing = [file for file in files if not (image / file).is_file() and file != Path("Dockerfile")]
    assert not missing and (image / "demo/.streamlit/config.toml").is_file()
    assert not (image / "tests").exists() and not (image / ".git").exists()


@pytest.mark.skipif(os.name != "posix", reason="the image's shell")
@pytest.mark.parametrize("space", ["", "someone/lab"])
def test_its_command_starts_the_dashboard_and_its_health_check_sees_it(image, tmp_path, space):
    """In the copied folder, by the image's shell form, but with this environment's Python and a free port."""
    port = free_port()
    command = words_of("CMD")[0].replace(str(PORT), str(port)).replace("python ", f"{sys.executable} ", 1)
    environment = {
        **{name: value for name, value in variables().items() if name != "PATH"},
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "SPACE_ID": space,
        "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    }
    server = subprocess.Popen(
        ["/bin/sh", "-c", command],
        cwd=image,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        address = wait_for_server(f"http://127.0.0.1:{port}")
        check = json.loads(words_of("HEALTHCHECK")[0].partition("CMD ")[2])
        seen = [sys.executable if word == "python" else word.replace(str(PORT), str(port)) for word in check]
        assert subprocess.run(seen, check=False).returncode == 0
        with urllib.request.urlopen(address) as page:
            assert page.status == 200
    finally:
        server.terminate()  # `exec`: the server itself gets the signal
        _, said = server.communicate(timeout=30)
    assert ("xsrfCookieSameSite" in said) == bool(space)  # Streamlit says that this cookie wants https
