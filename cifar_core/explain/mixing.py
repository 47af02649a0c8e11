"""A mixing network at work on an image: its kernels, their responses, its answers under any mix."""

import copy
import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import conv2d

from cifar_core.inference.backends import torch_network
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.folding import fold_batch_norm
from cifar_core.inference.prediction import Prediction
from cifar_core.inference.preprocess import Images, to_pixels
from cifar_core.models.mixing import MixingClassifier, MixingConv2d


@dataclass(frozen=True)
class Mix:
    """Mixing of blocks when not as predicted: see MixingClassifier.fixed_mixing."""

    fixed: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    off: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


AS_PREDICTED = Mix()


@dataclass(frozen=True)
class BlockView:
    """A block at work on one image.

    kernels: (K, out, in, R, S) as trained; coefficients: (K,); responses: (K, H, W), the absolute response of
    each kernel alone, mean over its channels; mixed: (H, W), that of the mixed kernel.
    """

    kernels: NDArray[np.float32]
    coefficients: NDArray[np.float32]
    responses: NDArray[np.float32]
    mixed: NDArray[np.float32]

    @property
    def mixed_kernel(self) -> NDArray[np.float32]:
        """(out, in, R, S): the one kernel that this image met."""
        return np.tensordot(self.coefficients, self.kernels, axes=1).astype(np.float32)


class WhatIf:
    """Answers of a mixing network under any mix, on a copy of its own: the classifier stays as it is.

    Normalization and folding are the classifier's; answers come from one view of an image, also where the
    card asks for more, so that they differ by the mix alone. May be shared by threads.

    Raises:
        ValueError: when the network does not mix.
    """

    def __init__(self, classifier: Classifier) -> None:
        if not classifier.model.mixing_blocks():
            raise ValueError(f"The network {classifier.card.model} does not mix; take one that does.")
        folded = fold_batch_norm(classifier.model)
        assert isinstance(folded, MixingClassifier)  # no other network has mixing blocks
        self._folded = folded
        self._classifier = copy.copy(classifier)
        self._classifier.network = torch_network(folded)
        self._classifier.reference, self._classifier.blocks = None, []  # how strange it is, no mix can say
        self._classifier.card = dataclasses.replace(classifier.card, tta=1)
        self._model = copy.deepcopy(classifier.model)
        self._lock = Lock()
        self.card = classifier.card

    @property
    def blocks(self) -> dict[str, int]:
        """Block -> how many kernels it mixes, in the network's order."""
        return {block: len(layer.weight) for block, layer in self._convolutions().items()}

    @property
    def shares_sum_to_one(self) -> bool:
        """True where coefficients are shares of 1 (softmax); a sigmoid's each lie in 0..1."""
        layers = self._convolutions().values()
        return all(layer.coefficients.activation == "softmax" for layer in layers)

    def predict(self, images: Images, mix: Mix = AS_PREDICTED, top: int = 3) -> list[Prediction]:
        """See Classifier.predict; each answer holds the coefficients that were used."""
        with self._mixing(mix):
            return self._classifier.predict(images, top)

    @torch.inference_mode()
    def look(self, images: Images, block: str) -> BlockView:
        """The work of `block` on the first of the images, mixing as it predicts."""
        layer, seen = self._convolutions()[block], []
        pixels = to_pixels(images)[:1].to(self._classifier.device)
        with self._lock:
            handle = layer.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
            try:
                self._model(self._classifier.normalize(pixels))
            finally:
                handle.remove()
            return _view(layer, seen[0])

    def _convolutions(self) -> dict[str, MixingConv2d]:
        layers = [module for module in self._model.modules() if isinstance(module, MixingConv2d)]
        return dict(zip(self._model.mixing_blocks(), layers, strict=True))

    @contextmanager
    def _mixing(self, mix: Mix) -> Iterator[None]:
        with self._lock, self._folded.fixed_mixing(mix.fixed, mix.off):
            yield


def _view(layer: MixingConv2d, x: Tensor) -> BlockView:
    """x (1, in, H, W) is what came into the layer."""
    coefficients = layer.coefficients(x)[0]  # (K,)
    pairs = zip(layer.weight, layer.bias, strict=True)
    outputs = torch.cat([conv2d(x, weight, bias, layer.stride, layer.padding) for weight, bias in pairs])
    mixed = torch.einsum("k,kchw->chw", coefficients, outputs)  # outputs (K, out, H', W')
    arrays = (layer.weight, coefficients, outputs.abs().mean(dim=1), mixed.abs().mean(dim=0))
    return BlockView(*(array.float().cpu().numpy() for array in arrays))
