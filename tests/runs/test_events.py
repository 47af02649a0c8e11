"""Events travel as JSON and come back equal; what is no event is refused with one sentence."""

import json

import pytest

from cifar_core.files import StoreError
from cifar_core.runs.events import (
    BlockMixing,
    Epoch,
    LearningRate,
    Packed,
    Resume,
    RunEnd,
    RunStart,
    Step,
    from_json,
    to_json,
)

START = RunStart(
    "toy", 10, 20, 45_000, 5_000, 9, 90, "cpu", "fp32", 2, "toys", "ab" * 32, {"torch": "2.14"}, ["B1"], 1.5
)
STEP = Step(1, 2, 2.25, 0.125, 0.1, 800.5)
EPOCH = Epoch(
    1, 9, 2.0, 0.25, 1.75, 0.5, 0.1, 12.5, 1.5, 10.25, [BlockMixing("B1", [0.25, 0.75], [[0.5, 0.5]], 0.875)]
)
EVENTS = [
    START,
    STEP,
    EPOCH,
    LearningRate(4, 0.5, 1.0),
    Resume(5, 1.25),
    RunEnd("finished", 90, 99.5, 1, 0.5),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
def test_events_come_back_equal(event):
    assert from_json(json.loads(json.dumps(to_json(event)))) == event


def test_whole_numbers_pass_for_numbers():
    assert from_json({**to_json(STEP), "loss": 2}).loss == 2.0


def test_values_with_defaults_may_be_missing():
    """As in the files of an earlier version."""
    document = to_json(START)
    del document["mixing_blocks"], document["time"]
    assert from_json(document).mixing_blocks == []


def without(event, name):
    return {key: value for key, value in to_json(event).items() if key != name}


NO_EVENTS = {
    "a list": [1],
    "a number": 5,
    "null": None,
    "no type": without(STEP, "type"),
    "an unknown type": {"type": "beat", "epoch": 1, "step": 1},
    "a type that is a list": {"type": ["step"]},
    "a missing value": without(STEP, "loss"),
    "an unknown value": {**to_json(STEP), "password": "x"},
    "a word for a number": {**to_json(STEP), "loss": "low"},
    "null for a number": {**to_json(EPOCH), "val_accuracy": None},
    "true for a number": {**to_json(STEP), "step": True},
    "a fraction for a count": {**to_json(STEP), "step": 1.5},
    "mixing that is no list": {**to_json(EPOCH), "mixing": {"B1": 1}},
    "a block that is no object": {**to_json(EPOCH), "mixing": [5]},
    "a block with another value": {**to_json(EPOCH), "mixing": [{"name": "B1"}]},
    "a row that is no list": {
        **to_json(EPOCH),
        "mixing": [{"block": "B1", "mean": [1.0], "per_class": [1.0], "entropy": 1.0}],
    },
    "versions that are a word": {**to_json(START), "versions": "2.14"},
}


@pytest.mark.parametrize("document", NO_EVENTS.values(), ids=NO_EVENTS.keys())
def test_what_is_no_event_is_refused_in_one_line(document):
    with pytest.raises(StoreError) as refused:
        from_json(document)
    assert len(str(refused.value).splitlines()) == 1


NESTED = [
    [],
    [[]],
    [[0.25, 0.75], [0.1, 0.2, 0.7]],
    [[[0.5, 0.5], []], [[0.125], [1.0, 2.0]]],
    [[[], [0.5]], [[], []]],
]


@pytest.mark.parametrize("lists", NESTED, ids=str)
def test_packed_numbers_read_as_the_lists_they_were(lists):
    packed = Packed(lists)
    assert packed == lists and lists == packed and list(packed) == lists
    assert len(packed) == len(lists) and bool(packed) == bool(lists)
    assert [packed[place] for place in range(-len(lists), len(lists))] == lists + lists
    assert packed[1:] == lists[1:] and repr(packed) == repr(lists)
    with pytest.raises(IndexError):
        packed[len(lists)]


def test_packed_numbers_differ_where_the_lists_do():
    assert Packed([[0.5], [0.25]]) != [[0.5, 0.25]]
    assert Packed([[0.5]]) != [[0.75]] and Packed([[0.5]]) != 5
