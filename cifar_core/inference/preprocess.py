"""From pictures or arrays to what networks take: uint8 tensors (N, 3, 32, 32), in parts of a batch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from cifar_core.errors import InferenceError
from cifar_core.images.decode import fit_square

BATCH_SIZE = 250
Images = Sequence[Image.Image] | NDArray[np.uint8] | Tensor


def to_pixels(images: Images) -> Tensor:
    """Pictures of any size, or arrays, as one uint8 tensor (N, 3, 32, 32); raises InferenceError."""
    if isinstance(images, np.ndarray | Tensor):
        pixels = torch.as_tensor(np.array(images) if isinstance(images, np.ndarray) else images.cpu())
        if pixels.dtype != torch.uint8 or pixels.ndim != 4 or pixels.shape[1:] != (3, 32, 32):
            shape = f"{pixels.dtype} {tuple(pixels.shape)}"
            raise InferenceError(
                f"The images are {shape}; they must be uint8 (N, 3, 32, 32) or RGB pictures."
            )
        return pixels
    if isinstance(images, Image.Image | str | bytes):
        raise InferenceError("Give a list of pictures, even of one.")
    squares = [np.asarray(fit_square(rgb(picture), 32)) for picture in images]
    if not squares:
        return torch.zeros(0, 3, 32, 32, dtype=torch.uint8)
    return torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2)


def rgb(picture: Any) -> Image.Image:
    """A plain picture as RGB; what would lose something on the way is refused."""
    if not isinstance(picture, Image.Image):
        raise InferenceError(f"{picture!r:.60} is no picture; open files with cifar_core.decode_image.")
    if picture.has_transparency_data or picture.mode.startswith(("I", "F")):
        raise InferenceError(
            f"The picture is {picture.mode}, with transparency or more than 8 bits; "
            "cifar_core.decode_image makes an RGB one of the file's bytes."
        )
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def parts_of(images: Images) -> Sequence[Tensor]:
    """Parts of at most BATCH_SIZE images, uint8 (N, 3, 32, 32); none where there are no images."""
    pixels = to_pixels(images)
    return pixels.split(BATCH_SIZE) if len(pixels) else ()
