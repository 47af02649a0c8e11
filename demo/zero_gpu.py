"""The classify page on a ZeroGPU Space, which lends a GPU for single calls: `app_file` of such a Space.

A picture takes the processor some 10 ms, and the loan of a GPU takes longer and costs the visitor's quota. So
single pictures and small batches stay on the processor, and only batches of LARGE crops or more borrow.
Elsewhere `spaces.GPU` has no effect, and this is the plain page.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path

import spaces  # before torch, which it changes on ZeroGPU

os.environ["CIFAR_LAB_DEVICE"] = "cpu"  # on ZeroGPU the page's own process sees a GPU that is none
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from torch import Tensor

from cifar_core.checkpoint import Card
from cifar_core.inference.classifier import Classifier
from cifar_core.inference.prediction import Look
from cifar_core.metrics.ood import Reference
from cifar_core.models import ImageClassifier
from demo.app import main

LARGE = 16  # crops; the page takes 24 pictures at once, and a large one has two
LOAN_SECONDS = 15


class BorrowingClassifier(Classifier):
    """Looks at many pictures on the lent GPU, where they make up for the loan."""

    def look(self, pixels: Tensor) -> Look:
        """As Classifier.look; tensors lie on the CPU."""
        if len(pixels) < LARGE:
            return super().look(pixels)
        return look_on_gpu(self.model, self.card, pixels, self.reference)


@spaces.GPU(duration=LOAN_SECONDS)
def look_on_gpu(model: ImageClassifier, card: Card, pixels: Tensor, reference: Reference | None) -> Look:
    """As Classifier.look, in the process that holds the GPU; tensors come back on the CPU."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    look = Classifier(model, card, device, reference=reference).look(pixels)
    return replace(look, logits=look.logits.cpu(), blocks=[statistics.cpu() for statistics in look.blocks])


if __name__ == "__main__":
    sys.exit(main(kind=BorrowingClassifier))
