"""Deletion: how far an answer's probability falls when the places that a map calls telling are blurred.

After Petsiuk et al. 2018 (RISE, arXiv 1806.07421), at one step: the hottest quarter of the pixels gives way
to that of a blurred image. A map that knows nothing does no better than random patches, and one that does
not look at the image no better than a disc in its middle, where most pictures have their subject.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cifar_core.explain.corruptions import blur, to_bytes
from cifar_core.explain.saliency import heat_maps
from cifar_core.images.decode import open_image
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.photographs import NONE, photographs_in
from cifar_core.inference.preprocess import Images, parts_of, to_pixels
from cifar_core.metrics.ood_comparison import Measure

COUNT = 1000  # images of a data set: a standard error of a point at most
SHARE = 0.25  # of the pixels
DEVIATION = 4.0  # of the blur, in pixels: at 32 x 32 it leaves light and color
PATCH = 4  # pixels a side

# Maps (N, H, W), high where pixels are to go first, for uint8 pixels (N, 3, H, W) and class numbers (N,).
Method = Callable[[Classifier, Tensor, Tensor, torch.Generator], Tensor]


def _heat_map(classifier: Classifier, pixels: Tensor, classes: Tensor, _: torch.Generator) -> Tensor:
    return torch.from_numpy(heat_maps(classifier, pixels, classes.numpy()))


def _random_patches(_: Classifier, pixels: Tensor, classes: Tensor, generator: torch.Generator) -> Tensor:
    height, width = (side // PATCH for side in pixels.shape[2:])
    drawn = torch.rand(len(classes), height, width, generator=generator)
    return drawn.repeat_interleave(PATCH, dim=1).repeat_interleave(PATCH, dim=2)


def _disc(_: Classifier, pixels: Tensor, __: Tensor, ___: torch.Generator) -> Tensor:
    down, right = (torch.arange(side) - (side - 1) / 2 for side in pixels.shape[2:])
    return -torch.hypot(*torch.meshgrid(down, right, indexing="ij")).expand(len(pixels), -1, -1)


METHODS: dict[str, Method] = {"heat map": _heat_map, "random patches": _random_patches, "disc": _disc}


@dataclass(frozen=True)
class Deletion:
    """The mean fall (0..1) of the answers' probability by method, on `n` images.

    images: names them; weights: the version of the network's weights; probability: the answers' mean before.
    """

    images: str
    n: int
    weights: str
    probability: float
    falls: dict[str, Measure]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values: each fall with `value`, `error` and `n`."""
        return dataclasses.asdict(self)


def measure_deletion(
    classifier: Classifier,
    images: Images,
    name: str = "",
    methods: Mapping[str, Method] = METHODS,
    seed: int = 0,
) -> Deletion:
    """Measure on at least one picture, or on uint8 images (N, 3, 32, 32); name: says which these are.

    The answer is the class of one look at each, and its probability the softmax of that look: what the maps
    explain. All methods blur as many pixels of the same images. The same seed draws the same patches.
    """
    generator = torch.Generator().manual_seed(seed)
    before: list[Tensor] = []
    falls: dict[str, list[Tensor]] = {method: [] for method in methods}
    for pixels in parts_of(images):
        probs = _probs(classifier, pixels)
        top, classes = probs.max(dim=1)
        blurred = to_bytes(blur(pixels / 255, DEVIATION))
        before.append(top)
        for method, rank in methods.items():
            gone = hottest(rank(classifier, pixels, classes, generator), generator)
            after = _probs(classifier, torch.where(gone[:, None], blurred, pixels))
            falls[method].append(top - after.gather(1, classes[:, None])[:, 0])
    measures = {method: _measure(torch.cat(parts)) for method, parts in falls.items()}
    count = sum(map(len, before))
    return Deletion(name, count, classifier.version, torch.cat(before).mean().item(), measures)


def pixels_of(classifier: Classifier, folder: Path) -> Tensor:
    """The middle squares of the photographs of the network's classes in `folder`, uint8 (N, 3, 32, 32).

    Raises:
        ConfigError, ImageError: as `evaluate_photographs`.
    """
    files = photographs_in(classifier, folder)
    chosen = [path for name, paths in files.items() if not name.startswith(NONE) for path in paths]
    return torch.cat([to_pixels([open_image(path)]) for path in chosen])


def hottest(maps: Tensor, generator: torch.Generator) -> Tensor:
    """Whether each pixel of maps (N, H, W) is among its map's highest SHARE; equal ones are drawn among."""
    flat = maps.flatten(1)
    shuffled = torch.rand(flat.shape, generator=generator).argsort(dim=1)
    order = flat.gather(1, shuffled).argsort(dim=1, descending=True, stable=True)
    first = shuffled.gather(1, order)[:, : round(SHARE * flat.shape[1])]
    return torch.zeros_like(flat, dtype=torch.bool).scatter_(1, first, True).view_as(maps)


def _probs(classifier: Classifier, pixels: Tensor) -> Tensor:
    return torch.from_numpy(classifier.logits(pixels)).double().softmax(dim=1)


def _measure(falls: Tensor) -> Measure:
    error = falls.std(correction=1).item() / len(falls) ** 0.5 if len(falls) > 1 else 0.0
    return Measure(falls.mean().item(), error, len(falls))
