"""The gate between strangers and Gradio: only the routes that the page needs, within a size and a time.

Gradio answers more than that: it fetches web addresses for a caller, turns uploaded recordings with ffmpeg,
stores the state of sessions, and forgets files whose upload broke off. Here all that ends. It is an ASGI
middleware, for `launch(app_kwargs={"middleware": [Middleware(Gate, ...)]})`.
"""

import asyncio
import contextlib
import logging
import re
import time
import traceback
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder
from starlette.formparsers import MultiPartException
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.classify.uploads import is_upload, sweep

# What the page, Gradio's clients and those of MCP ask for under /gradio_api/; all else there is closed.
OPEN = (
    *("api", "app_id", "call", "cancel", "file=", "heartbeat", "info", "login_check", "mcp", "openapi.json"),
    *("queue", "reset", "run", "startup-events", "theme.css", "upload", "upload_progress", "user"),
)
CLOSED_PAGES = ("dev", "monitoring", "pwa_icon")
REQUEST_BYTES = 2**20  # a request that brings no file
BODY_SECONDS = 120  # from a request's first byte to its last: 20 MB at 1.4 Mbit/s
FOLDER_BYTES = 2 * 2**30  # uploads that lie here at once
SWEEP_SECONDS = 60
CLOSING = "This page is closing; try again in a minute."

log = logging.getLogger(__name__)


class BodyError(MultiPartException):
    """A request's body is too large or too slow; Gradio removes what it has stored of it."""


def describe_error(error: BaseException | None) -> str:
    """An error in one line: its kind and its places, not its words, which a stranger may have sent."""
    places = traceback.extract_tb(error.__traceback__ if error else None)[-3:]
    where = " < ".join(f"{Path(place.filename).name}:{place.lineno}" for place in reversed(places))
    return f"{type(error).__name__} at {where}"


def is_open(path: str) -> bool:
    """Return whether a request for `path` (decoded, without its query) is let through."""
    _, is_api, rest = path.partition("/gradio_api/")
    if not is_api:
        return path.strip("/").partition("/")[0] not in CLOSED_PAGES
    name = re.match(r"[\w.-]*=?", rest)
    if not name or name[0] not in OPEN:
        return False
    return name[0] != "file=" or is_upload(rest.removeprefix("file="))


class Gate:
    """The middleware. max_bytes: of a request with files; kept_seconds: how long any file stays here."""

    def __init__(self, app: ASGIApp, max_bytes: int, kept_seconds: float) -> None:
        self.app, self.max_bytes, self.kept_seconds = app, max_bytes, kept_seconds
        self.stored_bytes = 0  # in the uploads' folder, about

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let an open request through, answer any other, and sweep while the server lives."""
        if scope["type"] == "lifespan":
            sweeping = asyncio.create_task(self._keep_swept(scope["app"]))
            try:
                await self.app(scope, receive, send)
            finally:
                sweeping.cancel()
        elif scope["type"] == "http":
            refusal = self._refusal(scope)
            await (refusal(scope, receive, send) if refusal else self._pass(scope, receive, send))

    def _refusal(self, scope: Scope) -> Response | None:
        if not is_open(scope["path"]):
            return PlainTextResponse("Not Found", 404)
        if scope["method"] == "POST" and "app" in scope and getattr(scope["app"].state, "closing", False):
            return JSONResponse({"detail": CLOSING}, 503)
        if self._brings_files(scope) and self.stored_bytes > FOLDER_BYTES:
            return PlainTextResponse("There are too many pictures here; try again in a few minutes.", 503)
        return None

    def _brings_files(self, scope: Scope) -> bool:
        return bool(scope["method"] == "POST" and re.search(r"/gradio_api/(upload|mcp)\b", scope["path"]))

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def note_and_send(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self.app(scope, self._limited(scope, receive), note_and_send)
        except Exception as error:  # a request of a form that Gradio did not foresee
            log.warning("%s", describe_error(error))
            if not has_begun:
                await PlainTextResponse("The request has a form that this page cannot read.", 400)(
                    scope, receive, send
                )

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        """`receive` that gives up on a body of too many bytes or seconds."""
        brings_files = self._brings_files(scope)
        most = self.max_bytes if brings_files else REQUEST_BYTES
        end, got, is_whole = time.monotonic() + BODY_SECONDS, 0, False

        async def receive_within() -> Message:
            nonlocal got, is_whole
            if is_whole:
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), end - time.monotonic())
            except TimeoutError:
                raise BodyError("The request takes too long; send a smaller picture.") from None
            got += len(message.get("body", b""))
            self.stored_bytes += len(message.get("body", b"")) if brings_files else 0
            if got > most:
                raise BodyError(f"The request exceeds the maximum allowed size of {most} bytes.")
            is_whole = not message.get("more_body", False)
            return message

        return receive_within

    async def _keep_swept(self, server: Any) -> None:
        """Every minute, away from the event loop, until the server ends."""
        while True:
            blocks = server.get_blocks().blocks.values()
            keep = {file for block in blocks for file in getattr(block, "keep_in_cache", ())}
            folder = Path(get_upload_folder())
            with contextlib.suppress(OSError):
                self.stored_bytes = await asyncio.to_thread(sweep, folder, self.kept_seconds, keep)
            await asyncio.sleep(SWEEP_SECONDS)
