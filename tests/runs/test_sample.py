"""The pictures beside a run's events come back as they were, and damage is a sentence."""

import json

import numpy as np
import pytest

from cifar_core.config import TrainConfig
from cifar_core.runs.sample import FILE, Sample, read_sample, write_sample
from cifar_core.runs.store import RunStore, StoreError

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3)).astype(np.uint8)


@pytest.fixture
def run(tmp_path):
    return RunStore(tmp_path).create(TrainConfig())


def test_pictures_and_classes_come_back(run):
    assert read_sample(run) is None
    write_sample(run, Sample.of(IMAGES, [1, 0, 1], ("cat", "dog")))
    sample = read_sample(run)
    assert np.array_equal(sample.images, IMAGES) and sample.truths == ["dog", "cat", "dog"]


@pytest.mark.parametrize(
    "change",
    [
        {"shape": [2, 32, 32, 3]},
        {"shape": [3, 3072]},
        {"shape": [-1, 32, 32, 3, 0]},
        {"pixels": "?"},
        {"targets": [0, 1]},
        {"targets": [0, 1, 2]},
        {"targets": [0, 1, -1]},
        {"class_names": 3},
        {"more": 1},
    ],
)
def test_damage_is_a_sentence(run, change):
    write_sample(run, Sample.of(IMAGES, [1, 0, 1], ("cat", "dog")))
    document = json.loads((run.path / FILE).read_text())
    (run.path / FILE).write_text(json.dumps(document | change))
    with pytest.raises(StoreError, match="is damaged"):
        read_sample(run)
