"""The classify page on a ZeroGPU Space, which lends a GPU for single calls: `app_file` of such a Space.

A picture takes the processor some 10 ms, and the loan of a GPU takes longer and costs the visitor's quota. So
single pictures and small batches stay on the processor, and only batches of LARGE pictures or more borrow.
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

LARGE = 16  # pictures; the page takes 24 at once
LOAN_SECONDS = 15

_on_processor = Classifier.look


@spaces.GPU(duration=LOAN_SECONDS)
def look_on_gpu(model: ImageClassifier, card: Card, pixels: Tensor, reference: Reference | None) -> Look:
    """As Classifier.look, in the process that holds the GPU; tensors come back on the CPU."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    seen = _on_processor(Classifier(model, card, device, reference=reference), pixels)
    return replace(seen, logits=seen.logits.cpu(), blocks=[statistics.cpu() for statistics in seen.blocks])


def look(classifier: Classifier, pixels: Tensor) -> Look:
    """As Classifier.look: by the lent GPU where there are enough pictures to make up for the loan."""
    if len(pixels) < LARGE:
        return _on_processor(classifier, pixels)
    return look_on_gpu(classifier.model, classifier.card, pixels, classifier.reference)


if __name__ == "__main__":
    setattr(Classifier, "look", look)  # noqa: B010 (mypy refuses the assignment)
    sys.exit(main())
