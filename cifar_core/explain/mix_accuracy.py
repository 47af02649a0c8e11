"""The accuracy of a mixing network under one mix after another, on the same images, as quickly as may be.

A block whose coefficients are set has one kernel for all images: a plain convolution. The default network on
500 images, one thread of an AVX-512 processor, fp32, n = 7 (tests/tools/mix_accuracy_cost.py): as predicted
1.42 ± 0.03 s, with all blocks set 0.58 ± 0.01 s; B4 moved while the others mix as predicted 0.41 ± 0.01 s, B6
0.04 s. The first of five chunks takes a fifth of that.
"""

from collections.abc import Iterator
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cifar_core.explain.mixing import AS_PREDICTED, Mix
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.folding import fold_batch_norm
from cifar_core.inference.preprocess import to_pixels
from cifar_core.inference.quick_mixing import quicken
from cifar_core.models.mixing import MixingClassifier, MixingCoefficients

CHUNK = 100  # images at a time: the first answer comes after so many
KEPT_BYTES = 80e6  # of activations; an early block's input is larger, and what lies before it is cheap
Settings = tuple[object, ...]  # what a mix says of each block, in their order


class MixAccuracy:
    """Which of the images (N, 3, H, W) get their class of targets (N,), under any mix.

    Whoever moves one block's coefficients asks for mixes that differ from that block on. So its input is
    kept, and with the next such mix nothing before it is computed again. May be shared by threads.
    """

    def __init__(self, classifier: Classifier, images: NDArray[np.uint8], targets: NDArray[np.int64]) -> None:
        network = quicken(fold_batch_norm(classifier.model))
        assert isinstance(network, MixingClassifier) and isinstance(network.blocks, nn.Sequential)
        self._network, self._stages = network, network.blocks
        self._stage_of = [  # the stage of each mixing block
            place
            for place, stage in enumerate(network.blocks)
            for module in stage.modules()
            if isinstance(module, MixingCoefficients)
        ]
        self._classifier, self._images, self._targets = classifier, images, targets
        self._last: Settings = ()
        self._kept: dict[int, tuple[Settings, Tensor]] = {}  # chunk -> the mix before a block, its input
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._targets)

    def right(self, mix: Mix = AS_PREDICTED) -> Iterator[NDArray[np.bool_]]:
        """For one chunk of images after the other whether each is right, (CHUNK,) or fewer at the end."""
        settings = tuple(mix.fixed.get(name, mix.off.get(name)) for name in self._network.mixing_blocks())
        pairs = zip(settings, self._last, strict=False)
        moved = next((place for place, (now, last) in enumerate(pairs) if now != last), 0)
        self._last = settings
        for start in range(0, len(self), CHUNK):
            with self._lock, self._network.fixed_mixing(mix.fixed, mix.off):
                labels = self._labels(start, settings, moved)
            yield labels == self._targets[start : start + CHUNK]

    @torch.inference_mode()
    def _labels(self, start: int, settings: Settings, moved: int) -> NDArray[np.int64]:
        """The classes of a chunk; the input of the block that was `moved` is kept for the next mix."""
        before, kept = self._kept.get(start, ((), None))
        came: list[Tensor] = []
        stage = self._stages[self._stage_of[moved]]
        handle = stage.register_forward_pre_hook(lambda _module, inputs: came.append(inputs[0]))
        try:
            if kept is not None and settings[: len(before)] == before:
                features = self._stages[self._stage_of[len(before)] :](kept)
                logits = self._network.forward_head(features)
            else:
                pixels = to_pixels(self._images[start : start + CHUNK]).to(self._classifier.device)
                logits = self._network(self._classifier.normalize(pixels))
        finally:
            handle.remove()
        if came and moved and came[0].nbytes * len(self) <= KEPT_BYTES * len(came[0]):
            self._kept[start] = settings[:moved], came[0]
        labels: NDArray[np.int64] = logits.argmax(dim=1).cpu().numpy()
        return labels
