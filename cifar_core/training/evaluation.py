"""Measure a network on batches: loss, accuracy, and what its blocks mix, class by class."""

import math
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from cifar_core.device import Device
from cifar_core.runs.events import ANSWERED, BlockMixing
from cifar_core.training.ranks import ALONE, Ranks


@dataclass(frozen=True)
class Evaluation:
    """Mean cross-entropy (nats), accuracy (0..1), images, and the mixing coefficients of each block.

    answers: probabilities (ANSWERED, num_classes) for the first images.
    """

    loss: float
    accuracy: float
    n: int
    mixing: list[BlockMixing] = field(default_factory=list)
    answers: list[list[float]] = field(default_factory=list)


class MixingSums:
    """Sums of mixing coefficients by block and class, and of their entropy, kept on the device."""

    def __init__(self, names: list[str], num_classes: int) -> None:
        self.names, self.num_classes = names, num_classes
        self.sums: list[Tensor] = []  # (num_classes, K) a block
        self.entropies: list[Tensor] = []  # () a block
        self.counts = torch.zeros(num_classes)

    def add(self, record: list[Tensor], targets: Tensor) -> None:
        """Add one batch: record holds (N, K) a block, targets are (N,)."""
        if not self.names:
            return
        if not self.sums:
            self.sums = [block.new_zeros(self.num_classes, block.shape[1]) for block in record]
            self.entropies = [block.new_zeros(()) for block in record]
        self.counts += torch.bincount(targets, minlength=self.num_classes).cpu()
        for number, block in enumerate(record):
            self.sums[number].index_add_(0, targets, block)
            shares = block / block.sum(dim=1, keepdim=True).clamp(min=1e-30)  # sigmoids can all be 0
            self.entropies[number] += torch.special.entr(shares).sum() / math.log(max(2, block.shape[1]))

    def add_up(self, ranks: Ranks, kernels: list[int]) -> None:
        """Take the sums over all ranks; kernels: K of each block."""
        if not self.sums and ranks.size > 1:  # no batch was left for this one
            self.sums = [torch.zeros(self.num_classes, count) for count in kernels]
            self.entropies = [torch.zeros(()) for _ in kernels]
        self.sums, self.entropies = ([one.cpu() for one in part] for part in (self.sums, self.entropies))
        ranks.total([self.counts, *self.sums, *self.entropies])

    def result(self) -> list[BlockMixing]:
        """Means over all images, by class, and of the entropy."""
        n, counts = self.counts.sum().item(), self.counts.clamp(min=1)[:, None]
        return [
            BlockMixing(
                block=name,
                mean=_rounded(sums.cpu().sum(dim=0) / n),
                per_class=[_rounded(row) for row in sums.cpu() / counts],
                entropy=round(entropy.item() / n, 6),
            )
            for name, sums, entropy in zip(self.names, self.sums, self.entropies, strict=False)
        ]


def _rounded(values: Tensor) -> list[float]:
    return [round(value, 6) for value in values.tolist()]


@torch.no_grad()
def evaluate(
    model: torch.nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    device: Device,
    ranks: Ranks = ALONE,
) -> Generator[None, None, Evaluation]:
    """Run the model in eval mode over (images, targets); yields after each batch, returns the Evaluation.

    Each rank has batches of its own, as many as the others; the Evaluation is that of all, its answers are
    those of the leader's.
    """
    was_training = model.training
    model.eval()
    mixing = MixingSums(model.mixing_blocks(), model.num_classes)  # type: ignore[operator, arg-type]
    loss, correct, n = 0.0, 0, 0
    answers: list[list[float]] = []
    try:
        with model.record_mixing() as record:  # type: ignore[operator]
            for images, targets in batches:
                if not len(targets):
                    yield
                    continue
                with device.autocast():
                    logits = model(images)
                logits = logits.float()
                loss += cross_entropy(logits, targets, reduction="sum").item()
                correct += int((logits.argmax(dim=1) == targets).sum())
                n += len(targets)
                rows = logits[: ANSWERED - len(answers)].softmax(dim=1).tolist()
                answers += [[round(value, 4) for value in row] for row in rows]
                mixing.add(record, targets)
                yield
    finally:  # also when the caller leaves between two batches
        model.train(was_training)
    figures = torch.tensor([loss, correct, n], dtype=torch.float64)
    ranks.total([figures])
    mixing.add_up(ranks, model.mixing_kernels())  # type: ignore[operator]
    loss, correct, n = figures.tolist()
    return Evaluation(loss / n, correct / n, int(n), mixing.result(), answers)
