"""How many images a mixing network gets right under mixes set by hand, asked again and again.

A block whose coefficients are set has one kernel for all images: a plain convolution instead of one kernel an
image. What comes into each block is kept, so that a change costs its block and those behind it. The default
network on 500 images, one thread of an AVX-512 processor, fp32, n = 7 (tests/tools/hand_mix_cost.py): all
blocks 0.53 ± 0.02 s, B4 alone 0.26 s, B6 alone 0.03 s; by WhatIf.hits all blocks take 1.76 ± 0.04 s.
"""

from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import conv2d

from cifar_core.explain.mixing import AS_PREDICTED, Mix
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.folding import fold_batch_norm
from cifar_core.models.mixing import MixingClassifier, MixingConv2d

BATCH = 50  # images at once: what they need stays near the processor


class HandConv2d(nn.Module):
    """A MixingConv2d that is a plain convolution where its coefficients are set."""

    def __init__(self, mixing: MixingConv2d) -> None:
        super().__init__()
        self.mixing = mixing
        self.mixed: tuple[Tensor, Tensor] | None = None  # weight (C_out, C_in, R, S) and bias (C_out,)

    def set(self, coefficients: tuple[float, ...] | None) -> None:
        """Mix the kernels by K numbers for every image; None: by those predicted from each."""
        self.mixed = None
        if coefficients is not None:
            shares = self.mixing.weight.new_tensor(coefficients)
            weight = torch.einsum("k,kcdrs->cdrs", shares, self.mixing.weight)
            self.mixed = weight.contiguous(memory_format=torch.channels_last), shares @ self.mixing.bias

    def forward(self, x: Tensor) -> Tensor:
        """x (N, C_in, H, W) -> (N, C_out, H', W')."""
        if self.mixed is None:
            mixed: Tensor = self.mixing(x)
            return mixed
        return conv2d(x, *self.mixed, stride=self.mixing.stride, padding=self.mixing.padding)


class HandMixed:
    """A mixing network and the images that it is asked about; may be shared by threads.

    Keeps about 0.3 MB an image for the default network. Answers are those of WhatIf.hits up to rounding.

        asked = HandMixed(classifier, held_out.images, held_out.targets)
        asked.hits(Mix({"B3": (1.0, 0.0)})) / len(held_out)

    Raises:
        ValueError: when the network does not mix.
    """

    def __init__(self, classifier: Classifier, images: NDArray[np.uint8], targets: NDArray[np.int64]) -> None:
        network = fold_batch_norm(classifier.model)
        if not isinstance(network, MixingClassifier) or not network.mixing_blocks():
            raise ValueError(f"The network {classifier.card.model} does not mix; take one that does.")
        self.network = network.to(memory_format=torch.channels_last)
        self.targets = torch.from_numpy(targets)
        self.kernels = dict(zip(network.mixing_blocks(), network.mixing_kernels(), strict=True))
        self._lock = Lock()
        self._mix: Mix | None = None
        self._layers: dict[str, HandConv2d] = {}
        self._stages = list(network.get_submodule("blocks").children())
        self._inputs = [torch.empty(0)] * (len(self._stages) + 1)  # (N, C, H, W) of each stage, and the head
        self._stage_of: dict[str, int] = {}
        self._replace_convolutions()
        self._inputs[0] = self._first_inputs(classifier, torch.from_numpy(images))

    def _replace_convolutions(self) -> None:
        names = iter(self.kernels)
        for number, stage in enumerate(self._stages):
            for path, module in list(stage.named_modules()):
                if isinstance(module, MixingConv2d):
                    name = next(names)
                    self._layers[name] = HandConv2d(module)
                    stage.set_submodule(path, self._layers[name])
                    self._stage_of[name] = number

    @torch.inference_mode()
    def _first_inputs(self, classifier: Classifier, images: Tensor) -> Tensor:
        """What comes into the first stage, which no mix changes."""
        seen: list[Tensor] = []
        hook = self._stages[0].register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
        try:
            for part in images.split(BATCH):
                pixels = classifier.normalize(part.to(classifier.device))
                self.network(pixels.contiguous(memory_format=torch.channels_last))
        finally:
            hook.remove()
        return torch.cat(seen)

    def hits(self, mix: Mix = AS_PREDICTED) -> int:
        """Number of images that get their class under the mix.

        Raises:
            ValueError: as MixingClassifier.fixed_mixing.
        """
        with self._lock, self.network.fixed_mixing(mix.fixed, mix.off), torch.inference_mode():
            first = self._first_changed(mix)
            self._mix = None  # until all is computed: an interruption leaves no mixture of two
            for name, layer in self._layers.items():
                layer.set(tuple(mix.fixed[name]) if name in mix.fixed else None)
            for number in range(first, len(self._stages)):
                parts = map(self._stages[number], self._inputs[number].split(BATCH))
                self._inputs[number + 1] = torch.cat(list(parts))
            logits = self.network.forward_head(self._inputs[-1])
            self._mix = mix
            return int((logits.argmax(dim=1).cpu() == self.targets).sum())

    def _first_changed(self, mix: Mix) -> int:
        """The first stage whose setting differs from the last mix's; their number where none does."""
        if self._mix is None:
            return 0
        changed = [
            self._stage_of[name]
            for name in self.kernels
            if self._mix.fixed.get(name) != mix.fixed.get(name)
            or self._mix.off.get(name) != mix.off.get(name)
        ]
        return min(changed, default=len(self._stages))
