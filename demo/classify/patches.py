"""Patches of Gradio, each for the sake of a person; made for gradio 6.31.

- `shorten_log`: the queue prints a traceback for every bad request, with all that a stranger wrote: a request
  of 900 kB became 902 kB of the log. A line of about 60 bytes is left of it.
- `only_uploads`: Gradio fetches a web address that a caller sends in the place of a file, from inside the
  host's network. It offers no switch.
- `mend_mcp`: Gradio writes the pictures of MCP's callers to a folder that it looked up when it was imported,
  and never deletes them; it looks for the pictures of a list where its schema does not say that they are; its
  schema asks for web addresses, which this page refuses; and its answers are Python's words, not JSON, in
  which a problem looks like any answer.
- `describe_list`: that schema does not hold when it is a part of a larger one.

tests/demo/classify/test_patches.py fails when one of them is no longer needed.
"""

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import gradio as gr
import gradio.mcp
import gradio.queueing
from gradio.utils import get_upload_folder

from cifar_core.errors import LabError
from demo.classify.gate import describe_error

Chooser = TypeVar("Chooser", gr.Image, gr.File)
# setattr below: mypy refuses the assignments.
Place = list[str | int]  # the way to a value, from the outermost name inwards
NO_ADDRESS = "Send the picture itself; this page fetches nothing from other addresses."

PICTURE_FORMAT = "a data: URL, such as data:image/jpeg;base64,..."

_convert = gradio.mcp.GradioMCPServer.convert_strings_to_filedata
_simplify = gradio.mcp.GradioMCPServer.simplify_filedata_schema


class ToolError(LabError):
    """A tool's problem as JSON; MCP marks what is raised as an error."""


class OneLine:
    """Stands for the module `traceback` in Gradio's queue."""

    @staticmethod
    def print_exc() -> None:
        """Log the current exception."""
        logging.getLogger(__name__).warning("%s", describe_error(sys.exc_info()[1]))


def shorten_log() -> None:
    """Let Gradio's queue log a line for an exception."""
    setattr(gradio.queueing, "traceback", OneLine)  # noqa: B010


def only_uploads(picture: Chooser) -> Chooser:
    """Refuse web addresses in the place of a file."""
    keep = picture.async_move_resource_to_block_cache

    async def keep_file(path: Any) -> str | None:
        if str(path).lower().startswith(("http:", "https:")):
            raise gr.Error(NO_ADDRESS, print_exception=False)
        return await keep(path)

    setattr(picture, "async_move_resource_to_block_cache", keep_file)  # noqa: B010
    return picture


def mend_mcp() -> None:
    """Keep MCP's pictures with the other uploads, find those in lists, and answer with JSON.

    Needs the uploads' folder.
    """
    setattr(gradio.mcp, "DEFAULT_TEMP_DIR", get_upload_folder())  # noqa: B010
    for name, ours in {
        "convert_strings_to_filedata": _convert_lists_too,
        "simplify_filedata_schema": _ask_for_data,
        "postprocess_output_data": _json_content,
    }.items():
        setattr(gradio.mcp.GradioMCPServer, name, ours)


def describe_list(pictures: gr.File, picture: gr.Image) -> None:
    """Give a list of files a schema that holds inside a larger one."""
    schema = {"type": "array", "title": "ListFiles", "items": picture.api_info()}
    setattr(pictures, "api_info", lambda: schema)  # noqa: B010


def listed_places(value: Mapping[str, Any], places: Sequence[Place]) -> list[Place]:
    """["pictures", 0], ["pictures", 1] … for ["pictures", "items"] and a caller's arguments."""
    names = [str(place[0]) for place in places if place[1:] == ["items"]]
    lists = {name: value[name] for name in names if isinstance(value.get(name), list)}
    return [[name, number] for name, items in lists.items() for number in range(len(items))]


def _convert_lists_too(server: Any, value: Any, filedata_positions: list[Place]) -> Any:
    return _convert(server, value, [*filedata_positions, *listed_places(value, filedata_positions)])


def _ask_for_data(server: Any, schema: dict[str, Any]) -> tuple[dict[str, Any], list[Place]]:
    simplified, places = _simplify(server, schema)
    for place in places:
        node = simplified["properties"]
        for name in place:
            node = node[name]
        node["format"] = PICTURE_FORMAT
    return simplified, places


def _json_content(server: Any, data: Sequence[Any], root_url: str) -> list[Any]:
    """The one output of a tool as JSON; raises ToolError where it is a problem, or nothing but problems."""
    (answer,) = data
    text = json.dumps(answer, ensure_ascii=False)
    answers = answer if isinstance(answer, list) else [answer]
    if answers and all("error" in one for one in answers):
        raise ToolError(text)
    return [server.types.TextContent(type="text", text=text)]
