"""What a network costs: its parameters, and the multiply-accumulates of one image."""

import torch
from torch.utils.flop_counter import FlopCounterMode

from cifar_core.models.base import ImageClassifier


def count_parameters(model: ImageClassifier) -> int:
    """Trainable numbers."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def count_macs(model: ImageClassifier, size: int = 32) -> int:
    """Multiply-accumulates of the forward pass of one image (in_channels, size, size).

    Counted by torch at batch 1, where a mixing block convolves once, with its mixed kernel.
    """
    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, model.in_channels, size, size, device=device))
    model.train(was_training)
    return int(counter.get_total_flops()) // 2  # two FLOPs in a multiply-accumulate
