"""The page's endpoints for programs: the command line's JSON, by gradio_client, curl and plain HTTP."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client, handle_file

from cifar_core.cli import main
from cifar_core.files import DEFAULT_CHECKPOINT, PROJECT_ROOT
from demo import app
from demo.classify.answers import MOST_PICTURES
from demo.shared.drawings import DRAWINGS
from tests.support.toy_checkpoints import OTHER

README = (PROJECT_ROOT / "demo/README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def client(demo: gr.Blocks) -> Iterator[Client]:
    client = Client(demo.local_url, verbose=False)
    yield client
    client.close()


@pytest.fixture
def pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of two pictures and of a file that is none, in the folder where the test works."""
    monkeypatch.chdir(tmp_path)
    for name in ("ship", "truck"):
        DRAWINGS[name]().save(f"{name}.png")
    Path("note.png").write_text("no picture")
    return ["ship.png", "truck.png", "note.png"]


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """The JSON that the command line prints."""
    main([*arguments, "--json"])
    return json.loads(capsys.readouterr().out)


def same(response: Any, expected: Any) -> None:
    """Equal, numbers but for the last digits."""
    if isinstance(expected, dict):
        assert response.keys() == expected.keys()
        for key in expected:
            same(response[key], expected[key])
    elif isinstance(expected, list):
        assert len(response) == len(expected)
        for one, other in zip(response, expected, strict=True):
            same(one, other)
    else:
        assert response == (pytest.approx(expected, abs=1e-6) if isinstance(expected, float) else expected)


def test_an_answer_is_that_of_the_command_line(
    client: Client, pictures: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    response = client.predict(picture=handle_file("ship.png"), api_name="/classify")
    same(response, said(capsys, "predict", "ship.png")[0])
    chosen = {"network": OTHER, "top": 2, "turn": 90, "zoom": 2, "right": 0.5, "down": -0.5}
    response = client.predict(picture=handle_file("ship.png"), **chosen, api_name="/classify")
    options = "predict ship.png --checkpoint other.v1 --top 2 --turn 90 --zoom 2 --shift 0.5 -0.5"
    same(response, said(capsys, *options.split())[0])


def test_several_answers_are_those_of_the_command_line(
    client: Client, pictures: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    responses = client.predict([handle_file(name) for name in pictures], api_name="/classify_batch")
    expected = said(capsys, "predict", *pictures)
    same(responses[:2], expected[:2])
    assert responses[2].keys() == expected[2].keys() == {"picture", "error"}
    assert expected[2]["error"].endswith(responses[2]["error"])  # the command line names the file first
    many = client.predict([handle_file("ship.png")] * (MOST_PICTURES + 1), api_name="/classify_batch")
    assert f"send at most {MOST_PICTURES}" in many[0]["error"]


def test_the_models_are_those_of_the_command_line(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    rows = client.predict(api_name="/models")
    same(rows, said(capsys, "models"))
    trained = [one for row in rows for one in row["checkpoints"]]
    assert [one["name"] for one in trained] == [DEFAULT_CHECKPOINT, OTHER]
    assert [one["default"] for one in trained] == [True, False]


def test_a_wrong_choice_is_a_sentence(client: Client, pictures: list[str]) -> None:
    for chosen, named in (
        ({"network": "../x"}, "../x"),
        ({"top": 0}, "from 1 to 100"),
        ({"zoom": 9}, "to 8"),
    ):
        response = client.predict(picture=handle_file("ship.png"), **chosen, api_name="/classify")
        assert response.keys() == {"picture", "error"} and named in response["error"]


def test_every_endpoint_is_described(demo: gr.Blocks) -> None:
    for name, endpoint in demo.get_api_info()["named_endpoints"].items():
        assert endpoint["description"].strip(), name
        assert all(one["parameter_name"] for one in endpoint["parameters"])


def snippet(mark: str, url: str) -> str:
    """A block of the README, asking the test's page for the test's picture."""
    found = re.search(rf"<!-- {mark} -->\n```\w+\n(.*?)```", README, re.S)
    assert found
    return found[1].replace("http://127.0.0.1:7860", url.rstrip("/")).replace("photo.jpg", "ship.png")


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_the_readmes_shell_lines_work(
    demo: gr.Blocks, pictures: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    program = snippet("ask-curl", demo.local_url)
    run = subprocess.run(["bash", "-euc", program], capture_output=True, text=True, timeout=90, check=True)
    found = re.search(r"event: complete\ndata: (.*)", run.stdout)
    assert found, run.stdout
    same(json.loads(found[1])[0], said(capsys, "predict", "ship.png")[0])


def test_the_readmes_python_lines_work(demo: gr.Blocks, pictures: list[str]) -> None:
    program = snippet("ask-python", demo.local_url)
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=90, check=True
    )
    assert DEFAULT_CHECKPOINT in run.stdout and "probability" in run.stdout


def test_the_readmes_starts_of_the_page_parse() -> None:
    starts = re.findall(r"^\S+python demo/app\.py ([^#\n]*)", README, re.M)
    assert len(starts) >= 3
    for options in starts:
        app._parser().parse_args(options.split())
