"""What was measured on labeled images, and the plain values that say so."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.metrics import per_class_accuracy


@dataclass(frozen=True)
class Evaluated:
    """Accuracy (0..1), mean cross-entropy (nats), number of images, counts [true class, predicted class].

    called_none: share (0..1) that counts as none of the classes, though it is of them; None where the
    checkpoint has no measure of strangeness.
    """

    accuracy: float
    loss: float
    n: int
    confusion: NDArray[np.int64]
    class_names: list[str]
    called_none: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `per_class` maps a name to the share of its images that were recognized."""
        shares = per_class_accuracy(self.confusion)
        recognized = {
            name: None if np.isnan(share) else float(share)
            for name, share in zip(self.class_names, shares, strict=True)
        }
        return {
            "accuracy": self.accuracy,
            "loss": self.loss,
            "n": self.n,
            "called_none": self.called_none,
            "per_class": recognized,
            "confusion": self.confusion.tolist(),
        }
