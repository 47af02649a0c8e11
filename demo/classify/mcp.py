"""What Gradio's MCP server lacks here: a place for pictures that is cleared, and lists of pictures."""

from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr
import gradio.mcp
from gradio.utils import get_upload_folder

Place = list[str | int]  # the way to a value, from the outermost name inwards

_convert = gradio.mcp.GradioMCPServer.convert_strings_to_filedata


def mend_mcp() -> None:
    """To be called before the page is launched, when the uploads' folder has been made.

    Gradio writes `data:` addresses to a folder that it looked up when it was imported, and never deletes
    them; and it looks for the pictures of a list where its own schema does not say that they are.
    """
    setattr(gradio.mcp, "DEFAULT_TEMP_DIR", get_upload_folder())  # noqa: B010 (mypy refuses the assignment)
    setattr(gradio.mcp.GradioMCPServer, "convert_strings_to_filedata", _convert_lists_too)  # noqa: B010


def describe_list(pictures: gr.File, picture: gr.Image) -> None:
    """Give a list of files a schema that holds when it is a part of a larger one; Gradio's own does not."""
    schema = {"type": "array", "title": "ListFiles", "items": picture.api_info()}
    setattr(pictures, "api_info", lambda: schema)  # noqa: B010


def listed_places(value: Mapping[str, Any], places: Sequence[Place]) -> list[Place]:
    """["pictures", 0], ["pictures", 1] … for ["pictures", "items"] and a caller's arguments."""
    names = [str(place[0]) for place in places if place[1:] == ["items"]]
    lists = {name: value[name] for name in names if isinstance(value.get(name), list)}
    return [[name, number] for name, items in lists.items() for number in range(len(items))]


def _convert_lists_too(server: Any, value: Any, filedata_positions: list[Place]) -> Any:
    return _convert(server, value, [*filedata_positions, *listed_places(value, filedata_positions)])
