"""A config's real training step, on drawn images: its speed does not depend on what they show."""

import itertools
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from torch import Tensor

from cifar_core.config import TrainConfig
from cifar_core.data.dataset import ImageData, Split
from cifar_core.data.synthetic import make_synthetic
from cifar_core.datasets import SYNTHETIC
from cifar_core.device import Device
from cifar_core.estimate.speed import FULL_SIZE, images_an_epoch
from cifar_core.models import ImageClassifier, create_model
from cifar_core.training.setup import SEEN_IMAGES, make_batches
from cifar_core.training.teachers import Teachers
from cifar_core.training.trainer import Trainer

HELD_OUT = 500  # drawn images for validation
DRAWN = 2000


@lru_cache(maxsize=2)
def drawn_images(count: int) -> Split:
    """`count` images (count, 3, 32, 32): DRAWN different ones, repeated where that is too few."""
    drawn = make_synthetic(train_size=min(count, DRAWN), test_size=10).train
    repeats = -(-count // len(drawn))
    return Split(np.tile(drawn.images, (repeats, 1, 1, 1))[:count], np.tile(drawn.targets, repeats)[:count])


def create_network(config: TrainConfig) -> ImageClassifier:
    """The config's network with the classes of the drawn set, on the CPU."""
    return create_model(config.model, num_classes=len(SYNTHETIC.class_names), **config.model_args)


class Steps:
    """Training steps, one a call, on the next batch: cut, augment, forward, backward, optimizer, average.

    batch: images in a step, where it shall not be the config's own number.
    plain_layout: hand the images over with channels first in memory (NCHW).
    """

    def __init__(
        self,
        config: TrainConfig,
        device: Device,
        model: ImageClassifier | None = None,
        batch: int = 0,
        plain_layout: bool = False,
    ) -> None:
        self.plain_layout = plain_layout
        self.batch = batch or config.batch_size
        drawn = drawn_images(max(DRAWN, 2 * self.batch + HELD_OUT))
        self.data = ImageData(drawn, drawn, (), "drawn", "", "drawn")
        self.config = config.replace(batch_size=self.batch, val_size=HELD_OUT, train_size=0)
        self.device = device
        self.teachers = Teachers.of(config, config.data_set.class_names, device)
        train, self.val = make_batches(self.config, self.data, device.torch_device)
        steps_per_epoch = max(1, images_an_epoch(config) // self.batch)
        if model is None:
            model = create_network(config)
            model.initialize_from_data(train.normalize(train.images[:SEEN_IMAGES]).cpu())
        self.trainer = Trainer(model, config, device, steps_per_epoch)
        self.trainer.model.train()
        self.batches: dict[int, Iterator[tuple[Tensor, ...]]] = {}  # by image size

    def _whole_batches(self, size: int) -> Iterator[tuple[Tensor, ...]]:
        """Full batches of size x size, epoch after epoch."""
        config = self.config.replace(image_sizes=(size,))
        train, _ = make_batches(config, self.data, self.device.torch_device, self.teachers)
        for epoch in itertools.cycle(range(1, config.epochs + 1)):
            yield from itertools.islice(train.epoch(epoch), train.num_images // self.batch)

    def step(self, size: int = FULL_SIZE) -> None:
        """One training step on images of size x size."""
        if size not in self.batches:
            self.batches[size] = self._whole_batches(size)
        images, targets, *_ = next(self.batches[size])  # teachers take their time, and count no further
        if self.plain_layout:
            images = images.contiguous()
        self.trainer.train_step(images, targets)
