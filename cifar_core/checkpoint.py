"""Checkpoints: a folder with weights.safetensors and card.json, written whole and checked when read.

The card says what the network is, how it was trained, on which data, and what was measured on which split.
Pickles are never read.
"""

import dataclasses
import hashlib
import json
import math
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from cifar_core.errors import LabError
from cifar_core.files import (
    DEFAULT_CHECKPOINT,
    RUNS_BEST,
    build,
    checkpoints_dir,
    default_runs_dir,
    replace_path,
    sync_folder,
    write_json,
)
from cifar_core.metrics.calibration import Calibration, Sureness
from cifar_core.metrics.ood import OodThreshold, Reference
from cifar_core.metrics.photographs import complaint_about
from cifar_core.models import ImageClassifier, ModelError, create_model

# Number of views -> the weight of each: the picture and its mirror image, then such a pair moved by one pixel
# to the upper left, then one moved to the lower right.
VIEW_WEIGHTS = {1: (1.0,), 2: (1 / 2, 1 / 2), 6: (1 / 4, 1 / 4, 1 / 8, 1 / 8, 1 / 8, 1 / 8)}
WEIGHTS, CARD = "weights.safetensors", "card.json"


NOT_FINITE = (
    "{} answers with numbers that are not finite: its weights are damaged, or overflowed in training; take "
    "another checkpoint."
)


class CheckpointError(LabError):
    """A checkpoint that is not there, is damaged, or does not fit its network."""


class UnknownCheckpoint(CheckpointError):
    """A checkpoint that is not there."""

    exit_code = 2


class CheckpointNotWritten(CheckpointError):
    """A checkpoint that found no room; what stood in its place is as it was."""


@dataclass(frozen=True)
class Card:
    """The facts that a reader and a loader must know about weights.

    metrics: split -> {"accuracy" (0..1), "loss" (nats), "n" (images)}; config: the run's whole TrainConfig;
    mean, std: the normalization, of pixels in 0..1; macs: multiply-accumulates of one pass of one image.
    tta: over how many views an answer is averaged, 1, 2 or 6 (see inference/tta.py; a run's own validation
    takes one); tta_below: only images whose top probability in the first pass lies below it get more views.
    calibration, sure, ood: what was fitted to held-out images, where that was done. photographs: what was
    measured on photographs (see metrics/photographs.py), where that was done.
    """

    RENAMED: ClassVar = {"views": "tta", "views_below": "tta_below", "unknown": "ood"}

    model: str
    model_args: dict[str, Any]
    class_names: list[str]
    mean: list[float]
    std: list[float]
    parameters: int
    macs: int
    recipe: str
    seed: int
    config: dict[str, Any]
    epoch: int
    data_source: str
    data_fingerprint: str
    device: str
    precision: str
    wall_time_seconds: float
    versions: dict[str, str]
    metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    tta: int = 1
    tta_below: float = 1.0
    calibration: Calibration | None = None
    ood: OodThreshold | None = None
    sure: Sureness | None = None
    photographs: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, without what was not fitted."""
        optional = ("calibration", "ood", "sure", "photographs")
        values = dataclasses.asdict(self)
        return {key: value for key, value in values.items() if key not in optional or value is not None}

    def with_metrics(self, split: str, accuracy: float, loss: float, n: int) -> "Card":
        """A copy that holds what was measured on one more split."""
        measured = {"accuracy": accuracy, "loss": loss, "n": n}
        return dataclasses.replace(self, metrics={**self.metrics, split: measured})


def resolve_checkpoint(name: str | Path | None = None) -> Path:
    """The folder meant by a name in checkpoints/, a path, or a run's id; None is the default.

    Raises:
        UnknownCheckpoint: when there is no such folder, with the names that exist.
    """
    wanted, known = DEFAULT_CHECKPOINT if name is None else str(name), list_checkpoints()
    of_run = default_runs_dir() / wanted / RUNS_BEST
    places = [checkpoints_dir() / wanted] if wanted in known else [Path(wanted), of_run]
    folder = next(filter(None, map(newest_folder, places)), None)
    if folder is None:
        names = ", ".join(known) or "none"
        raise UnknownCheckpoint(
            f"There is no checkpoint '{wanted:.200}': give a folder with {CARD}, a run, or one of: {names}."
        )
    return folder


def checkpoint_name(folder: Path) -> str:
    """What a checkpoint is called: its folder's name, or the id of the run that it is of."""
    of_run = folder.parts[-2:] == Path(RUNS_BEST).parts
    return folder.parts[-3] if of_run and len(folder.parts) > 2 else folder.name


def list_checkpoints() -> list[str]:
    """Names in checkpoints/, the default first."""
    names = sorted(path.parent.name for path in checkpoints_dir().glob(f"*/{CARD}"))
    return sorted(names, key=lambda name: name != DEFAULT_CHECKPOINT)


def weights_version(folder: Path) -> str:
    """The first 12 digits of the SHA-256 of a folder's weights; raises CheckpointError without any."""
    try:
        with open(folder / WEIGHTS, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:12]
    except OSError:
        raise CheckpointError(f"{folder / WEIGHTS} is missing; copy the checkpoint again.") from None


def load_card(folder: Path) -> Card:
    """The card of a checkpoint folder; raises CheckpointError when it is missing or damaged."""
    path = folder / CARD
    try:
        card = build(Card, json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise CheckpointError(f"{folder} is no checkpoint: it has no {CARD}.") from None
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{path} is damaged ({error}); copy the checkpoint again.") from None
    if not card.class_names or not _is_normalization(card.mean, card.std):
        what = f"{len(card.class_names)} class names, mean {card.mean} and std {card.std}"
        raise CheckpointError(f"{path} is damaged: it has {what}; copy the checkpoint again.")
    if card.tta not in VIEW_WEIGHTS or not 0 <= card.tta_below <= 1:
        what = f"{card.tta} views below {card.tta_below}, which must be 1, 2 or 6 below 0 to 1"
        raise CheckpointError(f"{path} is damaged: it asks for {what}; copy the checkpoint again.")
    complaints = [part.complaint() for part in (card.calibration, card.ood, card.sure) if part]
    for complaint in filter(None, [*complaints, complaint_about(card.photographs or {})]):
        raise CheckpointError(f"{path} is damaged: it has {complaint}; copy the checkpoint again.")
    return card


def _is_normalization(mean: list[float], std: list[float]) -> bool:
    return len(mean) == len(std) == 3 and all(map(math.isfinite, mean)) and all(0 < x < math.inf for x in std)


def load_checkpoint(folder: Path) -> tuple[ImageClassifier, Card]:
    """The network with its weights, in eval mode on the CPU, and its card.

    Raises:
        CheckpointError: when a file is missing or damaged, or the weights' names, shapes or values are wrong.
    """
    card = load_card(folder)
    weights = load_tensors(folder / WEIGHTS)
    arguments = {**card.model_args, "num_classes": len(card.class_names)}
    try:
        with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay as they are
            with torch.device("meta"):  # the shapes first, before room is made for a network
                expected = create_model(card.model, **arguments).state_dict()
            check_weights(weights, expected, folder / WEIGHTS)
            model = create_model(card.model, **arguments)
    except (ModelError, RuntimeError) as error:
        trouble = str(error).splitlines()[0]
        raise CheckpointError(f"{folder / CARD} names a network that cannot be built: {trouble}") from None
    model.load_state_dict(weights)
    return model.eval(), card


def load_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file; raises CheckpointError when there is none."""
    try:
        return load_file(path)
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing; copy the checkpoint again.") from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path} is not a whole safetensors file ({error}); pickles and other formats are refused."
        ) from None


def check_weights(weights: Mapping[str, Tensor], expected: Mapping[str, Tensor], path: Path) -> None:
    """Raise CheckpointError unless names and shapes are those expected and every value is finite."""
    if different := sorted(set(weights) ^ set(expected)):
        what = "missing" if different[0] in expected else "not known to the network"
        raise CheckpointError(f"{path} does not fit its card: '{different[0]}' is {what}.")
    for name, tensor in weights.items():
        if tensor.shape != expected[name].shape:
            shapes = f"{tuple(tensor.shape)}, not {tuple(expected[name].shape)}"
            raise CheckpointError(f"{path} does not fit its card: '{name}' has the shape {shapes}.")
        if tensor.is_floating_point() != expected[name].is_floating_point() or tensor.is_complex():
            raise CheckpointError(f"{path} does not fit its card: '{name}' holds {tensor.dtype} numbers.")
        if not torch.isfinite(tensor.float()).all():
            raise CheckpointError(f"{path} is damaged: '{name}' has values that are not finite numbers.")


def write_checkpoint(folder: Path, model: ImageClassifier, card: Card, half: bool = False) -> None:
    """Write weights and card into an existing folder, the card last.

    half: store filters and matrices in 16 bits; a loaded network computes in 32 all the same.
    """
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    if half:
        weights = {name: tensor.half() if tensor.ndim > 1 else tensor for name, tensor in weights.items()}
    save_tensors(folder / WEIGHTS, weights)
    write_card(folder, card)


def save_tensors(path: Path, tensors: dict[str, Tensor]) -> None:
    """Write a safetensors file and read it back; raises CheckpointNotWritten when it is not whole."""
    try:
        save_file(tensors, path)
        sync_file(path)
        if load_tensors(path).keys() != tensors.keys():
            raise CheckpointError("some tensors are missing")
    except (SafetensorError, OSError, CheckpointError) as error:
        raise CheckpointNotWritten(f"{path} cannot be written ({error}); is the disk full?") from None


def write_card(folder: Path, card: Card) -> None:
    """Write the card of a checkpoint folder, replacing an older one."""
    write_json(folder / CARD, card.to_json())


def save_checkpoint(folder: Path, model: ImageClassifier, card: Card) -> None:
    """Write a checkpoint folder in one step, replacing an older one."""
    new = new_folder(folder)
    write_checkpoint(new, model, card)
    replace_folder(new, folder)


def new_folder(folder: Path) -> Path:
    """An empty folder beside `folder`, to be filled and then put in its place."""
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    return new


def replace_folder(new: Path, folder: Path) -> None:
    """Put `new` in the place of `folder`; what stood there is kept beside it as `<name>.previous`.

    A process killed in between leaves `.previous` or `.new` whole: `newest_folder` finds them.
    """
    previous = folder.with_name(f"{folder.name}.previous")
    if folder.exists():
        shutil.rmtree(previous, ignore_errors=True)
        replace_path(folder, previous)
    replace_path(new, folder)
    sync_folder(folder.parent)


def whole_folders(folder: Path) -> list[Path]:
    """Those that are there of `folder` and the one kept beside it when it was replaced, newest first."""
    kept = folder.with_name(f"{folder.name}.previous") if folder.name else folder
    return [path for path in (folder, kept) if _has_card(path)]


def newest_folder(folder: Path) -> Path | None:
    """`folder`, or the one kept beside it when a process was killed while replacing it."""
    return next(iter(whole_folders(folder)), None)


def _has_card(folder: Path) -> bool:
    try:
        return (folder / CARD).exists()
    except OSError:  # a name too long, a folder of somebody else
        return False


def sync_file(path: Path) -> None:
    """Make what was written to a file last."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())


OOD_REFERENCE = "strangeness.safetensors"


def load_reference(folder: Path, card: Card) -> Reference | None:
    """Return what known images look like to the network; None where the card or the folder does not say.

    Raises:
        CheckpointError: when the file is damaged.
    """
    path = folder / OOD_REFERENCE
    if card.ood is None or not path.exists():
        return None
    try:
        return Reference.from_arrays({name: array.numpy() for name, array in load_tensors(path).items()})
    except ValueError as error:
        raise CheckpointError(f"{path} is damaged: {error}; copy the checkpoint again.") from None


def check_checkpoint(folder: Path) -> None:
    """Raise CheckpointError unless all of a folder can be loaded."""
    _, card = load_checkpoint(folder)
    load_reference(folder, card)


def write_reference(folder: Path, reference: Reference) -> None:
    """Write it beside the weights, replacing an older one in one step."""
    new = folder / f"{OOD_REFERENCE}.new"
    save_tensors(new, {name: torch.from_numpy(array) for name, array in reference.to_arrays().items()})
    replace_path(new, folder / OOD_REFERENCE)
