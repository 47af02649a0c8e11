"""Batches from a data set that lives in memory: cut, augmented and normalized as whole-batch tensor work.

The order and the augmentation of an epoch derive from (seed, epoch) alone, so a resumed run sees the same
batches without any saved loader state.
"""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cifar_core.augment import PhotoChanges, cutout, estrange, flip, jitter, resize, shift
from cifar_core.config import TrainConfig
from cifar_core.models.normalization import Normalization
from cifar_core.settings import choose
from cifar_core.training.ranks import ALONE, Ranks

Batch = tuple[Tensor, Tensor]  # images (N, 3, 32, 32) normalized float, targets (N,) int64
# A Batch, with outliers after its N images where asked for; of teachers also the probabilities (N, classes).
# Of several ranks each has its share of all but the targets, which are the whole batch's.
Taught = tuple[Tensor, ...]

AUGMENTATIONS: dict[str, tuple[str, ...]] = {  # the config's choice -> what changes
    "none": (),
    "flip": ("mirror",),
    "flip_crop": ("mirror", "crop"),
    "flip_crop_cutout": ("mirror", "crop", "cutout"),
}


@dataclass(frozen=True)
class Augmentation:
    """Random changes of training images: largest shift and side of the cutout in pixels, 0 for none.

    alternate: every image is mirrored in every other epoch, half of them in the odd ones, instead of by
    chance (airbench, arXiv 2404.00498); reflect: a shift uncovers the reflected image instead of black;
    jitter: largest change of brightness (in standard deviations) and contrast (as a share)."""

    mirror: bool = False
    alternate: bool = False
    padding: int = 0
    reflect: bool = False
    cutout_size: int = 0
    jitter: float = 0.0
    photo: PhotoChanges = field(default_factory=PhotoChanges)
    outliers: float = 0.0

    @classmethod
    def of(cls, config: TrainConfig) -> "Augmentation":
        """Return the config's augmentation in numbers."""
        changes = choose(AUGMENTATIONS, "augmentation", config.augmentation)
        return cls(
            mirror="mirror" in changes,
            alternate=config.alternate_flip,
            padding=config.crop_padding if "crop" in changes else 0,
            reflect=config.crop_border == "reflect",
            cutout_size=config.cutout_size if "cutout" in changes else 0,
            jitter=config.jitter,
            photo=PhotoChanges(
                (config.smallest_crop, config.largest_crop),
                config.stretch,
                config.sharpness,
                config.saturation,
                config.jpeg,
            ),
            outliers=config.outliers,
        )


def outlier_count(share: float, images: int) -> int:
    """Outliers beside a batch of so many images; noise takes two."""
    count = round(share * images)
    return count if count > 1 else 0


@dataclass(frozen=True)
class Draws:
    """The random numbers of one epoch over N images, by position in the order."""

    order: Tensor  # (N,) image numbers
    flips: Tensor  # (N,) bool
    offsets: Tensor  # (N, 2) rows and columns
    corners: Tensor  # (N, 2)
    jitters: Tensor  # (N, 2) brightness and contrast, -1..1
    photos: Tensor  # (N, 7) crop's side, stretch, row and column, sharpness, saturation, JPEG, 0..1
    strange: Tensor  # (N, 2) an outlier's kind and turn, 0..1

    @classmethod
    def of_epoch(cls, n: int, seed: int, epoch: int, augmentation: Augmentation) -> "Draws":
        """Drawn on the CPU from (seed, epoch), so equal on every device."""
        generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
        size = augmentation.cutout_size
        draws = cls(
            torch.randperm(n, generator=generator),
            torch.rand(n, generator=generator) < 0.5,
            torch.randint(0, 2 * augmentation.padding + 1, (n, 2), generator=generator),
            torch.randint(-(size // 2), 32 - (size + 1) // 2 + 1, (n, 2), generator=generator),
            2 * torch.rand(n, 2, generator=generator) - 1,
            torch.rand(n, 7, generator=generator),
            torch.rand(n, 2, generator=generator),
        )
        return draws._alternating(seed, epoch) if augmentation.alternate else draws

    def _alternating(self, seed: int, epoch: int) -> "Draws":
        """The same draws, each image's flip in epoch 1 from the seed and the other way in the next."""
        generator = torch.Generator().manual_seed(seed * 1_000_003)
        first = torch.rand(len(self.order), generator=generator) < 0.5
        return dataclasses.replace(self, flips=first[self.order] ^ (epoch % 2 == 0))


def _within(part: slice, own: slice) -> slice:
    """The places of the rows `own` of a part."""
    return slice(part.start + own.start, part.start + own.stop)


class Batches:
    """A split on the training device, as uint8, and the batches of each epoch.

    images: uint8 (N, 3, 32, 32); targets: int64 (N,). The last batch of an epoch may be smaller; a last
    training batch of one image is left out, as batch norm cannot learn from one.

    size_of: epoch -> side of the training images in pixels; small images cost little time (progressive
    resizing, Howard 2018). Evaluation always sees images as they are.

    teacher: pixels 0..255 (N, 3, 32, 32) -> probabilities (N, num_classes). It is shown each training image
    as it is cropped, whole and unspoiled: what it says of that is to be learned for the changed one.

    ranks: those that share each training batch, and take turns at the batches that are evaluated.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        targets: NDArray[np.int64],
        normalization: Normalization,
        batch_size: int,
        device: torch.device,
        augmentation: Augmentation | None = None,
        seed: int = 0,
        size_of: Callable[[int], int] | None = None,
        teacher: Callable[[Tensor], Tensor] | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        self.images = torch.tensor(images, device=device)
        self.targets = torch.tensor(targets, dtype=torch.int64, device=device)
        self.normalize, self.batch_size = normalization, batch_size
        self.augmentation, self.seed = augmentation or Augmentation(), seed
        self.teacher, self.ranks = teacher, ranks
        self.size_of = size_of or (lambda epoch: self.images.shape[2])

    def __len__(self) -> int:
        """Training batches in one epoch."""
        full, rest = divmod(len(self.targets), self.batch_size)
        return full + (rest > 1)

    @property
    def num_images(self) -> int:
        """Images in one epoch."""
        return len(self.targets)

    def in_order(self) -> Iterator[Batch]:
        """Every image once, in its own order, unchanged: for evaluation.

        Ranks take turns at the batches; one for which the last round has none left gets an empty one.
        """
        pairs = list(
            zip(self.images.split(self.batch_size), self.targets.split(self.batch_size), strict=True)
        )
        pairs += [(self.images[:0], self.targets[:0])] * (-len(pairs) % self.ranks.size)
        for images, targets in pairs[self.ranks.rank :: self.ranks.size]:
            yield self.normalize(images), targets

    def epoch(self, epoch: int, start: int = 0) -> Iterator[Taught]:
        """The augmented batches of epoch number `epoch`, from batch number `start` on."""
        draws = Draws.of_epoch(self.num_images, self.seed, epoch, self.augmentation)
        size = self.size_of(epoch)
        for number in range(start, len(self)):
            part = slice(number * self.batch_size, min((number + 1) * self.batch_size, self.num_images))
            targets = self.targets[draws.order[part].to(self.targets.device)]
            own = _within(part, self.ranks.rows(len(targets)))
            images = self._placed(draws, own)
            taught = (self.teacher(images),) if self.teacher else ()
            finished = self._finished(images, draws, own, size)
            yield self._with_outliers(finished, images, draws, part, size), targets, *taught

    def _placed(self, draws: Draws, part: slice) -> Tensor:
        """Pixels 0..255, shifted, mirrored and cropped."""
        augmentation, device = self.augmentation, self.images.device
        images = self.images[draws.order[part].to(device)]
        if augmentation.padding:
            offsets = draws.offsets[part].to(device)
            images = shift(images, offsets, augmentation.padding, augmentation.reflect)
        if augmentation.mirror:
            images = flip(images, draws.flips[part].to(device))
        return augmentation.photo.place(images, draws.photos[part, :4].to(device))

    def _finished(self, images: Tensor, draws: Draws, part: slice, size: int) -> Tensor:
        """Of pixels 0..255: tinted, damaged, cut out, normalized, of the epoch's size, channels last."""
        augmentation = self.augmentation
        photos = draws.photos[part].to(images.device)
        images = augmentation.photo.damage(augmentation.photo.tint(images, photos[:, 4:6]), photos[:, 6])
        if augmentation.cutout_size:
            images = cutout(images, draws.corners[part].to(images.device), augmentation.cutout_size)
        images = self.normalize(images)
        if augmentation.jitter:
            jitters = draws.jitters[part].to(images.device) * augmentation.jitter
            images = jitter(images, jitters[:, 0], 1 + jitters[:, 1])
        return resize(images, size).contiguous(memory_format=torch.channels_last)

    def _with_outliers(
        self, finished: Tensor, images: Tensor, draws: Draws, part: slice, size: int
    ) -> Tensor:
        """The finished images, and after them outliers made of the first images of the batch.

        images: pixels 0..255 of this rank's share; noise takes what others may have.
        """
        count = outlier_count(self.augmentation.outliers, part.stop - part.start)
        if not count:
            return finished
        first = slice(part.start, part.start + count)
        images = images[:count] if self.ranks.size == 1 else self._placed(draws, first)
        strange = estrange(images, draws.strange[first].to(images.device))
        own = self.ranks.share(count)
        outliers = self._finished(strange[own], draws, _within(first, own), size)
        return torch.cat([finished, outliers]).contiguous(memory_format=torch.channels_last)

    def seen(self, epoch: int) -> NDArray[np.uint8]:
        """The epoch's first batch as a person sees it: uint8 (N, H, W, 3)."""
        images, targets, *_ = next(self.epoch(epoch))
        return self.normalize.undo(images[: len(targets)])
