"""The backends that compute answers: a network folded for inference, in torch or in ONNX Runtime."""

import copy
from collections.abc import Sequence

import torch

from cifar_core.data.cache import default_cache_dir
from cifar_core.errors import InferenceError
from cifar_core.inference.folding import fold_batch_norm
from cifar_core.inference.onnx_backend import Answer, Network, onnx_network
from cifar_core.inference.quick_mixing import quicken
from cifar_core.models import ImageClassifier
from cifar_core.models.blocks import record_blocks

BACKENDS = ("auto", "torch", "onnxruntime")


def network_for(
    model: ImageClassifier, device: torch.device, backend: str = "torch", blocks: Sequence[str] = ()
) -> Network:
    """Return what answers as `model` does in eval mode: normalized images -> logits, and what was recorded.

    Recorded are the mixing coefficients of each mixing block, then the statistics of the `blocks` named.
    backend: "torch"; "onnxruntime", for single images on the CPU; or "auto", the latter where it can be had.

    Raises:
        InferenceError: when there is no such backend, or not here.
    """
    if backend not in BACKENDS:
        raise InferenceError(f"There is no backend '{backend:.100}'; the backends are {', '.join(BACKENDS)}.")
    if backend == "onnxruntime" and device.type != "cpu":
        raise InferenceError(f"The backend onnxruntime runs on the CPU, not on {device}: take torch.")
    folded = fold_batch_norm(model)
    network = torch_network(copy.deepcopy(folded), blocks)
    if backend == "torch" or device.type != "cpu":
        return network
    try:
        return onnx_network(folded, network, default_cache_dir() / "graphs", blocks)
    except InferenceError:
        if backend == "auto":
            return network
        raise


def torch_network(folded: ImageClassifier, blocks: Sequence[str] = ()) -> Network:
    """Answers of the folded network, which is laid out for inference in place."""
    quick = quicken(folded)

    @torch.inference_mode()
    def answer(images: torch.Tensor) -> Answer:
        with quick.record_mixing() as mixing, record_blocks(quick, blocks) as features:
            logits = quick(images).float()
        return logits, [*mixing, *features]

    return answer
