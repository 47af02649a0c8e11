"""Checkpoints that nobody trained: small networks with random weights and made-up cards."""

import dataclasses
from pathlib import Path

import torch

from cifar_core.checkpoint import Card, save_checkpoint
from cifar_core.data import CLASS_NAMES
from cifar_core.models import create_model

OTHER = "other.v1"  # a second toy beside the default
CARD = Card(
    model="mixing_lite",
    model_args={"widths": [4, 8]},
    class_names=list(CLASS_NAMES),
    mean=[0.5, 0.5, 0.5],
    std=[0.25, 0.25, 0.25],
    parameters=1_234,
    macs=56_789,
    recipe="smoke",
    seed=3,
    config={},
    epoch=2,
    data_source="synthetic",
    data_fingerprint="0123456789abcdef" * 4,
    device="a toy",
    precision="fp32",
    wall_time_seconds=130.0,
    versions={"torch": "2.14.1"},
    metrics={"test": {"accuracy": 0.9123, "loss": 0.3, "n": 10_000}},
)


def save_toy(folder: Path, seed: int = 0, **changes: object) -> Path:
    """Write a toy checkpoint into `folder`; `changes` go to its card."""
    card = dataclasses.replace(CARD, **changes)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = create_model(card.model, **{"num_classes": len(card.class_names), **card.model_args})
    folder.parent.mkdir(parents=True, exist_ok=True)
    save_checkpoint(folder, model, card)
    return folder
