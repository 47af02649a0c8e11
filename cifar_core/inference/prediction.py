"""A classifier's answer to one image, and all that answers to several are made of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cifar_core.inference.crops import Part
from cifar_core.metrics.ood import Measured


@dataclass(frozen=True)
class Prediction:
    """The answer for one image.

    top: (label, probability) pairs, the likeliest first; probs: (num_classes,) float32, calibrated where the
    card has a temperature; mixing: block name -> its K mixing coefficients, empty where the network does not
    mix; seen: (32, 32, 3) uint8, what the network saw; ood_score: how little that looks like the network's
    training images (see metrics/ood.py); known: whether it lies within the card's threshold, False for "none
    of these". Both are None where the checkpoint has no such measure. sure: whether the likeliest class may
    be called sure, by the card's limit. part: where the middle of a large picture is strange to the network
    and another part is not, that part, which all else is then about.
    """

    top: list[tuple[str, float]]
    probs: NDArray[np.float32]
    mixing: dict[str, list[float]]
    seen: NDArray[np.uint8]
    ood_score: float | None = None
    known: bool | None = None
    sure: bool = False
    part: Part | None = None

    @property
    def label(self) -> str:
        """The likeliest class."""
        return self.top[0][0]


@dataclass(frozen=True)
class Look:
    """The outcome of one look at images.

    logits, first: (N, num_classes) with and without views; mixing: coefficients (N, K) of each block that
    mixes; blocks: statistics (N, F) of the blocks that the OOD score looks at.
    """

    logits: Tensor
    first: Tensor
    mixing: list[Tensor]
    blocks: list[Tensor]

    def measured(self, names: Sequence[str]) -> Measured:
        """The ingredients of the OOD score; names: of the blocks."""
        mixing = torch.cat(self.mixing, dim=1).numpy() if self.mixing else None
        blocks = {name: x.cpu().numpy() for name, x in zip(names, self.blocks, strict=True)}
        return Measured(self.first.numpy(), self.logits.cpu().numpy(), mixing, blocks)
