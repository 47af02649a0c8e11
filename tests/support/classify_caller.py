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

    def told(self, endpoint: str, *values: object) -> tuple[str, str]:
        """The event ("complete" or "error") and its data as it comes."""
        event = self.http.post(f"gradio_api/call/{endpoint}", json={"data": list(values)}).json()["event_id"]
        text = self.http.get(f"gradio_api/call/{endpoint}/{event}").text
        return re.findall(r"event: (complete|error)\ndata: (.*)", text)[-1]

    def call(self, endpoint: str, *values: object) -> tuple[str, Any]:
        """The event and its data."""
        kind, data = self.told(endpoint, *values)
        return kind, json.loads(data)

    def classify(self, picture: object, network: str | None = None, **choices: Any) -> tuple[str, Any]:
        """The event and the page's four parts for a picture and the page's choices."""
        usual = {"beside": None, "turn": 0, "zoom": 1, "right": 0, "down": 0}
        return self.call("answer_view", picture, network, *(usual | choices).values())

    def send(self, data: bytes, network: str | None = None, **choices: Any) -> tuple[str, str, str, Any]:
        """Upload a picture and get its parts: answer, inside, share, JSON."""
        kind, parts = self.classify(self.sent(data), network, **choices)
        assert kind == "complete"
        return tuple(parts)
