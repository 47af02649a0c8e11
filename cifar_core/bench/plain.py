"""The baselines: mixing in a fixed form, torch's convolutions, training and input as tutorials write them.

torchvision is imported where it is used, because the project runs without it.
"""

import copy
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from cifar_core.config import TrainConfig
from cifar_core.models import ImageClassifier
from cifar_core.models.convolution import Conv2d
from cifar_core.models.mixing import MixingConv2d
from cifar_core.models.normalization import NORMALIZATIONS
from cifar_core.models.ops.mix import FORMS
from cifar_core.training.batches import Augmentation

Replaced = TypeVar("Replaced", bound=nn.Module)
Form = Callable[[Tensor, Tensor, Tensor, Tensor, int, int], Tensor]


class FixedForm(nn.Module):
    """A MixingConv2d that always takes the same form."""

    def __init__(self, convolution: MixingConv2d, form: Form) -> None:
        super().__init__()
        self.convolution, self.form = convolution, form

    def forward(self, x: Tensor) -> Tensor:
        """x (N, in_channels, H, W) -> (N, out_channels, H', W')."""
        mixing = self.convolution
        return self.form(x, mixing.weight, mixing.bias, mixing.coefficients(x), mixing.stride, mixing.padding)


def with_form(model: ImageClassifier, form: Form) -> ImageClassifier:
    """A copy of the network whose mixing convolutions all take one form."""
    return _replaced(model, MixingConv2d, lambda convolution: FixedForm(convolution, form))


def with_plain_convolutions(model: ImageClassifier, kind: type[nn.Conv2d] = nn.Conv2d) -> ImageClassifier:
    """A copy of the network with one convolution of that kind in the place of every mixing one."""
    if kind is nn.Conv2d:
        model = _replaced(model, Conv2d, torchs_convolution)
    return _replaced(model, MixingConv2d, partial(plain_convolution, kind=kind))


def as_tutorials_write(model: ImageClassifier) -> ImageClassifier:
    """A copy with torch's own convolutions, and with the loop of K of them where the network mixes."""
    return with_form(_replaced(model, Conv2d, torchs_convolution), FORMS["loop"])


def plain_convolution(mixing: MixingConv2d, kind: type[nn.Conv2d]) -> nn.Conv2d:
    """One convolution of the same shape."""
    _, c_out, c_in, *kernel_size = mixing.weight.shape
    return kind(c_in, c_out, (kernel_size[0], kernel_size[1]), mixing.stride, mixing.padding)


def torchs_convolution(convolution: Conv2d) -> nn.Conv2d:
    """The same convolution, always computed by torch."""
    torchs = copy.deepcopy(convolution)
    torchs.__class__ = nn.Conv2d  # type: ignore[assignment]
    return torchs


def _replaced(
    model: ImageClassifier, kind: type[Replaced], build: Callable[[Replaced], nn.Module]
) -> ImageClassifier:
    model = copy.deepcopy(model)
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, kind):
                setattr(parent, name, build(child))
    return model


class Pictures(Dataset[tuple[Tensor, int]]):
    """PIL pictures with their class numbers, transformed one by one."""

    def __init__(self, images: NDArray[np.uint8], targets: NDArray[np.int64], transform: Any) -> None:
        self.pictures = [Image.fromarray(image) for image in images.transpose(0, 2, 3, 1)]
        self.targets, self.transform = targets.tolist(), transform

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(self.pictures[index]), self.targets[index]


def train_transform(config: TrainConfig) -> Any:
    """The config's crop and flip, then ToTensor and Normalize, by torchvision; a cutout is left out."""
    from torchvision import transforms

    wanted, normalization = Augmentation.of(config), NORMALIZATIONS[config.normalization]
    steps: list[Any] = [transforms.RandomCrop(32, padding=wanted.padding)] if wanted.padding else []
    steps += [transforms.RandomHorizontalFlip()] if wanted.mirror else []
    steps += [transforms.ToTensor(), transforms.Normalize(normalization.mean, normalization.std)]
    return transforms.Compose(steps)


def tutorial_loader(
    images: NDArray[np.uint8], targets: NDArray[np.int64], config: TrainConfig, workers: int
) -> "DataLoader[tuple[Tensor, int]]":
    """The DataLoader of the tutorials: shuffled, whole batches of PIL pictures.

    Its processes stay from epoch to epoch, unlike in most tutorials: else short epochs would only show how
    long they take to start.
    """
    pictures = Pictures(images, targets, train_transform(config))
    return DataLoader(
        pictures,
        config.batch_size,
        shuffle=True,
        num_workers=workers,
        drop_last=True,
        persistent_workers=workers > 0,
    )


class TutorialSteps:
    """The loop of the tutorials, one step a call: fp32, NCHW, eager, torch.optim.SGD, loss.item()."""

    def __init__(self, model: nn.Module, loader: Any, device: torch.device) -> None:
        self.model, self.loader, self.device = model.to(device).train(), loader, device
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
        self.running_loss = 0.0
        self.batches = self._endless()

    def _endless(self) -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            yield from self.loader

    def step(self) -> None:
        """The next batch, forward, backward, optimizer."""
        images, targets = next(self.batches)
        images, targets = images.to(self.device), targets.to(self.device)
        self.optimizer.zero_grad()
        loss = self.criterion(self.model(images), targets)
        loss.backward()
        self.optimizer.step()
        self.running_loss += loss.item()
