"""The classify page's server: closed defaults, a line with an end, a health address, an orderly end."""

import contextlib
import ctypes
import importlib.util
import os
import threading
import time
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from cifar_core.errors import LabError
from cifar_core.images.decode import MAX_BYTES
from demo.classify.gate import Gate
from demo.classify.patches import mend_mcp, shorten_log
from demo.classify.uploads import KEPT_SECONDS

LOOK = Path(__file__).with_name("page.css")
HEALTH = "/healthz"
AT_ONCE_BYTES = 5 * MAX_BYTES  # in one request, of several pictures
PLACES_IN_LINE = 20  # pictures waiting at once; the next sender is told that the queue is full
M_ARENA_MAX = -8  # glibc's malloc.h
PATIENCE_SECONDS = 20  # for answers under way when the page is told to end
LAST_WORDS_SECONDS = 0.5  # for an answer that is ready to reach its reader
MCP_MISSING = "The MCP tools need another package: pip install 'gradio[mcp]'"


class ServingError(LabError):
    """The page cannot be served as it was asked."""


def launch_options(host: str, port: int | None, *, mcp: bool = False) -> dict[str, Any]:
    """Arguments of launch(): our look, and Gradio's open or storing defaults closed; raises ServingError."""
    if mcp and importlib.util.find_spec("mcp") is None:
        raise ServingError(MCP_MISSING)
    shorten_log()
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
            "middleware": [Middleware(Gate, max_bytes=AT_ONCE_BYTES, kept_seconds=KEPT_SECONDS)],
        },
    }


class Service:
    """A page being served until somebody ends the process; answers under way are finished first.

    Raises ServingError where its port is taken.
    """

    def __init__(self, demo: gr.Blocks, options: dict[str, Any]) -> None:
        self.demo = demo
        try:
            self.app, self.url, _ = demo.launch(prevent_thread_lock=True, **options)
        except OSError as error:
            if error.errno is not None:
                raise
            taken = options["server_port"] or "7860, and those after it"
            raise ServingError(f"another program has port {taken}; choose one with --port.") from None
        self.app.state.closing = False  # see Gate

    def run(self, ended: threading.Event) -> None:
        """Wait until the page is told to end, then take nothing new, finish what is under way, and close."""
        ended.wait()
        self.close()

    def close(self) -> None:
        """Finish what is under way, as long as patience lasts, and close the page."""
        self.app.state.closing = True
        end = time.monotonic() + PATIENCE_SECONDS
        while _waiting(self.demo) and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(LAST_WORDS_SECONDS)
        self.demo.close(verbose=False)


def _waiting(demo: gr.Blocks) -> int:
    """Pictures in line or being answered."""
    return len(demo._queue) + demo._queue.get_active_worker_count()


def _health(request: Request) -> JSONResponse:
    """200 while the page answers, 503 once it is closing; for load balancers and containers."""
    closing = getattr(request.app.state, "closing", False)
    waiting = _waiting(request.app.get_blocks())
    return JSONResponse(
        {"status": "closing" if closing else "ok", "waiting": waiting}, 503 if closing else 200
    )


def keep_no_statistics() -> None:
    """Let Gradio keep none of who asked when; call it before the page is built.

    After every answer it would make a table of the last 10,000, for a page that is closed here; that takes
    1.5 ms of the processor with few of them, and 6 ms with all.
    """
    os.environ |= {"GRADIO_ANALYTICS_MAX_EVENTS": "1", "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(10**9)}


def few_heaps() -> None:
    """Let threads share two heaps where the system is Linux with glibc, which gives each its own otherwise.

    After 1,600 clicks, 200 at once, the page held 1,050 MB instead of 1,270. Call it before threads start.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 2)
