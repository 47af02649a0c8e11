"""A tiny network, tiny pictures that can be told apart, and the trainer around them."""

import numpy as np
import torch
from torch import nn

from cifar_core.config import TrainConfig
from cifar_core.device import Device
from cifar_core.models import ImageClassifier
from cifar_core.models.normalization import Normalization
from cifar_core.runs.events import Resume
from cifar_core.training.batches import Augmentation, Batches
from cifar_core.training.loop import fit
from cifar_core.training.trainer import Trainer

CPU = torch.device("cpu")
DEVICE = Device(CPU, "fp32", "a CPU")
SIDE, CLASSES = 8, 4
CENTERED = Normalization((0.5,) * 3, (0.25,) * 3)


class TinyNet(ImageClassifier):
    """Convolution -> [batch norm] -> ReLU -> average over quarters -> [dropout] -> linear."""

    def __init__(self, batch_norm: bool = False, dropout: float = 0.0) -> None:
        super().__init__()
        self.num_classes = CLASSES
        norm = nn.BatchNorm2d(6) if batch_norm else nn.Identity()
        self.features = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), norm, nn.ReLU(), nn.AvgPool2d(SIDE // 2))
        self.head = nn.Sequential(nn.Flatten(), nn.Dropout(dropout), nn.Linear(24, CLASSES))

    def forward_features(self, images):
        return self.features(images)

    def forward_head(self, features):
        return self.head(features)


def tiny_net(seed: int = 0, **arguments) -> TinyNet:
    """A TinyNet with the weights of `seed`."""
    torch.manual_seed(seed)
    return TinyNet(**arguments)


def toy_split(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """n noisy pictures (3, 8, 8) of 4 classes: each class is bright in a quarter of its own."""
    generator = np.random.default_rng(seed)
    targets = np.arange(n, dtype=np.int64) % CLASSES
    images = generator.integers(0, 120, (n, 3, SIDE, SIDE))
    for image, target in zip(images, targets, strict=True):
        row, column = 4 * (target // 2), 4 * (target % 2)
        image[:, row : row + 4, column : column + 4] += 80
    return images.astype(np.uint8), targets


def train_batches(n: int = 40, batch_size: int = 8, augmentation: Augmentation | None = None) -> Batches:
    """Batches of a toy training split."""
    return Batches(*toy_split(n), CENTERED, batch_size, CPU, augmentation)


def val_batches(n: int = 18, batch_size: int = 10) -> Batches:
    """Batches of another toy split."""
    return Batches(*toy_split(n, seed=1), CENTERED, batch_size, CPU)


def toy_config(**changes) -> TrainConfig:
    """Two epochs of plain SGD at a constant rate, unless changed."""
    plain = {"epochs": 2, "optimizer": "sgd", "momentum": 0.0, "lr": 0.1, "schedule": "constant"}
    return TrainConfig(**{**plain, **changes})


def trainer_of(model: nn.Module, steps_per_epoch: int = 5, **changes) -> Trainer:
    """A trainer of `model` by `toy_config(**changes)`."""
    return Trainer(model, toy_config(**changes), DEVICE, steps_per_epoch)


def run(trainer: Trainer, train: Batches | None = None, val: Batches | None = None) -> list:
    """All events of `fit` on toy batches."""
    return list(fit(trainer, train or train_batches(), val or val_batches(), Resume(trainer.step, 0.0)))


def weights_of(model: nn.Module) -> dict[str, torch.Tensor]:
    """A copy of the parameters."""
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
