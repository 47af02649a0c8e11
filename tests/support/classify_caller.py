"""Talks to the classify page's server over HTTP: as its own script does, and as other programs do."""

import json
import re
from typing import Any

import httpx

FILE = {"meta": {"_type": "gradio.FileData"}}  # what makes Gradio take a payload for a file


class Caller:
    """One visitor of the server at `url`."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=60)

    def upload(self, data: bytes, name: str = "upload.png") -> httpx.Response:
        return self.http.post("gradio_api/upload", files={"files": (name, data)})

    def sent(self, data: bytes, name: str = "upload.png") -> dict[str, Any]:
        """An upload, as the server knows it afterwards."""
        return {"path": self.upload(data, name).json()[0], "orig_name": name, **FILE}

    def call(self, endpoint: str, *values: object) -> tuple[str, Any]:
        """The event ("complete" or "error") and its data."""
        event = self.http.post(f"gradio_api/call/{endpoint}", json={"data": list(values)}).json()["event_id"]
        text = self.http.get(f"gradio_api/call/{endpoint}/{event}").text
        kind, data = re.findall(r"event: (complete|error)\ndata: (.*)", text)[-1]
        return kind, json.loads(data)

    def classify(self, picture: object, network: str | None = None, **choices: Any) -> tuple[str, Any]:
        """The event and the page's four parts for a picture and the page's choices."""
        crop = [
            choices.get(name, start) for name, start in (("turn", 0), ("zoom", 1), ("right", 0), ("down", 0))
        ]
        values = (picture, network, choices.get("beside"), *crop, choices.get("heatmap", False))
        return self.call("answer_view", *values)

    def send(self, data: bytes, network: str | None = None, **choices: Any) -> tuple[str, str, str, Any]:
        """Upload a picture and get its parts: answer, inside, share, JSON."""
        kind, parts = self.classify(self.sent(data), network, **choices)
        assert kind == "complete"
        return tuple(parts)
