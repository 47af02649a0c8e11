"""A checkpoint as a file for other programs: ONNX, for batches of any size, checked before it is handed over.

The graph takes pixels, not normalized images, so that the normalization cannot be lost on the way. Each
mixing convolution becomes one convolution with all its kernels, whose K results are added up: the form with
a group for each image, which training uses, would fix the number of images.
"""

import copy
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from cifar_core.checkpoint import NOT_FINITE, Card, CheckpointError, load_checkpoint
from cifar_core.errors import InferenceError, LabError, reason_of
from cifar_core.files import write_bytes
from cifar_core.inference.folding import fold_batch_norm
from cifar_core.inference.onnx_backend import onnx_model, session_of
from cifar_core.models import ImageClassifier
from cifar_core.models.mixing import MixingConv2d

FORMATS = ("onnx",)
PACKAGES = ("onnx", "onnxruntime", "onnxscript")
CHECKED_BATCHES = (1, 5)
TOLERANCE = 1e-4  # largest difference of a logit or coefficient, as a share of the largest (at least 1)


class SumOfConvolutions(nn.Module):
    """a1·Conv1(x) + … + aK·ConvK(x) of a MixingConv2d, for any number of images."""

    def __init__(self, mixing: MixingConv2d) -> None:
        super().__init__()
        self.coefficients, self.stride, self.padding = mixing.coefficients, mixing.stride, mixing.padding
        self.kernels = nn.Parameter(mixing.weight.detach().flatten(0, 1))  # (K · C_out, C_in, R, S)
        self.bias = nn.Parameter(mixing.bias.detach())  # (K, C_out)

    def forward(self, x: Tensor) -> Tensor:
        """x (N, C_in, H, W) -> (N, C_out, H', W')."""
        a = self.coefficients(x)  # (N, K)
        every = conv2d(x, self.kernels, None, self.stride, self.padding)  # (N, K · C_out, H', W')
        each = every.unflatten(1, tuple(self.bias.shape))  # (N, K, C_out, H', W')
        return (each * a[:, :, None, None, None]).sum(dim=1) + (a @ self.bias)[:, :, None, None]


class FromPixels(nn.Module):
    """Pixels in 0..1, (N, 3, 32, 32) -> logits (N, num_classes), then (N, K) for each mixing block."""

    mean: Tensor
    std: Tensor

    def __init__(self, model: ImageClassifier, card: Card) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("mean", torch.tensor(card.mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(card.std).view(1, 3, 1, 1))

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """See the class."""
        with self.model.record_mixing() as mixing:
            logits = self.model((pixels - self.mean) / self.std)
        return (logits, *mixing)


def export_onnx(folder: Path, output: Path) -> Path:
    """Write the network of a checkpoint's folder as ONNX, whole or not at all; returns `output`.

    Input `pixels` (N, 3, 32, 32) float32 in 0..1; outputs `logits` (N, num_classes) and, where the network
    mixes, `mixing_B1` … (N, K). The class names, the card's figures and the number of views that the card's
    own figures average (the graph takes one) are in the model's metadata.

    Raises:
        CheckpointError: when the checkpoint is missing or damaged, or its answers are not finite.
        InferenceError: when a package is missing, torch cannot export the network, ONNX Runtime answers
            differently from torch, or the file cannot be written.
    """
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        raise InferenceError(f"ONNX needs {' and '.join(missing)}: pip install {' '.join(PACKAGES)}.")
    model, card = load_checkpoint(folder)
    expected = FromPixels(model, card).eval()
    graph = onnx_graph(expected, card)
    _check(graph, expected)
    _write(graph, output)
    return output


def batch_free(model: ImageClassifier) -> ImageClassifier:
    """A folded copy whose graph does not depend on how many images there are."""
    folded = fold_batch_norm(model)
    for name, module in list(folded.named_modules()):
        if isinstance(module, MixingConv2d):
            folded.set_submodule(name, SumOfConvolutions(module))
        elif isinstance(module, nn.Conv2d):
            folded.set_submodule(name, _plain(module))
    return folded


def _plain(convolution: nn.Conv2d) -> nn.Conv2d:
    """The same convolution as torch has it: ours chooses its way by the number of images."""
    plain = nn.Conv2d(
        convolution.in_channels,
        convolution.out_channels,
        convolution.kernel_size,  # type: ignore[arg-type]
        convolution.stride,  # type: ignore[arg-type]
        convolution.padding,  # type: ignore[arg-type]
        convolution.dilation,  # type: ignore[arg-type]
        convolution.groups,
        padding_mode=convolution.padding_mode,
        device="meta",
    )
    plain.weight, plain.bias = convolution.weight, convolution.bias
    return plain


def onnx_graph(network: FromPixels, card: Card) -> bytes:
    """The ONNX model with its metadata; raises InferenceError when torch cannot export the network."""
    light = copy.copy(network)
    light._modules = {**network._modules, "model": batch_free(network.model)}
    blocks = [f"mixing_{name}" for name in network.model.mixing_blocks()]
    proto = onnx_model(
        light,
        torch.rand(2, 3, 32, 32),
        input_names=["pixels"],
        output_names=["logits", *blocks],
        dynamic_shapes=({0: torch.export.Dim("N")},),
    )
    for name, value in _metadata(card).items():
        proto.metadata_props.add(key=name, value=value)
    return proto.SerializeToString()


def _metadata(card: Card) -> dict[str, str]:
    """Facts that a reader of the file must know, as words."""
    facts: dict[str, Any] = {
        "class_names": card.class_names,
        "input": "RGB pixels in 0..1, 32x32; the normalization is in the graph",
        "model": card.model,
        "recipe": card.recipe,
        "metrics": card.metrics,
        "tta": card.tta,
        "tta_below": card.tta_below,
    }
    return {name: fact if isinstance(fact, str) else json.dumps(fact) for name, fact in facts.items()}


@torch.inference_mode()
def _check(graph: bytes, expected: FromPixels) -> None:
    """Raise InferenceError unless ONNX Runtime answers as torch does, for one image and for several.

    Raises CheckpointError where torch's own answers are not finite.
    """
    try:
        session = session_of(graph)
        for batch in CHECKED_BATCHES:
            pixels = torch.rand(batch, 3, 32, 32, generator=torch.Generator().manual_seed(batch))
            answers = session.run(None, {"pixels": pixels.numpy()})
            wanted = expected(pixels)
            if not all(tensor.isfinite().all() for tensor in wanted):
                raise CheckpointError(NOT_FINITE.format("The network"))
            worst = max(map(_difference, answers, wanted))
            if not worst <= TOLERANCE:
                raise InferenceError(
                    f"ONNX Runtime's answer differs from torch's by {worst:.1e}; nothing kept."
                )
    except LabError:
        raise
    except Exception as error:  # onnxruntime has a kind of its own for every reason
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InferenceError(f"ONNX Runtime cannot run the exported network ({reason:.200}).") from None


def _difference(answer: "np.ndarray[Any, Any]", tensor: Tensor) -> float:
    wanted = tensor.numpy()
    if answer.shape != wanted.shape or not np.isfinite(answer).all():
        return float("inf")
    return float(np.abs(answer - wanted).max() / max(1.0, np.abs(wanted).max()))


def _write(graph: bytes, output: Path) -> None:
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(output, graph)
    except OSError as error:
        raise InferenceError(f"{output} cannot be written: {reason_of(error)}.") from None
