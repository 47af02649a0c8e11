"""The few validation pictures whose answers a run notes after each epoch, kept beside its events. No torch.

<runs-dir>/<id>/pictures.json   pixels and true classes; the answers are in events.jsonl, epoch by epoch
"""

import base64
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cifar_core.files import StoreError, build, read_json, write_json
from cifar_core.runs.run import Run

FILE = "pictures.json"


@dataclass(frozen=True)
class Sample:
    """Pictures and what they show.

    shape: (N, H, W, 3); pixels: their bytes in base64; targets: N numbers of classes.

    Raises:
        ValueError: when these do not fit one another.
    """

    shape: list[int]
    pixels: str
    targets: list[int]
    class_names: list[str]

    def __post_init__(self) -> None:
        if self.shape != [len(self.targets), *self.images.shape[1:3], 3]:
            raise ValueError(f"there are {len(self.targets)} classes for images of the shape {self.shape}")
        if not all(0 <= target < len(self.class_names) for target in self.targets):
            raise ValueError(f"the classes {self.targets} are not all among {len(self.class_names)}")

    @classmethod
    def of(cls, images: NDArray[np.uint8], targets: Sequence[int], class_names: Sequence[str]) -> "Sample":
        """From images (N, H, W, 3)."""
        pixels = base64.b64encode(np.ascontiguousarray(images).tobytes()).decode()
        return cls(list(images.shape), pixels, list(targets), list(class_names))

    @cached_property
    def images(self) -> NDArray[np.uint8]:
        """The images (N, H, W, 3)."""
        return np.frombuffer(base64.b64decode(self.pixels), np.uint8).reshape(self.shape)

    @property
    def truths(self) -> list[str]:
        """The class of each image."""
        return [self.class_names[target] for target in self.targets]


def write_sample(run: Run, sample: Sample) -> None:
    """Keep a run's pictures."""
    write_json(run.path / FILE, asdict(sample))


def read_sample(run: Run) -> Sample | None:
    """A run's pictures; None where it kept none, as earlier versions did.

    Raises:
        StoreError: when their file is damaged.
    """
    path = run.path / FILE
    if not path.exists():
        return None
    try:
        return build(Sample, read_json(path))
    except (TypeError, ValueError) as error:
        raise StoreError(f"{path} is damaged: {error}.") from None
