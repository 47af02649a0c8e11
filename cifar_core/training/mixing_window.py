"""The mixing coefficients of the training batches: means since the last Step event, now and then by class."""

from typing import Any

import torch
from torch import Tensor

BY_CLASS_EVERY = 10  # Step events


class MixingWindow:
    """Sums of the coefficients by class, on the device and without waiting for it.

    kernels: K of each block; no block, no work. All blocks' coefficients lie side by side: one sum a step.
    """

    def __init__(self, kernels: list[int], num_classes: int, device: torch.device) -> None:
        self.kernels = kernels
        self.sums = torch.zeros(num_classes, sum(kernels), device=device)  # since the last event by class
        self.counts = torch.zeros(num_classes, device=device)  # images, likewise
        self.told = torch.zeros(sum(kernels), device=device)  # of the sums, what earlier events told
        self.images = 0  # since the last event
        self.events = 0

    def add(self, record: list[Tensor], targets: Tensor) -> None:
        """Add a batch: record holds (N, K) a block, targets are (N,)."""
        if self.kernels:
            self.sums.index_add_(0, targets, torch.cat(record, dim=1).to(self.sums.dtype))
            self.counts.index_add_(0, targets, torch.ones_like(targets, dtype=self.counts.dtype))
            self.images += len(targets)

    def take(self) -> tuple[list[list[float]], list[list[list[float]]]]:
        """Block -> K means since the last event; on every tenth also block -> class -> K means."""
        if not self.images:
            return [], []
        total = self.sums.sum(dim=0)
        means = [_rounded(part) for part in ((total - self.told) / self.images).split(self.kernels)]
        self.told, self.images, self.events = total, 0, self.events + 1
        return means, self._take_classes() if self.events % BY_CLASS_EVERY == 0 else []

    def _take_classes(self) -> list[list[list[float]]]:
        counts = self.counts.tolist()
        rows = (self.sums / self.counts.clamp(min=1)[:, None]).split(self.kernels, dim=1)
        for sums in (self.sums, self.counts, self.told):
            sums.zero_()
        return [
            [_rounded(row) if count else [] for row, count in zip(block, counts, strict=True)]
            for block in rows
        ]

    def state_dict(self) -> dict[str, Any]:
        """All sums."""
        return {name: value for name, value in vars(self).items() if name != "kernels"}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The sums that `state_dict` gave; an empty state, of an earlier version, begins anew."""
        for name in ("sums", "counts", "told"):
            if name in state:
                getattr(self, name).copy_(state[name])
        self.images, self.events = state.get("images", 0), state.get("events", 0)


def _rounded(values: Tensor) -> list[float]:
    return [round(value, 4) for value in values.tolist()]
