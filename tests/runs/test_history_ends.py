"""The outline of a run is its events without what is long, and costs next to nothing."""

import dataclasses
import time

import pytest

from cifar_core.runs.events import Epoch, Step
from cifar_core.runs.history import outline
from cifar_core.runs.store import RunStore, StoreError
from tests.support.fake_runs import make_run

LONG = 100_000


@pytest.fixture
def store(tmp_path):
    return RunStore(tmp_path)


@pytest.mark.parametrize("mixes", [True, False])
@pytest.mark.parametrize("state", ["finished", "running"])
def test_it_is_the_events_without_steps_and_long_values(store, mixes, state):
    run = make_run(store, epochs=3, mixes=mixes, state=state)
    short = [
        dataclasses.replace(event, mixing=[], answers=[]) if isinstance(event, Epoch) else event
        for event in run.events()
        if not isinstance(event, Step)
    ]
    assert outline(run) == short


def test_long_lines_are_not_parsed(store):
    """What the bytes look like is known from `Run.append`; this fails when that changes its form."""
    run = make_run(store, epochs=2)
    text = (run.path / "events.jsonl").read_text()
    (run.path / "events.jsonl").write_text(text.replace('"loss": ', '"loss": x').replace('[{"block"', "[x"))
    assert len([event for event in outline(run) if isinstance(event, Epoch)]) == 2


@pytest.mark.parametrize("line", ["{]", '{"type": "epoch", "epoch": 1}', "[]", '{"type": "end"}'])
def test_damage_is_said(store, line):
    run = make_run(store)
    (run.path / "events.jsonl").write_text(f"{line}\n")
    with pytest.raises(StoreError, match="damaged"):
        outline(run)


def test_a_run_without_events_has_none(store):
    run = make_run(store)
    (run.path / "events.jsonl").unlink()
    assert outline(run) == []


def test_a_hundred_thousand_events_are_told_in_an_instant(store):
    run = make_run(store, epochs=6)
    line = (run.path / "events.jsonl").read_text().splitlines()[1]
    assert line.startswith('{"type": "step"')
    with open(run.path / "events.jsonl", "a") as file:
        file.write(f"{line}\n" * LONG)
    began = time.process_time()
    assert len(outline(run)) == 8
    assert time.process_time() - began < 1.0  # measured: 0.1 s; parsed in full: 2 s
