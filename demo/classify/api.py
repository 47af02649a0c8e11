"""The page's endpoints for programs: /classify, /classify_batch and /models, for gradio_client, curl and MCP.

Their JSON is that of `python -m cifar_core predict --json` and `models --json`.
"""

from typing import Any

import gradio as gr

from cifar_core.inference.responses import models_response
from demo.classify.answers import Answers, Asked
from demo.classify.patches import describe_list, only_uploads
from demo.classify.uploads import Payload

LINE = "networks"  # all that asks a network waits in one line
AT_ONCE = 2  # answers computed at once: one a core of the smallest host


class Endpoints:
    """The endpoints' functions; their texts are what callers read."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers

    @gr.mcp.tool(structured_output=True)
    def classify(
        self,
        picture: Payload | None,
        network: str | None = None,
        top: float = 3,
        turn: float = 0,
        zoom: float = 1,
        right: float = 0,
        down: float = 0,
    ) -> dict[str, Any]:
        """Say what is in a picture: one of the classes that the network knows, with probabilities.

        Args:
            picture: PNG, JPEG, WebP, GIF, BMP or AVIF, up to 20 MB: an upload; over MCP, a data: URL.
            network: the name of a checkpoint that /models lists; empty is the default one.
            top: how many classes to name.
            turn: degrees, clockwise, by which the picture is turned first.
            zoom: 1 looks at the largest square of the picture, 2 at one of half its side, up to 8.
            right: where that square lies, from -1 (left) to 1 (right).
            down: where that square lies, from -1 (top) to 1 (bottom).

        Returns:
            What `python -m cifar_core predict --json` prints of one picture: picture, network, version,
            top, known, ood_score, mixing, crop, notes; or picture and error.
        """
        asked = Asked(network, top=top, turn=turn, zoom=zoom, right=right, down=down)
        return self.answers.to_uploads([picture], asked)[0].responses[0]

    @gr.mcp.tool(structured_output=True)
    def classify_batch(
        self, pictures: list[Payload] | None, network: str | None = None, top: float = 3
    ) -> list[dict[str, Any]]:
        """Say what is in each of several pictures, at most 24.

        Args:
            pictures: PNG, JPEG, WebP, GIF, BMP or AVIF, up to 20 MB each: uploads; over MCP, data: URLs.
            network: the name of a checkpoint that /models lists; empty is the default one.
            top: how many classes to name.

        Returns:
            What `python -m cifar_core predict --json` prints: an object for each picture.
        """
        return [one.responses[0] for one in self.answers.to_uploads(pictures, Asked(network, top=top))]

    @gr.mcp.tool(structured_output=True)
    def models(self) -> list[dict[str, Any]]:
        """List the kinds of networks with their sizes, and the trained checkpoints that can be asked.

        Returns:
            What `python -m cifar_core models --json` prints.
        """
        return models_response()


def add_api(answers: Answers) -> None:
    """Add the endpoints to the page under construction; their fields are not drawn."""
    does = Endpoints(answers)
    picture = only_uploads(gr.Image(type="filepath", visible=False, label="picture"))
    pictures = only_uploads(gr.File(file_count="multiple", visible=False, label="pictures"))
    describe_list(pictures, picture)
    network = gr.Textbox(visible=False, label="network")
    top = gr.Number(3, precision=0, visible=False, label="top")
    crop = [
        gr.Number(value, visible=False, label=name)
        for name, value in {"turn": 0, "zoom": 1, "right": 0, "down": 0}.items()
    ]
    answer = gr.JSON(visible=False, label="answer")
    event: dict[str, Any] = {"preprocess": False, "concurrency_limit": AT_ONCE, "concurrency_id": LINE}
    ask = gr.Button(visible=False)
    ask.click(does.classify, [picture, network, top, *crop], answer, api_name="classify", **event)
    ask.click(does.classify_batch, [pictures, network, top], answer, api_name="classify_batch", **event)
    ask.click(does.models, None, answer, api_name="models", **event)
