"""Encoded images of a data set -> 32x32 RGB pixels, strictly: what is not plain is refused, not guessed.

Pictures that people send are another matter, see cifar_core/images/decode.py.
"""

import contextlib
import io
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cifar_core.errors import LabError

if TYPE_CHECKING:
    from PIL import Image

SIDE = 32


class PixelError(LabError):
    """Bytes that are no usable image; the message goes on from "this image", and the caller says which."""


def decode_pixels(data: bytes, formats: tuple[str, ...]) -> NDArray[np.uint8]:
    """One encoded 32x32 RGB image -> (32, 32, 3) uint8; raises PixelError.

    The size is read from the header before any pixel is decoded, so a huge picture costs nothing.
    """
    with _opened(data, formats) as image:
        if image.size != (SIDE, SIDE) or image.mode != "RGB":
            raise PixelError(f"is {image.width}x{image.height} {image.mode} instead of 32x32 RGB")
        if image.format == "PNG":
            _check_png(data)
        return np.asarray(image)


def _check_png(data: bytes) -> None:
    """Raises PixelError where a checksum of the file is wrong: Pillow decodes without looking at them."""
    start = len(b"\x89PNG\r\n\x1a\n")
    while start < len(data):
        stop = start + 8 + int.from_bytes(data[start : start + 4], "big")  # length, name, content, checksum
        if zlib.crc32(data[start + 4 : stop]) != int.from_bytes(data[stop : stop + 4], "big"):
            raise PixelError("has a wrong checksum, so it is altered")
        if data[start + 4 : start + 8] == b"IEND":
            return
        start = stop + 4
    raise PixelError("is cut short")


@contextlib.contextmanager
def _opened(data: bytes, formats: tuple[str, ...]) -> "Iterator[Image.Image]":
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=formats) as image:
            yield image
    except PixelError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged bytes
        raise PixelError(f"does not decode as {', '.join(formats)}") from error
