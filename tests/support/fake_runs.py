"""Runs that nobody trained: a store filled with plausible events, for tests of the pages."""

import json
import math
import shutil
from pathlib import Path

import numpy as np

from cifar_core.data import CLASS_NAMES
from cifar_core.recipes import get_recipe
from cifar_core.runs.events import ANSWERED, BlockMixing, Epoch, Event, RunEnd, RunStart, Step
from cifar_core.runs.run import Run
from cifar_core.runs.sample import Sample, write_sample
from cifar_core.runs.store import RunStore, Status

BLOCKS = ["stage1.0", "stage1.1", "stage2.0", "stage2.1", "stage3.0", "stage3.1"]
KERNELS, CLASSES = 4, 10
STEPS_PER_EPOCH = 50


def make_run(
    store: RunStore,
    *,
    epochs: int = 4,
    total_epochs: int = 6,
    state: str = "finished",
    recipe: str = "mixing_lite",
    mixes: bool = True,
    quality: float = 1.0,
    **changes: object,
) -> Run:
    """A run with `epochs` completed epochs; one that is active has gone half through the next."""
    config = get_recipe(recipe).config.replace(**{"epochs": total_epochs, **changes})
    run = store.create(config)
    for event in events(
        epochs, total_epochs, half=state in ("running", "paused"), mixes=mixes, quality=quality
    ):
        run.append(event)
    if state in ("finished", "stopped"):
        run.append(RunEnd(state, epochs * STEPS_PER_EPOCH, 12.5 * epochs, epochs, accuracy(epochs, quality)))
    done, total = epochs * STEPS_PER_EPOCH, total_epochs * STEPS_PER_EPOCH
    run.write_status(
        Status(state, stage="training", done=done, total=total, epoch=epochs + 1, eta_seconds=130.0)
    )
    (run.path / "log.txt").write_text("reading the data\ntraining\n")
    write_sample(run, sample())
    return run


def crowd(store: RunStore, runs: int, events: int) -> Run:
    """So many runs, all alike but one: it is under way, has so many events, and is given back.

    The last 240 of them hold the mix; a run with so many in all of them would have 2,500 epochs.
    """
    first = make_run(store, epochs=6)
    for number in range(2, runs):
        shutil.copytree(first.path, first.path.with_name(f"{first.id}-{number}"))
    long = make_run(store, epochs=4, state="running")
    path = long.path / "events.jsonl"
    start, mixed, *rest = path.read_text().splitlines(keepends=True)
    step = json.dumps({name: value for name, value in json.loads(mixed).items() if "mixing" not in name})
    path.write_text("".join([start, (step + "\n") * (events - len(rest) - 201), mixed * 200, *rest]))
    return long


def sample() -> Sample:
    """Pictures of one brightness each; number n shows class n, and from the eleventh on begins anew."""
    images = np.repeat(np.arange(ANSWERED, dtype=np.uint8) * 20, 32 * 32 * 3).reshape(-1, 32, 32, 3)
    return Sample.of(images, [number % CLASSES for number in range(ANSWERED)], CLASS_NAMES)


def answers(reached: float) -> list[list[float]]:
    """As many pictures right as the accuracy says, the others taken for the next class."""
    rows = []
    for number in range(ANSWERED):
        guess = number if number < reached * ANSWERED else number + 1
        rows.append([0.64 if label == guess % CLASSES else 0.04 for label in range(CLASSES)])
    return rows


def keep_running(run: Run) -> object:
    """Hold the lock that a training process would hold; the run counts as alive until it is released."""
    lock = run.lock()
    lock.acquire()
    return lock


def events(epochs: int, total: int, *, half: bool, mixes: bool, quality: float) -> list[Event]:
    """The start, then ten Step events an epoch and its end; with `half`, five Step events more."""
    made: list[Event] = [start(total, mixes)]
    for epoch in range(1, epochs + 1):
        made += steps(epoch, 10, quality, mixes)
        made.append(epoch_end(epoch, mixes, quality))
    return made + (steps(epochs + 1, 5, quality, mixes) if half else [])


def start(total_epochs: int, mixes: bool) -> RunStart:
    total_steps = total_epochs * STEPS_PER_EPOCH
    return RunStart(
        "mixing_lite", 1_234_567, 34_500_000, 45_000, 5_000, STEPS_PER_EPOCH, total_steps, "cpu", "bf16",
        2, "a folder of toy pictures", "ab" * 32, {"torch": "2.14.1"}, BLOCKS if mixes else [], 1e9,
    )  # fmt: skip


def steps(epoch: int, count: int, quality: float, mixes: bool = False) -> list[Event]:
    made: list[Event] = []
    for index in range(1, count + 1):
        at = epoch - 1 + index / 10
        loss = 0.35 + 1.9 * math.exp(-0.7 * at) + 0.05 * math.sin(9 * at)
        step = round(at * STEPS_PER_EPOCH)
        told = mixed_step(at) if mixes else ([], 0.0)
        made.append(Step(epoch, step, loss, 0.9 * accuracy(at, quality), 0.1, 812.0, *told))
    return made


def mixed_step(at: float) -> tuple[list[list[float]], float]:
    """Every block's mix and the temperature, `at` epochs after the start."""
    mixing = [
        [round(value, 4) for value in softmax([0.3 * index * at, 0, 0, 0])] for index in range(len(BLOCKS))
    ]
    return mixing, max(1.0, 4.0 - 3 * at)


def accuracy(epoch: float, quality: float) -> float:
    return quality * (0.1 + 0.82 * (1 - math.exp(-0.6 * epoch)))


def epoch_end(epoch: int, mixes: bool, quality: float) -> Epoch:
    reached, step = accuracy(epoch, quality), epoch * STEPS_PER_EPOCH
    loss = 2.3 * (1 - reached)
    mixing = [block_mixing(index, epoch) for index in range(len(BLOCKS))] if mixes else []
    figures = (0.9 * loss, 0.95 * reached, loss, reached, 0.1, 12.5, 1.1, 10.9)
    return Epoch(epoch, step, *figures, mixing, answers(reached))


def block_mixing(index: int, epoch: int) -> BlockMixing:
    """Later blocks part from the even mix faster; the last one ends with one kernel alone."""
    sharpness = 0.25 * index * epoch + (8 if index == len(BLOCKS) - 1 and epoch >= 4 else 0)
    rows = [class_mixing(sharpness, row) for row in range(CLASSES)]
    mean = [sum(column) / CLASSES for column in zip(*rows, strict=True)]
    entropy = sum(-p * math.log(p) for row in rows for p in row if p > 0) / CLASSES / math.log(KERNELS)
    return BlockMixing(BLOCKS[index], mean, rows, entropy)


def class_mixing(sharpness: float, row: int) -> list[float]:
    if sharpness > 8:
        return softmax([sharpness, 0, 0, 0])
    return softmax([sharpness * math.cos(row + 1.7 * kernel) for kernel in range(KERNELS)])


def softmax(values: list[float]) -> list[float]:
    exponentials = [math.exp(value) for value in values]
    return [value / sum(exponentials) for value in exponentials]


if __name__ == "__main__":  # python -m tests.support.fake_runs FOLDER: a store to look at
    import sys

    folder = RunStore(Path(sys.argv[1]))
    make_run(folder, epochs=6, total_epochs=6)
    make_run(folder, epochs=3, state="stopped", lr=0.05, quality=0.93)
    make_run(folder, epochs=2, state="failed", mixes=False, quality=0.6)
    print(make_run(folder, epochs=4, state="running", augmentation="none", quality=0.97).id)
