"""A few images, one at a time, through ONNX Runtime; batches go on through torch.

The graph is exported from the folded network for one image, where a mixing block convolves once with its
mixed kernel: ONNX cannot state as many groups as there happen to be images. An export takes seconds and no
network connection. The graph is kept in the cache under the hash of the weights, and compared with torch
before it is used.
"""

import contextlib
import hashlib
import io
import os
import warnings
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from cifar_core.errors import InferenceError
from cifar_core.models import ImageClassifier
from cifar_core.models.blocks import record_blocks

# Logits (N, num_classes); mixing coefficients (N, K) a mixing block, then the statistics of blocks (N, F)
Answer = tuple[Tensor, list[Tensor]]
Network = Callable[[Tensor], Answer]  # of normalized images (N, 3, 32, 32)

FEW_IMAGES = 8  # as many as one image and its views, and some more
TOLERANCE = 1e-4  # largest difference from torch's answer, as a share of the largest logit (at least 1)


class OnnxNetwork:
    """Answers of an ONNX Runtime session, image by image where there are few, and of `others` for batches."""

    def __init__(self, graph: bytes, others: Network) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # leave idle cores to others
        options.log_severity_level = 4  # an error is raised, not printed as well
        self.session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self.others = others

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
    path = folder / f"{graph_key(folded, blocks)}.onnx"
    with contextlib.suppress(OSError):
        network = _checked(path.read_bytes(), others)
        if network is not None:
            return network
    _demand("onnx", "onnxscript")
    graph = export_graph(folded, blocks)
    network = _checked(graph, others)
    if network is None:
        raise InferenceError(
            "ONNX Runtime answers differently from torch on this machine; take the backend torch."
        )
    _keep(graph, path)
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


def graph_key(model: ImageClassifier, blocks: Sequence[str] = ()) -> str:
    """Hash of the network's kind, its weights, the blocks that are recorded, and torch's version."""
    digest = hashlib.sha256(f"{model!r} {' '.join(blocks)} {torch.__version__}".encode())
    for name, tensor in model.state_dict().items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


class _Recorded(nn.Module):
    """images (1, 3, 32, 32) -> logits, the mixing coefficients of each block, the statistics of `blocks`."""

    def __init__(self, model: ImageClassifier, blocks: Sequence[str]) -> None:
        super().__init__()
        self.model, self.blocks = model, blocks

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        with self.model.record_mixing() as mixing, record_blocks(self.model, self.blocks) as features:
            logits = self.model(images)
        return (logits, *mixing, *features)


def export_graph(folded: ImageClassifier, blocks: Sequence[str] = ()) -> bytes:
    """The ONNX graph of the network for one image; raises InferenceError when torch cannot export it."""
    image = torch.zeros(1, folded.in_channels, 32, 32)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                _Recorded(folded, blocks).eval(), (image,), input_names=["images"], dynamo=True, verbose=False
            )
    except Exception as error:  # the exporter has a kind of its own for every stage
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InferenceError(
            f"This network cannot be exported ({reason:.200}); take the backend torch."
        ) from None
    assert program is not None
    return program.model_proto.SerializeToString()


def _keep(graph: bytes, path: Path) -> None:
    """Write the graph in one step; a cache that cannot be written costs the next load some seconds."""
    new = path.with_suffix(f".{os.getpid()}.new")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        new.write_bytes(graph)
        os.replace(new, path)
