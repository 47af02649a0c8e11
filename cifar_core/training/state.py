"""The state of a run between two processes, as safetensors and JSON: no pickle, no loss of a bit.

A nested structure of dicts, lists, tensors and plain values is split into its tensors (named by number and
path) and a JSON skeleton in which {"tensor": name} marks their places.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from cifar_core.checkpoint import CheckpointError, load_tensors, save_tensors
from cifar_core.config import TrainConfig
from cifar_core.files import write_json
from cifar_core.training.setup import Workplace

TENSORS, SKELETON = "resume.safetensors", "resume.json"


@dataclass(frozen=True)
class Saved:
    """The state that a later process goes on from: the trainer's, its workplace, and which data it saw."""

    trainer: dict[str, Any]
    workplace: Workplace
    data_fingerprint: str
    events_size: int


@dataclass(frozen=True)
class Task:
    """What the leader tells the other ranks of the run: they need none of its files."""

    config: TrainConfig
    data_dir: Path | None
    saved: Saved | None


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Write `state` into an existing folder and read it back; dict keys may be words or whole numbers."""
    tensors: dict[str, Tensor] = {}
    skeleton = _take_tensors(state, "state", tensors)
    save_tensors(folder / TENSORS, tensors)
    write_json(folder / SKELETON, skeleton)


def load_state(folder: Path) -> dict[str, Any]:
    """The structure that `save_state` wrote.

    Raises:
        CheckpointError: when a file is missing or damaged.
    """
    try:
        skeleton = json.loads((folder / SKELETON).read_text(encoding="utf-8"))
        state = _put_tensors(skeleton, load_tensors(folder / TENSORS))
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(f"The saved state in {folder} is damaged: {error}.") from None
    if not isinstance(state, dict):
        raise CheckpointError(f"The saved state in {folder} is damaged: {SKELETON} is no JSON object.")
    return state


def _take_tensors(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        name = f"{len(tensors)} {path}"  # the number: keys that hold dots may give one path twice
        tensors[name] = value.detach().cpu().clone().contiguous()
        return {"tensor": name}
    if isinstance(value, dict):
        items = value.items()
        return {"items": [[key, _take_tensors(item, f"{path}.{key}", tensors)] for key, item in items]}
    if isinstance(value, list | tuple):
        return [_take_tensors(item, f"{path}.{number}", tensors) for number, item in enumerate(value)]
    return value


def _put_tensors(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, dict) and "tensor" in value:
        return tensors[value["tensor"]]
    if isinstance(value, dict):
        return {key: _put_tensors(item, tensors) for key, item in value["items"]}
    if isinstance(value, list):
        return [_put_tensors(item, tensors) for item in value]
    return value
