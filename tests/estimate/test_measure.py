"""The estimate measures the config's own step, leaves a training alone, and comes near the truth."""

import time

import pytest
import torch

from cifar_core.config import TrainConfig
from cifar_core.estimate import measure as subject
from cifar_core.estimate.measure import TrainingWatch, measure, measure_and_keep
from cifar_core.estimate.speed import MeasuringError, estimate_seconds
from cifar_core.estimate.store import load_speed, measuring_lock
from cifar_core.models import ModelError
from cifar_core.runs.events import RunEnd
from cifar_core.runs.store import RunStore, Status
from cifar_core.training.runner import train

TOY = {
    "model_args": {"widths": [8, 16], "num_kernels": 2},
    "data": "synthetic",
    "val_size": 500,
    "batch_size": 50,
    "precision": "fp32",
}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path / "runs")


@pytest.mark.slow
def test_the_estimate_is_within_a_factor_of_two_of_the_run(store, monkeypatch):
    """By the processor's time, so that other programs cannot spoil the comparison."""
    monkeypatch.setattr(time, "perf_counter", time.process_time)
    config = TrainConfig(recipe="smoke", epochs=3, **TOY)
    seconds = estimate_seconds(config, measure(config, 1.0, busy=False))
    end = train("smoke", runs_dir=store.root, epochs=3, **TOY).events()[-1]
    assert isinstance(end, RunEnd)
    assert 0.5 < seconds / end.seconds < 2, (
        f"the run took {end.seconds:.2f} s, the estimate is {seconds:.2f} s"
    )


def test_it_tells_size_place_and_pace():
    config = TrainConfig(**TOY)
    speed = measure(config, 0.05, busy=True)
    assert speed.parameters > 100 and speed.macs > 1000 and speed.busy
    assert (speed.precision, speed.threads) == ("fp32", torch.get_num_threads())
    (step,) = speed.steps
    assert step.size == 32 and 0 < step.low <= step.seconds <= step.high and step.n >= 3


def test_every_image_size_of_the_training_is_measured(monkeypatch):
    monkeypatch.setattr(subject, "phases_of", lambda config: [(0.5, 16), (0.25, 32), (0.25, 24)])
    speed = measure(TrainConfig(**TOY), 0.05, busy=False)
    assert [step.size for step in speed.steps] == [16, 24, 32]


def test_a_measured_speed_is_kept(store):
    config = TrainConfig(**TOY)
    assert measure_and_keep(config, store, 0.05) == load_speed(config)


def test_it_stops_when_a_training_begins(store):
    watch = TrainingWatch(store)
    watch()
    run = store.create(TrainConfig(**TOY))
    watch.looked = -1e9
    with pytest.raises(MeasuringError, match="A training runs"):
        watch()
    with pytest.raises(MeasuringError, match="A training runs"):
        measure_and_keep(TrainConfig(**TOY), store, 0.05)
    assert load_speed(TrainConfig(**TOY)) is None
    run.write_status(Status("stopped"))
    measure_and_keep(TrainConfig(**TOY), store, 0.05)


def test_two_processes_do_not_measure_at_once(store):
    with measuring_lock(), pytest.raises(MeasuringError, match="Another process"):
        measure_and_keep(TrainConfig(**TOY), store, 0.05)


def test_what_cannot_be_built_is_said_and_kept(store):
    config = TrainConfig(model="mixing_lite", model_args={"depth": 3})
    with pytest.raises(ModelError, match="does not take"):
        measure_and_keep(config, store, 0.05)
    with pytest.raises(MeasuringError, match="does not take"):
        load_speed(config)


def test_a_lack_of_memory_is_said_and_kept(store, monkeypatch):
    def fail(*arguments):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(subject, "measure", fail)
    with pytest.raises(MeasuringError, match="not enough memory"):
        measure_and_keep(TrainConfig(**TOY), store)
