"""The backends that compute answers: a network folded for inference, in torch or in ONNX Runtime."""

import copy
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from cifar_core.data.cache import default_cache_dir
from cifar_core.errors import InferenceError
from cifar_core.inference.folding import fold_batch_norm
from cifar_core.inference.onnx_backend import Answer, Network, graph_path, onnx_network
from cifar_core.inference.quick_mixing import quicken
from cifar_core.models import ImageClassifier
from cifar_core.models.blocks import record_blocks

BACKENDS = ("auto", "torch", "onnxruntime")
TYPICAL = (1, 2, 10)  # images in a batch: a small picture, the crops of a large one, their further views
PASSES = 3  # of which the quickest counts


def network_for(
    model: ImageClassifier, device: torch.device, backend: str = "torch", blocks: Sequence[str] = ()
) -> Network:
    """Return what answers as `model` does in eval mode: normalized images -> logits, and what was recorded.

    Recorded are the mixing coefficients of each mixing block, then the statistics of the `blocks` named.
    backend: "torch"; "onnxruntime", for few images on the CPU; or "auto", the latter where it can be had and
    takes less time here.

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
        other = onnx_network(folded, network, graphs_dir(), blocks)
    except InferenceError:
        if backend == "auto":
            return network
        raise
    return quicker(other, network) if backend == "auto" else other


def graphs_dir() -> Path:
    """The folder where graphs for ONNX Runtime are kept."""
    return default_cache_dir() / "graphs"


def has_graph(model: ImageClassifier, blocks: Sequence[str] = ()) -> bool:
    """Return whether "onnxruntime" need not export this network first, which takes seconds."""
    return graph_path(fold_batch_norm(model), graphs_dir(), blocks).is_file()


def quicker(*networks: Network) -> Network:
    """The network that takes the least time for batches as pictures give them, on the CPU."""
    taken: list[list[float]] = [[] for _ in networks]
    for _ in range(PASSES):
        for network, times in zip(networks, taken, strict=True):  # in turn, so that all meet the same noise
            begun = time.perf_counter()
            for count in TYPICAL:
                network(torch.zeros(count, 3, 32, 32))
            times.append(time.perf_counter() - begun)
    return min(zip(networks, taken, strict=True), key=lambda one: min(one[1]))[0]


def torch_network(folded: ImageClassifier, blocks: Sequence[str] = ()) -> Network:
    """Answers of the folded network, which is laid out for inference in place."""
    quick = quicken(folded)

    @torch.inference_mode()
    def answer(images: torch.Tensor) -> Answer:
        with quick.record_mixing() as mixing, record_blocks(quick, blocks) as features:
            logits = quick(images).float()
        return logits, [*mixing, *features]

    return answer
