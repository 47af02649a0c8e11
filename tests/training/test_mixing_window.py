"""The mixing coefficients that a Step event tells are the means of its training images."""

import json

import pytest
import torch

from cifar_core.models.registry import create_model
from cifar_core.runs.events import Step, from_json, to_json
from cifar_core.training.mixing_window import BY_CLASS_EVERY, MixingWindow

CPU = torch.device("cpu")


def batch(seed: int, n: int = 8) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Coefficients of blocks with 2 and 3 kernels, and targets of classes 0 to 2."""
    generator = torch.Generator().manual_seed(seed)
    record = [torch.rand(n, kernels, generator=generator) for kernels in (2, 3)]
    return record, torch.randint(0, 3, (n,), generator=generator)


def test_the_means_are_those_of_the_images_since_the_last_event():
    window = MixingWindow([2, 3], 4, CPU)
    window.add(*batch(0))
    window.take()
    later = [batch(1), batch(2, n=5)]
    for record, targets in later:
        window.add(record, targets)
    means, by_class = window.take()
    for place, told in enumerate(means):
        expected = torch.cat([record[place] for record, _ in later]).mean(dim=0)
        assert told == pytest.approx(expected.tolist(), abs=1e-4)
    assert by_class == []


def test_every_tenth_event_tells_the_classes_since_the_last_such_one():
    window = MixingWindow([2, 3], 4, CPU)
    batches = [batch(seed) for seed in range(2 * BY_CLASS_EVERY)]
    told = []
    for record, targets in batches:
        window.add(record, targets)
        told.append(window.take()[1])
    assert [bool(by_class) for by_class in told] == ([False] * (BY_CLASS_EVERY - 1) + [True]) * 2
    since = batches[BY_CLASS_EVERY:]
    targets = torch.cat([targets for _, targets in since])
    for place, rows in enumerate(told[-1]):
        values = torch.cat([record[place] for record, _ in since])
        for label in range(3):
            assert rows[label] == pytest.approx(values[targets == label].mean(dim=0).tolist(), abs=1e-4)
        assert rows[3] == [], "no image of this class was seen"


def test_a_window_that_is_saved_goes_on_as_it_would_have():
    whole, first = MixingWindow([2, 3], 4, CPU), MixingWindow([2, 3], 4, CPU)
    for seed in range(13):
        for window in (whole, first):
            window.add(*batch(seed))
            if seed % 2:
                window.take()
    resumed = MixingWindow([2, 3], 4, CPU)
    resumed.load_state_dict(
        {
            name: torch.clone(value) if torch.is_tensor(value) else value
            for name, value in first.state_dict().items()
        }
    )
    for seed in range(13, 30):
        whole.add(*batch(seed))
        resumed.add(*batch(seed))
        assert whole.take() == resumed.take()


def test_a_state_of_an_earlier_version_begins_anew():
    window = MixingWindow([2], 3, CPU)
    window.load_state_dict({})
    assert window.take() == ([], [])


def test_a_network_that_does_not_mix_tells_nothing():
    model = create_model("speed94")
    window = MixingWindow(model.mixing_kernels(), 10, CPU)
    window.add([], torch.zeros(4, dtype=torch.int64))
    assert window.take() == ([], [])


def test_an_event_of_an_earlier_version_has_no_mixing():
    event = Step(1, 5, 2.0, 0.3, 0.1, 800.0, [[0.4, 0.6]], 2.5, [[[0.4, 0.6], []]])
    document = json.loads(json.dumps(to_json(event)))
    assert from_json(document) == event
    old = {name: document[name] for name in document if "mixing" not in name and name != "temperature"}
    assert from_json(old) == Step(1, 5, 2.0, 0.3, 0.1, 800.0)
