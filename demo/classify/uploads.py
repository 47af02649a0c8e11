"""How an upload is taken from Gradio: as bytes that it has not opened, never fetched, never another file."""

from pathlib import Path
from typing import Any, TypeVar

import gradio as gr
from gradio.utils import get_upload_folder

from cifar_core.images.decode import MAX_BYTES, ImageError

Chooser = TypeVar("Chooser", gr.Image, gr.File)


def only_uploads(picture: Chooser) -> Chooser:
    """Keep the server from fetching an address that a caller of the API sends in the place of a file."""
    keep = picture.async_move_resource_to_block_cache

    async def keep_file(path: Any) -> str | None:
        if str(path).lower().startswith(("http:", "https:")):
            raise gr.Error(
                "Send the picture itself; this page fetches nothing from other addresses.",
                print_exception=False,
            )
        return await keep(path)

    setattr(picture, "async_move_resource_to_block_cache", keep_file)  # noqa: B010 (mypy refuses the assignment)
    return picture


def read_upload(picture: dict[str, Any]) -> bytes:
    """The bytes of an upload, at most one more than is allowed; `picture` is gr.Image's own payload.

    Its path comes from the caller, and Gradio checks only payloads that call themselves files.
    Raises ImageError for a path that is no upload, and for a file that is gone.
    """
    try:
        path = Path(str(picture.get("path"))).resolve()
        if not path.is_relative_to(Path(get_upload_folder()).resolve()):
            raise ImageError("No file was uploaded with this request; choose the picture again.")
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    except ImageError:
        raise
    except (OSError, ValueError):  # ValueError: no path at all, such as one with a zero byte
        raise ImageError("The picture is no longer kept here; choose it again.") from None
