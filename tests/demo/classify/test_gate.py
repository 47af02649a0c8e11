"""The gate before Gradio: open and closed routes, how much and how slowly one may send, when files go."""

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from starlette.middleware import Middleware

from demo.classify import gate
from demo.classify.gate import Gate, is_open
from demo.classify.uploads import sweep
from tests.support.ports import free_port

OPEN_PATHS = (
    *("/", "/config", "/theme.css", "/assets/index.js", "/gradio_api/info", "/gradio_api/upload"),
    *("/gradio_api/queue/join", "/gradio_api/queue/data", "/gradio_api/call/classify"),
    *("/gradio_api/call/classify/0a1b", "/gradio_api/heartbeat/0a1b", "/gradio_api/mcp/sse"),
)
CLOSED_PATHS = (
    *("/monitoring", "/monitoring/summary", "/dev/reload", "/pwa_icon/9999", "//monitoring"),
    *("/gradio_api/proxy=http://127.0.0.1/", "/gradio_api/process_recording", "/gradio_api/component_server"),
    *("/gradio_api/deep_link", "/gradio_api/vibe-edit", "/gradio_api/stream/a"),
    *("/gradio_api/run-history/records", "/gradio_api/runs", "/gradio_api/", "/gradio_api/uploads"),
    *("/gradio_api/file=http://127.0.0.1/", "/gradio_api/file=/etc/passwd", "/gradio_api/file/etc/passwd"),
    *("/gradio_api/file=", "/gradio_api/file=\0"),
    *("/gradio_api/file=//host/share", "/gradio_api/file=file:///etc/passwd", "/prefix/gradio_api/proxy=x"),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the uploads."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    (tmp_path / "uploads").mkdir()
    return tmp_path / "uploads"


@pytest.mark.parametrize("path", OPEN_PATHS)
def test_what_the_page_needs_is_open(path: str, folder: Path) -> None:
    assert is_open(path)


@pytest.mark.parametrize("path", CLOSED_PATHS)
def test_all_else_is_closed(path: str, folder: Path) -> None:
    assert not is_open(path)


def test_only_files_of_the_uploads_folder_are_given_out(folder: Path) -> None:
    (folder / "link.png").symlink_to("/etc/passwd")
    (folder.parent / "uploads2").mkdir()
    assert is_open(f"/gradio_api/file={folder}/abc/picture.png")
    for path in ("link.png", "../secret.png", "../uploads2/picture.png", "a/../../secret.png"):
        assert not is_open(f"/gradio_api/file={folder}/{path}")


class Asked:
    """A Gradio in name only: it reads a request's body, and tells how many bytes came."""

    def __init__(self) -> None:
        self.bytes = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while (message := await receive())["type"] == "http.request":
            self.bytes += len(message.get("body", b""))
            if not message.get("more_body"):
                break
        if scope["path"] == "/broken":
            raise KeyError("the secret contents of a file")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"fine"})


def ask(door: Gate, path: str, parts: list[bytes], pause: float = 0.0) -> int | str:
    """Send a POST in parts; the status, or the sentence for Gradio that ended it."""
    sent: list[Any] = []
    waiting = list(parts)

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "headers": []}
    asyncio.run(door(scope, receive, send))
    return int(sent[0]["status"])


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/gradio_api/upload", 1000, 200),
        ("/gradio_api/upload", 1001, 400),
        ("/gradio_api/queue/join", 500, 200),
        ("/gradio_api/queue/join", 501, 400),
        ("/broken", 1, 400),
        ("/monitoring", 1, 404),
    ],
)
def test_a_body_has_a_limit(
    path: str, size: int, status: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(gate, "REQUEST_BYTES", 500)
    asked, parts = Asked(), [b"x" * 100] * (size // 100) + [b"x" * (size % 100)]
    assert ask(Gate(asked, max_bytes=1000, kept_seconds=9), path, parts) == status
    assert asked.bytes <= max(size, 1000)
    assert "secret" not in caplog.text and "Traceback" not in caplog.text
    if path == "/broken":
        assert "KeyError at " in caplog.text


def test_a_body_that_never_ends_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "BODY_SECONDS", 0.5)
    door, start = Gate(Asked(), max_bytes=10**9, kept_seconds=9), time.monotonic()
    assert ask(door, "/gradio_api/upload", [b"x"] * 10**5, 0.02) == 400
    assert time.monotonic() - start < 60, "all of it was read"


def test_when_too_much_lies_here_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "FOLDER_BYTES", 150)
    door = Gate(Asked(), max_bytes=1000, kept_seconds=9)
    answers = [ask(door, "/gradio_api/upload", [b"x" * 100]) for _ in range(3)]
    assert answers == [200, 200, 503]
    assert ask(door, "/gradio_api/queue/join", [b"x"]) == 200


@pytest.fixture
def may_sweep() -> threading.Event:
    """Until it is set, nothing is swept, however long the test is held up."""
    return threading.Event()


@pytest.fixture
def swept(folder: Path, may_sweep: threading.Event, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a page whose files are kept for a second; its one picture is its own."""
    monkeypatch.setattr(gate, "SWEEP_SECONDS", 0.1)
    monkeypatch.setattr(gate, "sweep", lambda *given: sweep(*given) if may_sweep.is_set() else 0)
    own = folder.parent / "own.txt"
    own.write_text("own")
    with gr.Blocks(analytics_enabled=False) as demo:
        gr.File(str(own))
    options: dict[str, Any] = {"middleware": [Middleware(Gate, max_bytes=10**6, kept_seconds=1.0)]}
    demo.launch(prevent_thread_lock=True, quiet=True, server_port=free_port(), app_kwargs=options)
    yield demo.local_url
    demo.close()


def test_uploads_whole_or_broken_off_are_gone_soon(
    swept: str, folder: Path, may_sweep: threading.Event
) -> None:
    before = {path for path in folder.rglob("*") if path.is_file()}
    assert len(before) == 1
    (path,) = httpx.post(f"{swept}gradio_api/upload", files={"files": ("a.png", b"whole")}).json()
    httpx.post(f"{swept}gradio_api/upload", files={"another": ("b.png", b"not taken over")})
    head = b'--b\r\nContent-Disposition: form-data; name="files"; filename="c.png"\r\n\r\nbroken'

    def broken_off() -> Iterator[bytes]:
        yield head
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        httpx.post(
            f"{swept}gradio_api/upload",
            content=broken_off(),
            headers={"Content-Type": "multipart/form-data; boundary=b"},
        )
    assert Path(path).exists()
    may_sweep.set()
    deadline = time.monotonic() + 60
    while {path for path in folder.rglob("*") if path.is_file()} != before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert {path for path in folder.rglob("*") if path.is_file()} == before
    assert os.path.exists(next(iter(before)))
