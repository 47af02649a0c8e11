"""How the classify page is served: closed defaults, a line with an end, a health address, an orderly end."""

import contextlib
import ctypes
import importlib.util
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import gradio.http_server
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from cifar_core.errors import LabError
from cifar_core.images.decode import MAX_BYTES
from demo.classify.gate import gate
from demo.classify.mcp import mend_mcp

LOOK = Path(__file__).with_name("page.css")
HEALTH = "/healthz"
KEPT_SECONDS = 300  # how long an upload stays on disk, so that its own page can show it; checked every minute
AT_ONCE_BYTES = 5 * MAX_BYTES  # in one request, of several pictures
PLACES_IN_LINE = 20  # pictures waiting at once; the next sender is told that the queue is full
FULL = f"{PLACES_IN_LINE} pictures are waiting already; try again in a few seconds."
CLOSING = "This page is closing; try again in a minute."
IDLE_SECONDS = 0.01  # between looks at an empty line; Gradio's 0.001 takes 9 % of a core for nobody
M_ARENA_MAX = -8  # glibc's malloc.h
PATIENCE_SECONDS = 20  # for answers under way when the page is told to end
LAST_WORDS_SECONDS = 0.5  # for an answer that is ready to reach its reader
MCP_MISSING = "The MCP tools need another package: pip install 'gradio[mcp]'"


class ServingError(LabError):
    """The page cannot be served as it was asked."""


def launch_options(host: str, port: int | None, *, mcp: bool = False) -> dict[str, Any]:
    """What launch() gets: our look, and Gradio's open or storing defaults closed; raises ServingError."""
    if mcp and importlib.util.find_spec("mcp") is None:
        raise ServingError(MCP_MISSING)
    if mcp:
        mend_mcp()
    theme = gr.themes.Default(
        primary_hue="blue",
        neutral_hue="slate",
        radius_size="sm",
        font=["system-ui", "sans-serif"],  # the default font comes from the web
        font_mono=["ui-monospace", "monospace"],
    ).set(body_text_color_subdued="*neutral_600")  # the default gray is too pale to read on white
    return {
        "server_name": host,
        "server_port": port,
        "share": False,
        "max_file_size": MAX_BYTES,
        "enable_monitoring": False,
        "run_history": False,
        "mcp_server": mcp,
        "pwa": False,
        "ssr_mode": False,
        "footer_links": [],
        "state_session_capacity": 200,  # visitors remembered at once
        "theme": theme,
        "css_paths": LOOK,
        "max_threads": 8,  # two answers are computed at once; idle threads would only hold memory
        "quiet": True,
        "app_kwargs": {
            "routes": [Route(HEALTH, _health)],
            "middleware": [gate(AT_ONCE_BYTES, KEPT_SECONDS)],
        },
    }


class Service:
    """A page being served until somebody ends the process; answers under way are finished first."""

    def __init__(self, demo: gr.Blocks, options: dict[str, Any]) -> None:
        self.demo = demo
        self.closing = False
        self._ended = threading.Event()
        app, self.url, _ = demo.launch(prevent_thread_lock=True, **options)
        app.state.service = self
        demo._queue.sleep_when_free = IDLE_SECONDS
        self._say_when_full()

    @property
    def waiting(self) -> int:
        """Pictures in line or being answered."""
        queue = self.demo._queue
        return len(queue) + queue.get_active_worker_count()

    def run(self) -> None:
        """Wait for SIGTERM or Ctrl-C, then take nothing new, finish what is under way, and close."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._ended.set())
        self._ended.wait()
        self.close()

    def close(self) -> None:
        """Finish what is under way, as long as patience lasts, and close the page."""
        self.closing = True
        end = time.monotonic() + PATIENCE_SECONDS
        while self.waiting and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(LAST_WORDS_SECONDS)
        self.demo.close(verbose=False)

    def _say_when_full(self) -> None:
        """Give those who find the line full, or the page closing, a sentence of ours."""
        push: Callable[..., Any] = self.demo._queue.push

        async def push_or_say(*args: Any, **kwargs: Any) -> tuple[bool, Any, str]:
            if self.closing:
                return False, CLOSING, "queue_full"
            done, message, state = await push(*args, **kwargs)
            return done, FULL if state == "queue_full" else message, state

        setattr(self.demo._queue, "push", push_or_say)  # noqa: B010 (mypy refuses the assignment)


def _health(request: Request) -> JSONResponse:
    """200 while the page answers, 503 once it is closing; for load balancers and containers."""
    service: Service | None = getattr(request.app.state, "service", None)
    if service is None:
        return JSONResponse({"status": "starting"}, 503)
    status = "closing" if service.closing else "ok"
    return JSONResponse({"status": status, "waiting": service.waiting}, 503 if service.closing else 200)


def few_heaps() -> None:
    """Let threads share two heaps where the system is Linux with glibc, which gives each its own otherwise.

    After 1,600 clicks, 200 at once, the page held 1,050 MB instead of 1,270. Call it before threads start.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)


def sum_up_never() -> None:
    """Spare Gradio the summary of all answers so far that it makes after each one, for pages that are off.

    To be called before the page is built.
    """
    os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", str(sys.maxsize))


def reload_never() -> None:
    """Keep Gradio, on a Space, from starting a second server that takes new code for the page.

    Where the package `spaces` is installed, its start also searched all objects, and held the end up by 30 s.
    """
    setattr(gradio.http_server, "get_space", lambda: None)  # noqa: B010 (mypy refuses the assignment)


def uploads_folder() -> "tempfile.TemporaryDirectory[str]":
    """A folder for uploads, for this user's eyes only, that goes when the page ends."""
    folder = tempfile.TemporaryDirectory(prefix="cifar10-lab-uploads-")
    os.environ.setdefault("GRADIO_TEMP_DIR", folder.name)
    return folder
