"""Teachers: trained networks whose mean answer to a training image is learned from, beside its label.

Hinton et al. 2015, arXiv 1503.02531. The answers are to the very crop that is learned from (Beyer et al.
2022, arXiv 2106.05237), anew with each batch: one that shows little of a thing gets an unsure answer.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cifar_core.checkpoint import load_checkpoint, resolve_checkpoint
from cifar_core.config import ConfigError, TrainConfig
from cifar_core.device import Device
from cifar_core.models.normalization import Normalization


class Teachers:
    """Networks with their normalizations, in eval mode; they answer with the mean of their probabilities."""

    def __init__(self, members: Sequence[tuple[nn.Module, Normalization]], device: Device) -> None:
        self.device = device
        self.members = [
            (model.to(device.torch_device).to(memory_format=torch.channels_last).eval(), normalization)
            for model, normalization in members
        ]

    @classmethod
    def of(cls, config: TrainConfig, class_names: Sequence[str], device: Device) -> "Teachers | None":
        """The config's teachers; None where it names none.

        Raises:
            UnknownCheckpoint, CheckpointError: when one is missing or damaged.
            ConfigError: when one knows other classes.
        """
        members = []
        for name in config.teacher_names:
            model, card = load_checkpoint(resolve_checkpoint(name))
            if card.class_names != list(class_names):
                theirs, ours = ", ".join(card.class_names), ", ".join(class_names)
                raise ConfigError(f"The teacher '{name}' knows {theirs}; it must know the classes {ours}.")
            members.append((model, Normalization(tuple(card.mean), tuple(card.std))))
        return cls(members, device) if members else None

    @torch.no_grad()
    def __call__(self, images: Tensor) -> Tensor:
        """Pixels 0..255 (N, 3, H, W) -> probabilities (N, num_classes)."""
        with self.device.autocast():
            answers = [model(normalize(images)).float().softmax(dim=1) for model, normalize in self.members]
        return torch.stack(answers).mean(dim=0)
