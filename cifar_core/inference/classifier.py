"""Classifier: the only road from pixels to classes, for the command line, the pages and the notebook."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from cifar_core.checkpoint import (
    NOT_FINITE,
    Card,
    CheckpointError,
    checkpoint_name,
    load_checkpoint,
    load_reference,
    resolve_checkpoint,
    weights_version,
)
from cifar_core.device import find_device
from cifar_core.errors import InferenceError
from cifar_core.inference.backends import network_for
from cifar_core.inference.crops import Beside, Crops, crops_of
from cifar_core.inference.prediction import Look, Prediction
from cifar_core.inference.preprocess import Images, parts_of
from cifar_core.inference.tta import tta_logits
from cifar_core.metrics.calibration import reliability
from cifar_core.metrics.classification import Evaluated as Evaluated
from cifar_core.metrics.classification import accuracy, confusion_matrix
from cifar_core.metrics.ood import Measured, Reference
from cifar_core.models import ImageClassifier
from cifar_core.models.blocks import block_names
from cifar_core.models.normalization import Normalization

SURE_FROM = 0.70  # the limit of checkpoints whose card has none


class Classifier:
    """A trained network with all that must travel with it: class names, normalization, its card.

    model: the network as it was trained. Answers come from a copy whose batch norms are folded into the
    convolutions, equal up to rounding. reference: what is usual to it, for OOD scores; without one, `blocks`
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
        self.reference = reference if card.ood else None
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

        backend: "torch"; "onnxruntime", which answers single images in about half the time on a CPU, and
        takes seconds more to load a network for the first time, for which torch is the default; "auto" tries
        both, where onnxruntime can be had, and takes the quicker.

        Raises:
            CheckpointError: when it is missing or damaged.
            InferenceError: when there is no such backend here.
        """
        folder = resolve_checkpoint(name)
        model, card = load_checkpoint(folder)
        reference = load_reference(folder, card)
        if reference and reference.blocks != block_names(model):
            raise CheckpointError(f"{folder} is damaged: its OOD reference is that of another network.")
        classifier = cls(model, card, device, backend, reference)
        classifier.name, classifier.version = checkpoint_name(folder), weights_version(folder)
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

    def predict(self, images: Images | Crops, top: int = 3) -> list[Prediction]:
        """Answers for RGB pictures of any size, for their crops, or for uint8 images (N, 3, 32, 32).

        The probabilities and the OOD score of a large picture are the means over its crops (see crops.py);
        what is told of its inside is that of the first. Where it is none of the classes, and a part beside
        its middle is surely one, the answer is to that part.

        top: how many classes each answer names, 1 or more.

        Raises:
            InferenceError: when the images have another form, or `top` is below 1.
        """
        if top < 1:
            raise InferenceError(f"top is {top}; it must be 1 or more.")
        crops = crops_of(images)
        looks = [self.look(part) for part in parts_of(crops.pixels)]
        if not looks:
            return []
        probs = _means(np.concatenate([self._probs(look.logits) for look in looks]), crops.owners)
        scores: Sequence[float | None] = [score for look in looks for score in self._ood_scores(look)]
        if None not in scores:
            scores = _means(np.array(scores, np.float64), crops.owners).tolist()
        firsts = np.unique(crops.owners, return_index=True)[1]
        mixing = [torch.cat(blocks)[firsts] for blocks in zip(*(look.mixing for look in looks), strict=True)]
        rows = zip(probs, scores, crops.pixels[firsts], strict=False)  # without scores, a None for each crop
        answers = [self._prediction(n, mixing, top, *row) for n, row in enumerate(rows)]
        pairs = zip(answers, crops.beside, strict=True)
        return [(one.known is False and beside and self._surest(beside, top)) or one for one, beside in pairs]

    def _surest(self, beside: Beside, top: int) -> Prediction | None:
        """The surest answer to a part beside a picture's middle; None where none is sure."""
        probs = self._probs(torch.from_numpy(self.logits(beside.pixels)))  # (P, C) of one look, without views
        places = np.flatnonzero(probs.max(axis=1, initial=0.0) >= self._sure_from / 2)  # others stay unsure
        parts = [beside.parts[place] for place in places]
        answers = zip(parts, self.predict(beside.pixels[places], top), strict=True)
        sure = [dataclasses.replace(one, part=part, sure=False) for part, one in answers if one.sure]
        return max(sure, key=lambda one: one.top[0][1], default=None)

    def probs(self, images: Images) -> NDArray[np.float32]:
        """Probabilities (N, num_classes), calibrated where the card has a temperature."""
        crops = crops_of(images, beside=False)
        return _means(self._probs(torch.from_numpy(self.averaged_logits(crops.pixels))), crops.owners)

    @torch.inference_mode()
    def logits(self, images: Images) -> NDArray[np.float32]:
        """Logits (N, num_classes) of one look at each image, without the views that answers average."""
        parts = [self.network(self.normalize(part.to(self.device)))[0] for part in parts_of(images)]
        looks = [self._finite(part).cpu() for part in parts]
        return np.concatenate([np.zeros((0, len(self.class_names)), np.float32), *looks])

    def averaged_logits(self, images: Images) -> NDArray[np.float32]:
        """Logits (N, num_classes) that answers come from, before any temperature."""
        parts = [self.run(part)[0].cpu().numpy() for part in parts_of(images)]
        return np.concatenate([np.zeros((0, len(self.class_names)), np.float32), *parts])

    def measure(self, images: Images) -> Measured:
        """The ingredients of the OOD score, for at least one image.

        Raises:
            InferenceError: without any image.
        """
        looks = [self.look(part).measured(self.blocks) for part in parts_of(images)]
        if not looks:
            raise InferenceError("There are no images; give one or more.")
        return Measured.joined(looks)

    def run(self, pixels: Tensor) -> tuple[Tensor, list[Tensor]]:
        """uint8 pixels (N, 3, 32, 32) -> logits (N, num_classes) and mixing coefficients (N, K) a block.

        Where the card asks for views, the logits are those of the mean of the probabilities for the image's
        views (see tta.py); the coefficients are the image's own. No temperature is applied.
        """
        look = self.look(pixels)
        return look.logits, look.mixing

    @torch.inference_mode()
    def look(self, pixels: Tensor) -> Look:
        """All that answers are made of, for uint8 pixels (N, 3, 32, 32)."""
        images = self.normalize(pixels.to(self.device))
        first, recorded = self.network(images)
        views, below = self.card.tta, self.card.tta_below
        logits = self._finite(tta_logits(lambda view: self.network(view)[0], images, first, views, below))
        blocks = len(recorded) - len(self.blocks)  # those that mix come first
        return Look(logits, first.cpu(), [x.cpu() for x in recorded[:blocks]], recorded[blocks:])

    def _finite(self, logits: Tensor) -> Tensor:
        """Logits (N, num_classes) as they are; raises CheckpointError for NaN and infinity among them."""
        if not logits.isfinite().all():
            raise CheckpointError(NOT_FINITE.format(self.name or "The network"))
        return logits

    def _probs(self, logits: Tensor) -> NDArray[np.float32]:
        temperature = self.card.calibration.temperature if self.card.calibration else 1.0
        return np.asarray((logits / temperature).softmax(dim=1).cpu().numpy())

    def _ood_scores(self, look: Look) -> Sequence[float | None]:
        if self.reference is None:
            return [None] * len(look.logits)
        return [float(score) for score in self.reference.ood_scores(look.measured(self.blocks))]

    def evaluate(self, images: NDArray[np.uint8], targets: NDArray[np.int64]) -> Evaluated:
        """Measure on labeled images: uint8 (N, 3, 32, 32) and class numbers (N,), at least one."""
        if not len(images) == len(targets) > 0:
            raise InferenceError(f"{len(images)} images, {len(targets)} targets: give as many, at least one.")
        looks = [self.look(part) for part in parts_of(images)]
        logits = torch.cat([look.logits.cpu() for look in looks])
        known = [self._is_known(score) for look in looks for score in self._ood_scores(look)]
        loss = cross_entropy(logits, torch.tensor(targets, dtype=torch.int64)).item()
        predictions, probs = logits.argmax(dim=1).numpy(), self._probs(logits)
        sure = (probs.max(axis=1) >= self._sure_from) & np.array([one is not False for one in known])
        right = predictions == np.asarray(targets)
        return Evaluated(
            accuracy(np.asarray(targets), predictions),
            loss,
            len(targets),
            confusion_matrix(np.asarray(targets), predictions, len(self.class_names)),
            self.class_names,
            calibration_error=reliability(probs, np.asarray(targets)).ece,
            sure=float(sure.mean()),
            sure_right=float(right[sure].mean()) if sure.any() else math.nan,
            called_none=None if None in known else known.count(False) / len(known),
        )

    @property
    def _sure_from(self) -> float:
        return self.card.sure.probability if self.card.sure else SURE_FROM

    def _is_known(self, ood_score: float | None) -> bool | None:
        unknown = self.card.ood
        return None if ood_score is None or unknown is None else ood_score <= unknown.threshold

    def _prediction(
        self,
        row: int,
        mixing: list[Tensor],
        top: int,
        probs: NDArray[np.float32],
        ood_score: float | None,
        pixels: Tensor,
    ) -> Prediction:
        best = np.argsort(-probs, kind="stable")[:top]
        known = self._is_known(ood_score)
        blocks = zip(self.model.mixing_blocks(), mixing, strict=True)
        return Prediction(
            top=[(self.class_names[number], float(probs[number])) for number in best],
            probs=probs,
            mixing={name: block[row].tolist() for name, block in blocks},
            seen=pixels.permute(1, 2, 0).numpy().copy(),
            ood_score=ood_score,
            known=known,
            sure=known is not False and bool(probs[best[0]] >= self._sure_from),
        )


def _means(values: NDArray[Any], owners: NDArray[np.int64]) -> NDArray[Any]:
    """Means over the crops of each image: (M, ...) -> (N, ...); owners: image numbers (M,), ascending."""
    starts, counts = np.unique(owners, return_index=True, return_counts=True)[1:]
    if len(starts) == len(values):
        return values
    return np.add.reduceat(values, starts, axis=0) / counts.reshape(-1, *[1] * (values.ndim - 1)).astype(
        values.dtype
    )
