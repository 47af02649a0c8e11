"""The preparation of a run: device, data, batches, network, trainer, and the facts of its card."""

import dataclasses
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch

from cifar_core.checkpoint import (
    Card,
    CheckpointError,
    list_checkpoints,
    load_card,
    load_checkpoint,
    resolve_checkpoint,
)
from cifar_core.config import ConfigError, TrainConfig
from cifar_core.data import DataError, ImageData, load_data, split_train_val
from cifar_core.device import Device, describe, find_device, versions
from cifar_core.format import describe_schedule
from cifar_core.models import ImageClassifier, count_macs, count_parameters, create_model
from cifar_core.models.normalization import NORMALIZATIONS
from cifar_core.runs.events import ANSWERED, RunStart
from cifar_core.runs.sample import Sample
from cifar_core.training.batches import Augmentation, Batches
from cifar_core.training.ranks import ALONE, Ranks
from cifar_core.training.teachers import Teachers
from cifar_core.training.trainer import Trainer

EVALUATION_BATCH = 500
SEEN_IMAGES = 5000  # shown to the network before its first step


@dataclass(frozen=True)
class Workplace:
    """The device, precision, threads and ranks of a run, which a resumed run keeps so that it stays equal."""

    device: str
    precision: str
    threads: int
    ranks: int = 1

    def device_again(self, ranks: Ranks = ALONE) -> Device:
        """The same device and precision, with as many threads where there are as many ranks."""
        if ranks.size == self.ranks:
            torch.set_num_threads(self.threads)
        else:
            _tell_of_change(f"began with {_processes(self.ranks)}", _processes(ranks.size))
        found = find_device(self.precision, only_cpu=self.device == "cpu")
        if found.torch_device.type != self.device:
            _tell_of_change(f"began on {self.device}, which is not here", found.name)
        return found


def _tell_of_change(before: str, now: str) -> None:
    words = f"The run {before}; it goes on with {now}, and will not be equal to the last bit."
    print(words, file=sys.stderr)


def _processes(count: int) -> str:
    return f"{count} processes" if count > 1 else "one process"


@dataclass(frozen=True)
class Preparation:
    """A trainer with its batches, and the facts about them."""

    config: TrainConfig
    data: ImageData
    device: Device
    trainer: Trainer
    train: Batches
    val: Batches
    start: RunStart

    @property
    def model(self) -> ImageClassifier:
        """The network whose weights are trained."""
        return cast(ImageClassifier, self.trainer.model)

    @property
    def averaged(self) -> ImageClassifier:
        """The network that is validated and kept."""
        return cast(ImageClassifier, self.trainer.averaged)

    @property
    def place(self) -> Workplace:
        """The run's device, precision and threads."""
        kind, ranks = self.device.torch_device.type, self.trainer.ranks.size
        return Workplace(kind, self.device.precision, torch.get_num_threads(), ranks)

    @property
    def sample(self) -> Sample:
        """The images whose answers each epoch notes."""
        images = self.val.images[:ANSWERED].permute(0, 2, 3, 1).cpu().numpy()  # (N, H, W, 3)
        return Sample.of(images, self.val.targets[:ANSWERED].tolist(), self.data.class_names)

    def card(self, epoch: int, metrics: dict[str, dict[str, float]]) -> Card:
        """The card of weights saved after `epoch` epochs, with what was measured on which split."""
        config, start = self.config, self.start
        normalization = NORMALIZATIONS[config.normalization]
        return Card(
            model=config.model,
            model_args=config.model_args,
            class_names=list(self.data.class_names),
            mean=list(normalization.mean),
            std=list(normalization.std),
            parameters=start.parameters,
            macs=start.macs,
            recipe=config.recipe,
            seed=config.seed,
            config=config.to_json(),
            epoch=epoch,
            data_source=self.data.kind,
            data_fingerprint=self.data.fingerprint,
            device=self.device.name,
            precision=self.device.precision,
            wall_time_seconds=round(self.trainer.run_seconds, 1),
            versions=versions(),
            metrics=metrics,
            tta=config.tta,
            tta_below=config.tta_below,
            notes=[
                *lr_notes(self.trainer.lr_changes),
                *teacher_notes(config),
                *head_notes(self.trainer.head_steps),
            ],
        )


def lr_notes(changes: list[list[float]]) -> list[str]:
    """The notes of a card on a learning rate that was changed by hand."""
    return [
        f"The learning rate was changed by hand: {describe_schedule(factor)} after step {step:,.0f}."
        for step, factor in changes
    ]


def teacher_notes(config: TrainConfig) -> list[str]:
    """The notes of a card on the networks that were begun with and learned from."""
    names, share = ", ".join(config.teacher_names), config.distillation
    begun = [f"Its training began with the weights of {config.start_from}."] if config.start_from else []
    taught = [f"It learned from labels and, for a share of {share:g}, from the answers of {names}."]
    return [*begun, *(taught if names else [])]


def head_notes(steps: int) -> list[str]:
    """The note of a card on a last layer that began anew, and learned alone for so many steps."""
    return [f"Its last layer began anew and learned alone for the first {steps:,} steps."] if steps else []


def prepare(
    config: TrainConfig,
    data_dir: Path | None,
    progress: Callable[[str, int, int], None],
    place: Workplace | None = None,
    ranks: Ranks = ALONE,
) -> Preparation:
    """Find the device and the data, build the network from the seed, and put the images on the device.

    place: where the run began, when this goes on with it.
    """
    with ranks.together():
        device = _shared_device(config, place, ranks)
        trained = first_network(config) if place is None else None
        with ranks.leader_first():
            data = load_data(data_dir, source=config.data_set, progress=progress)
        _require_same_data(data, ranks)
        teachers = Teachers.of(config, data.class_names, device)
    train, val = make_batches(config, data, device.torch_device, teachers, ranks)
    torch.manual_seed(config.seed)
    model = create_model(config.model, num_classes=len(data.class_names), **config.model_args)
    new_head = trained is not None and take_weights(model, *trained, data.class_names)
    if place is None and trained is None:
        model.initialize_from_data(train.normalize(train.images[:SEEN_IMAGES]).cpu())
    trainer = Trainer(model, config, device, len(train), ranks)
    if new_head:
        trainer.learn_head_first()
    start = _start_event(config, data, device, model, (train, val))
    return Preparation(config, data, device, trainer, train, val, start)


def _shared_device(config: TrainConfig, place: Workplace | None, ranks: Ranks) -> Device:
    """Return the device of this rank: of the leader's kind and with its precision, which it alone probes.

    Raises:
        ConfigError: when there is no device of that kind, or less than one image of a batch for each rank.
    """
    if config.batch_size < ranks.size:
        raise ConfigError(
            f"batch_size is {config.batch_size}, shared by {ranks.size} processes; make it {ranks.size} or "
            "more, or start fewer."
        )
    only_cpu = ranks.size > 1 and not torch.cuda.is_available()  # other accelerators have no such groups
    if not ranks.leads:
        kind, precision = ranks.tell(("", ""))
        device = find_device(precision, only_cpu=kind == "cpu")
        if device.torch_device.type != kind:
            raise ConfigError(
                f"Rank 0 trains on {kind}, and no such device works here; start all on hosts that have one, "
                "or set CIFAR_LAB_DEVICE=cpu on each."
            )
        return device
    device = place.device_again(ranks) if place else find_device(config.precision, only_cpu)
    ranks.tell((device.torch_device.type, device.precision))
    name = describe(device.torch_device)
    return dataclasses.replace(device, name=f"{ranks.size} × {name}" if ranks.size > 1 else name)


def _require_same_data(data: ImageData, ranks: Ranks) -> None:
    """Raise DataError where a rank found other data than the leader."""
    if ranks.tell(data.fingerprint) != data.fingerprint:
        raise DataError(
            f"The data here ({data.source}) differ from those of rank 0; use the same on each host."
        )


def first_network(config: TrainConfig) -> tuple[ImageClassifier, Card] | None:
    """Return the network that the run begins with, and its card; None where the config names none.

    Raises:
        UnknownCheckpoint, CheckpointError: when there is no such network, or it is damaged.
        ConfigError: when it has another shape; names those that fit.
    """
    if not config.start_from:
        return None
    folder = resolve_checkpoint(config.start_from)
    card, wanted = load_card(folder), (config.model, config.model_args)
    if (card.model, card.model_args) != wanted:
        theirs, ours = (describe_network(*network) for network in ((card.model, card.model_args), wanted))
        fitting = ", ".join(name for name in list_checkpoints() if _shape_of(name) == wanted)
        way = f"those that fit are {fitting}" if fitting else "none of the shipped networks is"
        raise ConfigError(f"start_from is '{config.start_from}', a {theirs}; it must be a {ours}: {way}.")
    return load_checkpoint(folder)


def describe_network(model: str, arguments: Mapping[str, Any]) -> str:
    """A network with its arguments, as in a sentence."""
    return " ".join([model, *(f"{name}={value}" for name, value in arguments.items())])


def _shape_of(name: str) -> tuple[str, dict[str, Any]] | None:
    """The network of a shipped checkpoint, and its arguments; None where that cannot be read."""
    try:
        card = load_card(resolve_checkpoint(name))
    except CheckpointError:
        return None
    return card.model, card.model_args


def take_weights(
    model: ImageClassifier, trained: ImageClassifier, card: Card, class_names: Sequence[str]
) -> bool:
    """Give a new network the weights of a trained one; where this knows other classes, all but its head's.

    Returns whether the head is new.
    """
    new = card.class_names != list(class_names)
    own = set(model.head_names()) if new else set()
    taken = {name: value for name, value in trained.state_dict().items() if name not in own}
    model.load_state_dict({**model.state_dict(), **taken})
    return new


def make_batches(
    config: TrainConfig,
    data: ImageData,
    device: torch.device,
    teachers: Teachers | None = None,
    ranks: Ranks = ALONE,
) -> tuple[Batches, Batches]:
    """Training batches, and those that are measured after each epoch.

    The latter are cut from the training split by the config's seed; or they are the test images, where the
    config says that these are monitored, and all others are trained on.
    """
    targets = data.train.targets
    val_size = config.val_size if config.monitored == "val" else 0
    train_indices, val_indices = split_train_val(targets, val_size, config.split_seed)
    if config.train_size:
        train_indices = train_indices[: config.train_size]
    normalization = NORMALIZATIONS[config.normalization]
    train = Batches(
        data.train.images[train_indices],
        targets[train_indices],
        normalization,
        config.batch_size,
        device,
        Augmentation.of(config),
        config.seed,
        config.image_size,
        teachers,
        ranks,
    )
    held_out = data.train.images[val_indices], targets[val_indices]
    if config.monitored == "test":
        held_out = data.test.images, data.test.targets
    return train, Batches(*held_out, normalization, EVALUATION_BATCH, device, ranks=ranks)


def _start_event(
    config: TrainConfig,
    data: ImageData,
    device: Device,
    model: ImageClassifier,
    batches: tuple[Batches, Batches],
) -> RunStart:
    train, val = batches
    return RunStart(
        model=config.model,
        parameters=count_parameters(model),
        macs=count_macs(model),
        train_images=train.num_images,
        val_images=val.num_images,
        steps_per_epoch=len(train),
        total_steps=len(train) * config.epochs,
        device=device.name,
        precision=device.precision,
        threads=torch.get_num_threads(),
        data_source=data.kind,
        data_fingerprint=data.fingerprint,
        versions=versions(),
        mixing_blocks=model.mixing_blocks(),
        monitored=config.monitored,
    )
