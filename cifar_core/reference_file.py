"""The file beside a checkpoint's weights with what is usual to the network; see strangeness.py."""

import os
from pathlib import Path

import torch

from cifar_core.checkpoint import Card, CheckpointError, load_tensors, save_tensors
from cifar_core.strangeness import Reference

STRANGENESS = "strangeness.safetensors"


def load_reference(folder: Path, card: Card) -> Reference | None:
    """What known pictures look like to the network; None where the card or the folder says nothing of it.

    Raises:
        CheckpointError: when the file is damaged.
    """
    path = folder / STRANGENESS
    if card.unknown is None or not path.exists():
        return None
    try:
        return Reference.from_arrays({name: array.numpy() for name, array in load_tensors(path).items()})
    except ValueError as error:
        raise CheckpointError(f"{path} is damaged: {error}; copy the checkpoint again.") from None


def write_reference(folder: Path, reference: Reference) -> None:
    """Write it beside the weights, replacing an older one in one step."""
    new = folder / f"{STRANGENESS}.new"
    save_tensors(new, {name: torch.from_numpy(array) for name, array in reference.to_arrays().items()})
    os.replace(new, folder / STRANGENESS)
