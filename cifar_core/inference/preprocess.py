"""From pictures or arrays to what networks take: uint8 tensors (N, 3, 32, 32), in parts of a batch.

A large picture is seen twice, its middle square and the inner part of that, and its answer is the mean.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from cifar_core.errors import InferenceError
from cifar_core.images.crop import Crop, cropped
from cifar_core.images.decode import fit_square

BATCH_SIZE = 250
LARGE_SIDE = 64  # pixels of the shorter side, from which the inner part is looked at as well
INNER = Crop(zoom=4 / 3)
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


class Crops(NamedTuple):
    """What is looked at of images: uint8 pixels (M, 3, 32, 32), and their images' numbers (M,), ascending.

    A picture's take a few kB, so that they, and not the picture, can be kept until it is answered.
    """

    pixels: Tensor
    owners: NDArray[np.int64]

    @classmethod
    def joined(cls, parts: Sequence["Crops"]) -> "Crops":
        """The crops of single images as those of one sequence of images; parts: at least one."""
        owners = np.repeat(np.arange(len(parts)), [len(part.owners) for part in parts])
        return cls(torch.cat([part.pixels for part in parts]), owners)


def crops_of(images: Images | Crops) -> Crops:
    """The crops of images; the first of each is what `to_pixels` makes of it, large pictures have a second.

    Raises InferenceError.
    """
    if isinstance(images, Crops):
        return images
    if isinstance(images, np.ndarray | Tensor):
        return Crops(to_pixels(images), np.arange(len(images)))
    whole = to_pixels(images)
    large = [number for number, picture in enumerate(images) if min(picture.size) >= LARGE_SIDE]
    inner = to_pixels([cropped(rgb(images[number]), INNER) for number in large])
    owners = np.concatenate([np.arange(len(whole)), np.array(large, np.int64)])
    order = np.argsort(owners, kind="stable")
    return Crops(torch.cat([whole, inner])[order], owners[order])


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
