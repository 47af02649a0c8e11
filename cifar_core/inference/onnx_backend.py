"""A picture's crops and views, one at a time, through ONNX Runtime; batches go on through torch.

The graph is exported from the folded network for one image, where a mixing block convolves once with its
mixed kernel: ONNX cannot state as many groups as there happen to be images. An export takes seconds and no
network connection. The graph is kept in the cache under the hash of the weights, and compared with torch
before it is used.
"""

import contextlib
import hashlib
import io
import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from cifar_core.errors import InferenceError
from cifar_core.files import write_bytes
from cifar_core.models import ImageClassifier
from cifar_core.models.blocks import record_blocks

# Logits (N, num_classes); mixing coefficients (N, K) a mixing block, then the statistics of blocks (N, F)
Answer = tuple[Tensor, list[Tensor]]
Network = Callable[[Tensor], Answer]  # of normalized images (N, 3, 32, 32)

# Measured on one thread with mixing_large.v1: 2.6 ms an image, however many; torch took 5.4 ms with one, 4.7
# with 2, 3.2 with 10 and 3.1 with 48 (AVX-512; with AVX2's instructions 5.6, 4.9, 4.4 and 4.4).
FEW_IMAGES = 32
TOLERANCE = 1e-4  # largest difference from torch's answer, as a share of the largest logit (at least 1)


def session_of(graph: bytes) -> Any:
    """An ONNX Runtime session on the CPU with as many threads as torch has."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # leave idle cores to others
    options.log_severity_level = 4  # an error is raised, not printed as well
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def onnx_model(network: nn.Module, images: Tensor, **names: Any) -> Any:
    """The network as an ONNX model; names: further arguments of torch.onnx.export.

    Raises:
        InferenceError: when torch cannot export it.
    """
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            program = torch.onnx.export(network.eval(), (images,), dynamo=True, verbose=False, **names)
    except Exception as error:  # the exporter has a kind of its own for every stage
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InferenceError(f"This network cannot be exported ({reason:.200}); use it in torch.") from None
    assert program is not None
    return program.model_proto


class OnnxNetwork:
    """Answers of an ONNX Runtime session, image by image where there are few, and of `others` for batches."""

    def __init__(self, graph: bytes, others: Network) -> None:
        self.session, self.others = session_of(graph), others

    def __call__(self, images: Tensor) -> Answer:
        """Normalized images (N, 3, 32, 32) on the CPU -> logits and mixing coefficients."""
        if not 1 <= len(images) <= FEW_IMAGES:
            return self.others(images)
        arrays = [image.contiguous().numpy() for image in images.split(1)]
        answers = zip(*(self.session.run(None, {"images": array}) for array in arrays), strict=True)
        logits, *mixing = (torch.from_numpy(np.concatenate(rows)) for rows in answers)
        return logits, mixing


def onnx_network(
    folded: ImageClassifier, others: Network, folder: Path, blocks: Sequence[str] = ()
) -> OnnxNetwork:
    """The folded network in ONNX Runtime; its graph is read from `folder`, or exported and kept there.

    Raises:
        InferenceError: when a package is missing, or the network cannot be exported or answers differently.
    """
    _demand("onnxruntime")
    path = graph_path(folded, folder, blocks)
    with contextlib.suppress(OSError):
        network = _checked(path.read_bytes(), others)
        if network is not None:
            return network
    _demand("onnx", "onnxscript")
    image = torch.zeros(1, folded.in_channels, 32, 32)
    graph = onnx_model(_Recorded(folded, blocks), image, input_names=["images"]).SerializeToString()
    network = _checked(graph, others)
    if network is None:
        raise InferenceError(
            "ONNX Runtime answers differently from torch on this machine; take the backend torch."
        )
    with contextlib.suppress(OSError):  # a cache that cannot be written costs the next load some seconds
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, graph)
    return network


def _demand(*packages: str) -> None:
    if missing := [name for name in packages if find_spec(name) is None]:
        raise InferenceError(
            f"The backend onnxruntime needs {' and '.join(missing)}: pip install onnxruntime onnx onnxscript."
        )


def _checked(graph: bytes, others: Network) -> OnnxNetwork | None:
    """The graph's network, or None when it is damaged or answers one image differently from torch."""
    image = torch.linspace(-2, 2, 3 * 32 * 32).sin().view(1, 3, 32, 32)
    try:
        network = OnnxNetwork(graph, others)
        logits, mixing = network(image)
    except Exception:  # onnxruntime has a kind of its own for every reason
        return None
    expected, expected_mixing = others(image)
    pairs = [(logits, expected), *zip(mixing, expected_mixing, strict=True)]
    same = all((a - b).abs().max() <= TOLERANCE * max(1.0, float(b.abs().max())) for a, b in pairs)
    return network if same else None


def graph_path(model: ImageClassifier, folder: Path, blocks: Sequence[str] = ()) -> Path:
    """The graph's file in `folder`: named for the network, its weights, recorded blocks, torch's version."""
    digest = hashlib.sha256(f"{model!r} {' '.join(blocks)} {torch.__version__}".encode())
    for name, tensor in model.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return folder / f"{digest.hexdigest()}.onnx"


class _Recorded(nn.Module):
    """images (1, 3, 32, 32) -> logits, the mixing coefficients of each block, the statistics of `blocks`."""

    def __init__(self, model: ImageClassifier, blocks: Sequence[str]) -> None:
        super().__init__()
        self.model, self.blocks = model, blocks

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        with self.model.record_mixing() as mixing, record_blocks(self.model, self.blocks) as features:
            logits = self.model(images)
        return (logits, *mixing, *features)
