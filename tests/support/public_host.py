"""`python demo/app.py --public` as a process of its own, and the ways in which a stranger talks to it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from cifar_core.files import PROJECT_ROOT
from cifar_core.inference.classifier import Classifier
from tests.support.classify_caller import Caller
from tests.support.ports import free_port

UNTOUCHED = (None, None, 0, 1, 0, 0, False)  # the page's choices beside the picture


class Host(Caller):
    """The server's process, its folder, and the ways in which a stranger sends a picture."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "log.txt"
        command = [sys.executable, str(PROJECT_ROOT / "demo" / "app.py"), "--port", str(free_port())]
        with self.log.open("w") as log:  # not a pipe, which would hold the server up where it is full
            self.process = subprocess.Popen(
                [*command, "--checkpoint", "toy.v1", "--public"],
                cwd=folder,
                env={**os.environ, "TMPDIR": str(folder / "tmp"), "SPACE_ID": ""},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        while not (found := re.search(r"Classify page: (http\S+)", self.log.read_text())):
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.1)
        self.url = found[1]
        super().__init__(self.url)
        self.classifier = Classifier.load(folder / "toy.v1")
        named = self.http.get("gradio_api/info").json()["named_endpoints"]["/classify"]["parameters"]
        self.others = [one.get("parameter_default") for one in named[1:]]
        events = self.http.get("config").json()["dependencies"]
        (self.event,) = [one["id"] for one in events if one["api_name"] == "classify"]

    @property
    def uploads(self) -> Path:
        (folder,) = (self.folder / "tmp").glob("cifar10-lab-uploads-*")
        return folder

    def ask(self, picture: object) -> tuple[str, str]:
        """Through the API: the event ("complete" or "error") and its data."""
        return self.told("classify", picture, *self.others)

    def ask_all(self, picture: object) -> list[str]:
        """The data that come of a picture in each of the ways in which it can be sent."""
        batch = self.told("classify_batch", [picture], None, 3)
        view = self.told("answer_view", picture, *UNTOUCHED)
        return [data for _, data in (self.ask(picture), self.click(picture), batch, view)]

    def click(self, picture: object) -> tuple[str, str]:
        """As the page's own script sends it: whether it succeeded, and the data."""
        session = {"session_hash": os.urandom(5).hex()}
        body = {"data": [picture, *self.others], "fn_index": self.event, "trigger_id": None, **session}
        self.http.post("gradio_api/queue/join", json=body).raise_for_status()
        with self.http.stream("GET", "gradio_api/queue/data", params=session) as lines:
            for line in lines.iter_lines():
                message = json.loads(line.removeprefix("data: ") or "{}")
                if message.get("msg") == "process_completed":
                    return ("complete" if message["success"] else "error"), json.dumps(message["output"])
        raise AssertionError("no answer")

    def close(self) -> None:
        self.http.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
