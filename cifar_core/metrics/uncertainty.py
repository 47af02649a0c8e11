"""How far an accuracy can be trusted, and when two are too close to tell apart. No numpy: listings use it."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CLEAR = 2.0  # standard errors of a difference; chance alone goes beyond them once in twenty times


@dataclass(frozen=True)
class Accuracy:
    """The share of right answers (0..1) among `n` images, 1 or more; split: "test" or "validation"."""

    share: float
    n: int
    split: str = "test"

    @property
    def error(self) -> float:
        """Its binomial standard error, 0..1; never below that of half an image."""
        return math.sqrt(max(self.share * (1 - self.share), 0.25 / self.n) / self.n)

    def is_clear_of(self, other: "Accuracy") -> bool:
        """Return whether they differ by more than chance explains: CLEAR standard errors of the difference.

        Each is taken as measured on images of its own. On the very same images networks err alike, and a
        smaller difference could be told: this errs on the side of caution.
        """
        return abs(self.share - other.share) > CLEAR * math.hypot(self.error, other.error)


def paired_difference(before: "NDArray[np.bool_]", after: "NDArray[np.bool_]") -> tuple[float, float]:
    """How much larger the share of right answers is after than before, and its standard error, both 0..1.

    before, after: (N,), N 1 or more, the same images. Only images that changed sides count (McNemar 1947);
    the error is never below that of one such image, since none may be chance as well.
    """
    gained, lost = int((after & ~before).sum()), int((before & ~after).sum())
    difference = (gained - lost) / len(before)
    variance = max(gained + lost, 1) / len(before) - difference**2
    return difference, math.sqrt(max(variance, 0.0) / len(before))
