"""The networks' sizes, for pages that show them without loading torch.

sizes.json is written by `python -m tests.tools.network_sizes`, which builds and counts every registered
network, and every other one that a recipe trains; a test counts again and compares.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cifar_core.config import TrainConfig
from cifar_core.datasets import CIFAR10
from cifar_core.files import build, read_json

FILE = Path(__file__).with_name("sizes.json")


@dataclass(frozen=True)
class Size:
    """A network and what it costs: trainable numbers, and multiply-accumulates of one image."""

    model: str
    model_args: dict[str, Any]
    classes: int
    parameters: int
    macs: int


@cache
def network_sizes() -> tuple[Size, ...]:
    """All sizes that are kept."""
    return tuple(build(Size, item) for item in read_json(FILE)["networks"])


def known_models() -> list[str]:
    """Names of all registered networks, sorted."""
    return sorted({size.model for size in network_sizes()})


def size_of(config: TrainConfig) -> Size | None:
    """The size of a config's network; None where that is no recipe's, and no network as it is registered.

    Of own classes, whatever their number, it is that for ten: the last layer is a small part.
    """
    data = CIFAR10 if config.data_set.is_own else config.data_set
    wanted = (config.model, config.model_args, len(data.class_names))
    return next((s for s in network_sizes() if (s.model, s.model_args, s.classes) == wanted), None)
