"""The patches of Gradio are still needed, and work: a short log, no fetching, pictures over MCP."""

import asyncio
import base64
import inspect
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import gradio as gr
import gradio.mcp
import gradio.queueing
import httpx
import pytest

from demo import app
from demo.classify import patches
from demo.classify.patches import NO_ADDRESS, OneLine, listed_places, only_uploads, shorten_log
from tests.support.hostile_uploads import UPLOADS, quarters, saved
from tests.support.ports import free_port
from tests.support.toy_checkpoints import save_toy

PICTURE = f"data:image/png;base64,{base64.b64encode(saved(quarters(), 'PNG')).decode()}"
NO_PICTURE = "data:image/png;base64,AAAA"
ADDRESS = "http://127.0.0.1:1/x.png"
Asked = Callable[[str, dict[str, Any]], tuple[bool, str]]


def test_the_queue_would_print_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "traceback.print_exc()" in inspect.getsource(gradio.queueing.Queue)
    monkeypatch.setattr(gradio.queueing, "traceback", gradio.queueing.traceback)  # put back afterwards
    shorten_log()
    assert gradio.queueing.traceback is OneLine


def test_an_error_is_a_line_without_a_strangers_words(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ValueError("a stranger's words")
    except ValueError:
        OneLine.print_exc()
    assert "ValueError at test_patches.py" in caplog.text and "stranger" not in caplog.text


def test_gradio_would_fetch_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []

    async def fetch(address: str, **_: Any) -> str:
        fetched.append(address)
        return address

    monkeypatch.setattr("gradio.processing_utils.async_ssrf_protected_download", fetch)
    asyncio.run(gr.Image().async_move_resource_to_block_cache(ADDRESS))
    with pytest.raises(gr.Error, match="fetches nothing"):
        asyncio.run(only_uploads(gr.Image()).async_move_resource_to_block_cache(ADDRESS))
    assert fetched == [ADDRESS]


def test_mcp_would_lose_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gradio.mcp, "DEFAULT_TEMP_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    one = patches._convert(None, {"picture": PICTURE}, [["picture"]])["picture"]
    assert Path(one["path"]).is_relative_to(tmp_path / "elsewhere"), (
        "it looks for the folder when it is asked"
    )
    several = {"pictures": [PICTURE]}
    assert patches._convert(None, several, [["pictures", "items"]]) == several, "it finds those of a list"
    assert "$ref" in str(gr.File(file_count="multiple").api_info()), "its schema holds anywhere"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mcp")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    """The address of the tools of a page with a toy network."""
    pytest.importorskip("mcp", reason="needs mcp: pip install -r tests/requirements.txt")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "uploads"))
        patch.setattr(gradio.mcp, "DEFAULT_TEMP_DIR", str(folder / "elsewhere"))
        demo = app.build_demo(str(save_toy(folder / "toy.v1")))
        options = app.launch_options("127.0.0.1", free_port(), mcp=True)
        demo.launch(prevent_thread_lock=True, **options)
        yield f"{demo.local_url}gradio_api/mcp/"
        demo.close()


@pytest.fixture
def ask(url: str) -> Asked:
    """Call a tool; whether that is an error, and the text that came."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def call(tool: str, arguments: dict[str, Any]) -> tuple[bool, str]:
        async with streamable_http_client(url) as (read, write, _), ClientSession(read, write) as session:
            await session.initialize()
            names = {one.name for one in (await session.list_tools()).tools}
            assert names == {"classify", "classify_batch", "models"}
            result = await session.call_tool(tool, arguments)
            return bool(result.isError), " ".join(getattr(part, "text", "") for part in result.content)

    return lambda tool, arguments: asyncio.run(call(tool, arguments))


def test_a_picture_and_several_are_answered_in_json(ask: Asked, folder: Path) -> None:
    failed, text = ask("classify", {"picture": PICTURE, "top": 2})
    assert not failed and len(json.loads(text)["top"]) == 2
    failed, text = ask("classify_batch", {"pictures": [PICTURE, NO_PICTURE], "top": 2})
    good, bad = json.loads(text)
    assert not failed and len(good["top"]) == 2 and bad["error"]
    failed, text = ask("models", {})
    assert not failed and all(row["parameters"] for row in json.loads(text))
    assert not (folder / "elsewhere").exists(), "a picture lies where nobody deletes it"


def test_a_problem_is_marked_as_an_error(ask: Asked) -> None:
    (svg,) = [upload for upload in UPLOADS if upload.name == "an SVG drawing"]
    drawing = f"data:image/png;base64,{base64.b64encode(svg.data).decode()}"
    for tool, arguments, said in (
        ("classify", {"picture": drawing}, svg.sentence),
        ("classify", {"picture": PICTURE, "zoom": 99}, "zoom"),
        ("classify_batch", {"pictures": [NO_PICTURE]}, "error"),
    ):
        failed, text = ask(tool, arguments)
        assert failed and said in text and json.loads(text)
    for picture in ("/etc/passwd", "file:///etc/passwd", "x"):
        failed, text = ask("classify", {"picture": picture})
        assert failed and "root:" not in text and "Traceback" not in text


def test_the_schema_asks_for_what_is_accepted(url: str) -> None:
    schemas = httpx.get(f"{url}schema").json()
    fields = {one["name"]: one["inputSchema"]["properties"] for one in schemas}
    for field in (fields["classify"]["picture"], fields["classify_batch"]["pictures"]["items"]):
        assert field["type"] == "string" and "data:" in field["format"] and "http" not in field["format"]


def test_gradio_would_answer_in_pythons_words_and_ask_for_addresses() -> None:
    assert "text=str(output)" in inspect.getsource(gradio.mcp)
    assert "a http or https url" in inspect.getsource(patches._simplify)


def test_no_address_is_fetched(ask: Asked) -> None:
    asked: list[str] = []

    class Note(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET

    server = HTTPServer(("127.0.0.1", 0), Note)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}/x.png"
    for tool, arguments in (("classify", {"picture": address}), ("classify_batch", {"pictures": [address]})):
        failed, text = ask(tool, arguments)
        assert failed and NO_ADDRESS in text
    server.shutdown()
    thread.join()
    server.server_close()
    assert asked == []


def test_the_places_of_a_list_are_those_of_its_items() -> None:
    places: list[list[str | int]] = [["pictures", "items"], ["picture"]]
    assert listed_places({"pictures": ["a", "b"]}, places) == [["pictures", 0], ["pictures", 1]]
    assert listed_places({"pictures": 5}, places) == listed_places({}, places) == []
