"""The typed events that a training run yields, and their JSON form (one object a line in events.jsonl).

Accuracies lie in 0..1, losses are mean cross-entropy in nats, times are in seconds.
"""

import dataclasses
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar

from cifar_core.files import StoreError, build

ANSWERED = 12  # validation images whose answers an epoch notes


@dataclass(frozen=True)
class RunStart:
    """First event: what is trained on what. `macs` are multiply-accumulates for one image, forward.

    monitored: the split that is measured after each epoch, whose figures are called val_… in the events:
    "val", or "test" where a recipe of an earlier work does so.
    """

    type: ClassVar[str] = "start"
    RENAMED: ClassVar = {"watched": "monitored"}
    model: str
    parameters: int
    macs: int
    train_images: int
    val_images: int
    steps_per_epoch: int
    total_steps: int
    device: str
    precision: str
    threads: int
    data_source: str
    data_fingerprint: str
    versions: dict[str, str]
    mixing_blocks: list[str] = field(default_factory=list)
    time: float = 0.0
    monitored: str = "val"


@dataclass(frozen=True, slots=True)
class Step:
    """Means over the steps since the last Step event; `epoch` counts from 1, `step` over the whole run.

    mixing: for each of the start's mixing blocks the K mean coefficients of the training images; empty where
    nothing mixes, and in runs of earlier versions. temperature: that of the last step's mixing, 0 where
    nothing mixes. mixing_by_class: on every tenth event, over the images since the last such one: block ->
    class -> K numbers, none for a class without an image. What is read back is `Packed`, and equal.
    """

    type: ClassVar[str] = "step"
    epoch: int
    step: int
    loss: float
    accuracy: float
    lr: float
    images_per_second: float
    mixing: list[list[float]] = field(default_factory=list)
    temperature: float = 0.0
    mixing_by_class: list[list[list[float]]] = field(default_factory=list)


class Packed(Sequence[Any]):
    """Nested lists of numbers that read and compare as such, in a fraction of their memory.

    As lists the mixing of 100,000 Step events (six blocks of two kernels) takes 320 MB, so 50. Lists may hold
    numbers or lists, not both.
    """

    __slots__ = ("_shape", "_values")

    def __init__(self, rows: Sequence[Any]) -> None:
        values: list[float] = []
        self._shape = _shared(tuple(_unpacked(row, values) for row in rows))
        self._values = array("d", values)

    def __len__(self) -> int:
        return len(self._shape)

    def __iter__(self) -> Iterator[Any]:
        return (self[place] for place in range(len(self)))

    def __getitem__(self, place: Any) -> Any:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        shape, start = self._shape[place], _starts(self._shape)[place]
        return _packed(shape, iter(self._values[start : start + _size(shape)]))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(list(self))


Shape = int | tuple[Any, ...]  # numbers in a list, or the shapes of its lists


@lru_cache(maxsize=1024)
def _shared(shape: tuple[Shape, ...]) -> tuple[Shape, ...]:
    """One object for all events of a run."""
    return shape


@lru_cache(maxsize=1024)
def _size(shape: Shape) -> int:
    return shape if isinstance(shape, int) else sum(map(_size, shape))


@lru_cache(maxsize=1024)
def _starts(shape: tuple[Shape, ...]) -> tuple[int, ...]:
    return tuple(sum(map(_size, shape[:place])) for place in range(len(shape)))


def _unpacked(row: Sequence[Any], values: list[float]) -> Shape:
    """The shape of a list, whose numbers are added to `values`."""
    if row and isinstance(row[0], Sequence):
        return tuple(_unpacked(inner, values) for inner in row)
    values.extend(row)
    return len(row)


def _packed(shape: Shape, values: Iterator[float]) -> list[Any]:
    """The list of such a shape."""
    if isinstance(shape, int):
        return [next(values) for _ in range(shape)]
    return [_packed(inner, values) for inner in shape]


@dataclass(frozen=True)
class BlockMixing:
    """Mixing coefficients of one block over the validation images.

    mean: K numbers. per_class: for each class K numbers. entropy: mean over images of the entropy of the
    coefficients' shares, divided by log K: 1 is an even mix, 0 is one kernel alone.
    """

    block: str
    mean: list[float]
    per_class: list[list[float]]
    entropy: float


@dataclass(frozen=True)
class Epoch:
    """End of an epoch: training means over its steps (augmented images, weights as they were), validation
    with the weights that would be kept. `seconds` is the whole epoch, `val_seconds` its validation,
    `network_seconds` the time inside forward, backward and the optimizer. answers: probabilities
    (ANSWERED, num_classes) for the first validation images, which lie beside (runs/sample.py)."""

    type: ClassVar[str] = "epoch"
    epoch: int
    step: int
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    lr: float
    seconds: float
    val_seconds: float
    network_seconds: float
    mixing: list[BlockMixing] = field(default_factory=list)
    answers: list[list[float]] = field(default_factory=list)


@dataclass(frozen=True)
class Resume:
    """The run went on from a saved state, after `step` steps."""

    type: ClassVar[str] = "resume"
    step: int
    time: float


@dataclass(frozen=True)
class LearningRate:
    """Somebody changed the learning rate: after `step` steps the schedule is multiplied by `factor`."""

    type: ClassVar[str] = "lr"
    step: int
    factor: float
    time: float


@dataclass(frozen=True)
class RunEnd:
    """Last event: "finished", "stopped" or "pruned", and the best epoch by validation accuracy, if any."""

    type: ClassVar[str] = "end"
    state: str
    step: int
    seconds: float
    best_epoch: int
    best_val_accuracy: float


@dataclass(frozen=True)
class Beat:
    """A sign of life after every step or validation batch; never stored."""

    type: ClassVar[str] = "beat"
    epoch: int
    step: int
    validating: bool = False


Event = RunStart | Step | Epoch | LearningRate | Resume | RunEnd
_TYPES: dict[str, Any] = {kind.type: kind for kind in (RunStart, Step, Epoch, LearningRate, Resume, RunEnd)}


def to_json(event: Event) -> dict[str, Any]:
    """The event as plain JSON values, its kind under "type"."""
    return {"type": event.type, **dataclasses.asdict(event)}


def from_json(document: Any) -> Event:
    """The event that `to_json` wrote; raises StoreError when it is none."""
    name = document.get("type") if isinstance(document, Mapping) else None
    if not isinstance(name, str) or name not in _TYPES:
        raise StoreError(f"{document!r:.60} is no event; the events are: {', '.join(_TYPES)}.")
    values = {key: value for key, value in document.items() if key != "type"}
    try:
        event: Event = build(_TYPES[name], values)
    except TypeError as error:
        raise StoreError(f"The event '{name}' is damaged: {error}.") from None
    if isinstance(event, Step) and event.mixing:
        packed: dict[str, Any] = {key: Packed(getattr(event, key)) for key in ("mixing", "mixing_by_class")}
        return dataclasses.replace(event, **packed)
    return event
