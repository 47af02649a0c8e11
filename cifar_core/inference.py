"""Classifier: the only road from pixels to classes, for the command line, the pages and the notebook."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.functional import cross_entropy

from cifar_core.backends import InferenceError as InferenceError
from cifar_core.backends import network_for
from cifar_core.checkpoint import (
    Card,
    CheckpointError,
    load_checkpoint,
    resolve_checkpoint,
    weights_version,
)
from cifar_core.data.batches import Normalization
from cifar_core.device import find_device
from cifar_core.evaluated import Evaluated as Evaluated
from cifar_core.images import fit_square
from cifar_core.metrics import accuracy, confusion_matrix
from cifar_core.models import ImageClassifier
from cifar_core.models.blocks import block_names
from cifar_core.reference_file import load_reference
from cifar_core.strangeness import Measured, Reference
from cifar_core.views import average_views

BATCH_SIZE = 250
Images = Sequence[Image.Image] | NDArray[np.uint8] | Tensor


@dataclass(frozen=True)
class Prediction:
    """The answer for one image.

    top: (label, probability) pairs, the likeliest first; probs: (num_classes,) float32, calibrated where the
    card has a temperature; mixing: block name -> its K mixing coefficients, empty where the network does not
    mix; seen: (32, 32, 3) uint8, what the network saw; strangeness: how little that looks like the network's
    training images (see strangeness.py); known: whether it lies within the card's threshold, False for "none
    of these". Both are None where the checkpoint has no such measure.
    """

    top: list[tuple[str, float]]
    probs: NDArray[np.float32]
    mixing: dict[str, list[float]]
    seen: NDArray[np.uint8]
    strangeness: float | None = None
    known: bool | None = None

    @property
    def label(self) -> str:
        """The likeliest class."""
        return self.top[0][0]


class Classifier:
    """A trained network with all that must travel with it: class names, normalization, its card.

    model: the network as it was trained. Answers come from a copy whose batch norms are folded into the
    convolutions, equal up to rounding. reference: what is usual to it, for strangeness; without one, `blocks`
    names those that `measure` looks at. name, version: of its checkpoint, "" where it came from none.
    """

    name: str = ""
    version: str = ""

    def __init__(
        self,
        model: ImageClassifier,
        card: Card,
        device: torch.device | str | None = None,
        backend: str = "torch",
        reference: Reference | None = None,
        blocks: Sequence[str] = (),
    ) -> None:
        if device is None and backend == "onnxruntime":
            device = "cpu"
        self.device = torch.device(device) if device else find_device("fp32").torch_device
        self.model = model.to(self.device).eval()
        self.card = card
        self.normalize = Normalization(tuple(card.mean), tuple(card.std))
        self.reference = reference if card.unknown else None
        self.blocks = self.reference.blocks if self.reference else list(blocks)
        self.network = network_for(self.model, self.device, backend, self.blocks)

    @classmethod
    def load(
        cls,
        name: str | Path | None = None,
        device: torch.device | str | None = None,
        backend: str = "torch",
    ) -> "Classifier":
        """From a checkpoint folder or a name in checkpoints/; without a name, the default one.

        backend: "torch"; "onnxruntime", which answers single images in about 0.8 of the time on a CPU, and
        takes seconds more to load a network for the first time, for which torch is the default; "auto" takes
        onnxruntime where it can be had and torch elsewhere.

        Raises:
            CheckpointError: when it is missing or damaged.
            InferenceError: when there is no such backend here.
        """
        folder = resolve_checkpoint(name)
        model, card = load_checkpoint(folder)
        reference = load_reference(folder, card)
        if reference and reference.blocks != block_names(model):
            raise CheckpointError(f"{folder} is damaged: its strangeness is that of another network.")
        classifier = cls(model, card, device, backend, reference)
        classifier.name, classifier.version = folder.name, weights_version(folder)
        return classifier

    @classmethod
    def from_pretrained(
        cls,
        repo: str,
        revision: str | None = None,
        device: torch.device | str | None = None,
        backend: str = "torch",
    ) -> "Classifier":
        """From the Hugging Face Hub, `USER/NAME` as `hub push` lays it out; revision: branch, tag or commit.

        Raises:
            HubError: when it cannot be had, or is not what the Hub states.
            CheckpointError: when it is damaged.
            InferenceError: when there is no such backend here.
        """
        from cifar_core.hub.checkpoints import fetch_checkpoint

        return cls.load(fetch_checkpoint(repo, revision), device, backend)

    @property
    def class_names(self) -> list[str]:
        """The classes' names, by number."""
        return self.card.class_names

    def predict(self, images: Images, top: int = 3) -> list[Prediction]:
        """Answers for RGB pictures of any size, or for uint8 images (N, 3, 32, 32).

        top: how many classes each answer names, 1 or more.

        Raises:
            InferenceError: when the images have another form, or `top` is below 1.
        """
        if top < 1:
            raise InferenceError(f"top is {top}; it must be 1 or more.")
        answers: list[Prediction] = []
        for part in _parts(images):  # (N, 3, 32, 32)
            look = self.look(part)
            rows = zip(self._probs(look.logits), self._strangeness(look), part, strict=True)
            answers += [self._prediction(n, look.mixing, top, *row) for n, row in enumerate(rows)]
        return answers

    def probs(self, images: Images) -> NDArray[np.float32]:
        """Probabilities (N, num_classes), calibrated where the card has a temperature."""
        return self._probs(torch.from_numpy(self.averaged_logits(images)))

    @torch.inference_mode()
    def logits(self, images: Images) -> NDArray[np.float32]:
        """Logits (N, num_classes) of one look at each image, without the views that answers average."""
        looks = [self.network(self.normalize(part.to(self.device)))[0] for part in _parts(images)]
        return np.concatenate([np.zeros((0, len(self.class_names)), np.float32), *(x.cpu() for x in looks)])

    def averaged_logits(self, images: Images) -> NDArray[np.float32]:
        """Logits (N, num_classes) that answers come from, before any temperature."""
        parts = [self.run(part)[0].cpu().numpy() for part in _parts(images)]
        return np.concatenate([np.zeros((0, len(self.class_names)), np.float32), *parts])

    def measure(self, images: Images) -> Measured:
        """What strangeness is made of, for at least one image.

        Raises:
            InferenceError: without any image.
        """
        looks = [self.look(part).measured(self.blocks) for part in _parts(images)]
        if not looks:
            raise InferenceError("There are no images; give one or more.")
        return Measured.joined(looks)

    def run(self, pixels: Tensor) -> tuple[Tensor, list[Tensor]]:
        """uint8 pixels (N, 3, 32, 32) -> logits (N, num_classes) and mixing coefficients (N, K) a block.

        Where the card asks for views, the logits are those of the mean of the probabilities for the image's
        views (see views.py); the coefficients are the image's own. No temperature is applied.
        """
        look = self.look(pixels)
        return look.logits, look.mixing

    @torch.inference_mode()
    def look(self, pixels: Tensor) -> "Look":
        """All that answers are made of, for uint8 pixels (N, 3, 32, 32)."""
        images = self.normalize(pixels.to(self.device))
        first, recorded = self.network(images)
        views, below = self.card.views, self.card.views_below
        logits = average_views(lambda view: self.network(view)[0], images, first, views, below)
        blocks = len(recorded) - len(self.blocks)  # those that mix come first
        return Look(logits, first.cpu(), [x.cpu() for x in recorded[:blocks]], recorded[blocks:])

    def _probs(self, logits: Tensor) -> NDArray[np.float32]:
        temperature = self.card.calibration.temperature if self.card.calibration else 1.0
        return np.asarray((logits / temperature).softmax(dim=1).cpu().numpy())

    def _strangeness(self, look: "Look") -> Sequence[float | None]:
        if self.reference is None:
            return [None] * len(look.logits)
        return [float(score) for score in self.reference.strangeness(look.measured(self.blocks))]

    def evaluate(self, images: NDArray[np.uint8], targets: NDArray[np.int64]) -> Evaluated:
        """Measure on labeled images: uint8 (N, 3, 32, 32) and class numbers (N,), at least one."""
        if not len(images) == len(targets) > 0:
            raise InferenceError(f"{len(images)} images, {len(targets)} targets: give as many, at least one.")
        logits = torch.from_numpy(self.averaged_logits(images))
        loss = cross_entropy(logits, torch.tensor(targets, dtype=torch.int64)).item()
        predictions = logits.argmax(dim=1).numpy()
        confusion = confusion_matrix(np.asarray(targets), predictions, len(self.class_names))
        return Evaluated(
            accuracy(np.asarray(targets), predictions), loss, len(targets), confusion, self.class_names
        )

    def _prediction(
        self,
        row: int,
        mixing: list[Tensor],
        top: int,
        probs: NDArray[np.float32],
        strangeness: float | None,
        pixels: Tensor,
    ) -> Prediction:
        best = np.argsort(-probs, kind="stable")[:top]
        blocks = zip(self.model.mixing_blocks(), mixing, strict=True)
        unknown = self.card.unknown
        return Prediction(
            top=[(self.class_names[number], float(probs[number])) for number in best],
            probs=probs,
            mixing={name: block[row].tolist() for name, block in blocks},
            seen=pixels.permute(1, 2, 0).numpy().copy(),
            strangeness=strangeness,
            known=None if strangeness is None or unknown is None else strangeness <= unknown.threshold,
        )


@dataclass(frozen=True)
class Look:
    """What came of one look at images.

    logits, first: (N, num_classes) with and without views; mixing: coefficients (N, K) of each block that
    mixes; blocks: statistics (N, F) of the blocks that strangeness looks at.
    """

    logits: Tensor
    first: Tensor
    mixing: list[Tensor]
    blocks: list[Tensor]

    def measured(self, names: Sequence[str]) -> Measured:
        """What strangeness is made of; names: of the blocks."""
        mixing = torch.cat(self.mixing, dim=1).numpy() if self.mixing else None
        blocks = {name: x.cpu().numpy() for name, x in zip(names, self.blocks, strict=True)}
        return Measured(self.first.numpy(), mixing, blocks)


def to_pixels(images: Images) -> Tensor:
    """Pictures of any size, or arrays, as one uint8 tensor (N, 3, 32, 32); raises InferenceError."""
    if isinstance(images, np.ndarray | Tensor):
        pixels = torch.as_tensor(np.array(images) if isinstance(images, np.ndarray) else images.cpu())
        if pixels.dtype != torch.uint8 or pixels.ndim != 4 or pixels.shape[1:] != (3, 32, 32):
            shape = f"{pixels.dtype} {tuple(pixels.shape)}"
            raise InferenceError(
                f"The images are {shape}; they must be uint8 (N, 3, 32, 32) or RGB pictures."
            )
        return pixels
    if isinstance(images, Image.Image | str | bytes):
        raise InferenceError("Give a list of pictures, even of one.")
    squares = [np.asarray(fit_square(_rgb(picture), 32)) for picture in images]
    if not squares:
        return torch.zeros(0, 3, 32, 32, dtype=torch.uint8)
    return torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2)


def _rgb(picture: Any) -> Image.Image:
    """A plain picture as RGB; what would lose something on the way is refused."""
    if not isinstance(picture, Image.Image):
        raise InferenceError(f"{picture!r:.60} is no picture; open files with cifar_core.decode_image.")
    if picture.has_transparency_data or picture.mode.startswith(("I", "F")):
        raise InferenceError(
            f"The picture is {picture.mode}, with transparency or more than 8 bits; "
            "cifar_core.decode_image makes an RGB one of the file's bytes."
        )
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _parts(images: Images) -> Sequence[Tensor]:
    """Parts of at most BATCH_SIZE images, uint8 (N, 3, 32, 32); none where there are no images."""
    pixels = to_pixels(images)
    return pixels.split(BATCH_SIZE) if len(pixels) else ()
