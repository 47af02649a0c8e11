"""Where a benchmark ran: machine, threads, precision, versions, and the trainings beside it."""

import os
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from cifar_core.bench.speed_store import live_runs, processors
from cifar_core.device import Device, versions
from cifar_core.runs.store import RunStore

TORCHVISION_MISSING = (
    "torchvision is not installed, so what compares with it is left out: pip install torchvision"
)


def setting_of(device: Device, store: RunStore) -> dict[str, Any]:
    """Plain JSON values; call it before the measuring, whose own load it would else see."""
    return {
        "device": device.name,
        "precision": device.precision,
        "threads": torch.get_num_threads(),
        "processors": processors(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "beside": [run.id for run in live_runs(store)],
        "versions": {**versions(), **installed("torchvision", "pillow", "onnxruntime")},
    }


def installed(*names: str) -> dict[str, str]:
    """Versions of those of the distributions that are installed."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def has_torchvision() -> bool:
    """True when torchvision can be imported; its absence costs rows, not the benchmark."""
    try:
        import torchvision.transforms  # noqa: F401
    except (ImportError, RuntimeError):  # built for another torch
        return False
    return True
