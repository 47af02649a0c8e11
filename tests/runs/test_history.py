"""A run's history is read as it grows, and anew when the run went on from a saved state."""

import dataclasses
import os
import time
import tracemalloc

import pytest

from cifar_core.checkpoint import load_card, resolve_checkpoint
from cifar_core.runs.events import BlockMixing, Epoch, Resume, RunEnd, Step
from cifar_core.runs.history import History, HistoryReader, average_for, averages_in, class_averages
from cifar_core.runs.run import EVENTS
from cifar_core.runs.store import RunStore, StoreError
from tests.support.fake_runs import crowd, epoch_end, make_run, steps
from tests.support.toy_checkpoints import CARD


@pytest.fixture
def run(tmp_path):
    return make_run(RunStore(tmp_path), epochs=2, state="stopped")


def test_reads_only_what_is_new(run, monkeypatch):
    reader = HistoryReader(run)
    assert reader.refresh()
    assert not reader.refresh()
    asked = []
    read = type(run).read_events

    def noting(self, offset=0, short=False):
        asked.append(offset)
        return read(self, offset, short)

    monkeypatch.setattr(type(run), "read_events", noting)
    before = run.events_size()
    run.append(epoch_end(3, True, 1.0))
    assert reader.refresh()
    assert asked == [before]
    assert [epoch.epoch for epoch in reader.history.epochs] == [1, 2, 3]


def test_what_is_written_between_a_look_at_the_file_and_its_reading_is_read_once(run, monkeypatch):
    reader, real, read = HistoryReader(run), type(run).events_stamp, type(run).read_events
    asked = []

    def late(self):
        stamp = real(self)
        if not asked:
            run.append(epoch_end(3, True, 1.0))
        return stamp

    def noting(self, offset=0, short=False):
        asked.append(offset)
        return read(self, offset, short)

    monkeypatch.setattr(type(run), "events_stamp", late)
    monkeypatch.setattr(type(run), "read_events", noting)
    reader.refresh()
    history = reader.history
    assert not reader.refresh() and reader.history is history
    assert [epoch.epoch for epoch in history.epochs] == [1, 2, 3] and 0 not in asked[1:]


def test_equals_one_reading_of_the_whole_file(run):
    reader = HistoryReader(run)
    reader.refresh()
    for event in (*steps(3, 4, 1.0), epoch_end(3, True, 1.0)):
        run.append(event)
        reader.refresh()
    whole = HistoryReader(run)
    whole.refresh()
    assert dataclasses.asdict(reader.history) == dataclasses.asdict(whole.history)


@pytest.mark.parametrize("more", [0, 6])
def test_a_resumed_run_replaces_what_it_cut_off(run, more):
    """Also when it has grown past its old length before the next look."""
    reader = HistoryReader(run)
    reader.refresh()
    size = sum(len(line) for line in (run.path / "events.jsonl").read_bytes().splitlines(True)[:12])
    run.truncate_events(size)
    run.append(Resume(50, 2e9))
    for epoch in range(2, 2 + more):
        run.append(epoch_end(epoch, True, 0.5))
    reader.refresh()
    history = reader.history
    assert [event.step for event in history.resumes] == [50]
    assert [epoch.epoch for epoch in history.epochs] == list(range(1, 2 + more))
    assert history.end is None


def test_an_event_that_was_replaced_by_one_of_its_length_is_read_anew(run):
    reader = HistoryReader(run)
    reader.refresh()
    path = run.path / EVENTS
    path.write_text(path.read_text().replace('"stopped"', '"started"'))
    os.utime(path, ns=(1, 1))
    reader.refresh()
    assert reader.history.end.state == "started"


def test_the_end_is_known_until_the_run_goes_on(run):
    reader = HistoryReader(run)
    reader.refresh()
    assert isinstance(reader.history.end, RunEnd)
    run.append(Resume(100, 2e9))
    reader.refresh()
    assert reader.history.end is None


def test_a_line_half_written_waits(run):
    reader = HistoryReader(run)
    reader.refresh()
    with open(run.path / "events.jsonl", "a") as file:
        file.write('{"type": "resume", "step": 1')
    assert not reader.refresh()
    with open(run.path / "events.jsonl", "a") as file:
        file.write(', "time": 2.0}\n')
    assert reader.refresh()
    assert reader.history.resumes[-1].step == 1


@pytest.mark.parametrize("line", ["{]", '{"type": "epoch", "epoch": 1}', "[]", '{"type": "end"}'])
@pytest.mark.parametrize("short", [False, True])
def test_a_damaged_line_is_said(run, line, short):
    with open(run.path / EVENTS, "a") as file:
        file.write(f"{line}\n")
    reader = HistoryReader(run, short)
    for _ in range(2):
        with pytest.raises(StoreError, match="damaged"):
            reader.refresh()


@pytest.mark.parametrize("mixes", [True, False])
def test_in_short_it_is_the_same_without_steps_and_long_values(tmp_path, mixes):
    run = make_run(RunStore(tmp_path), epochs=3, mixes=mixes, state="running")
    whole, short = History.of(run), History.of(run, short=True)
    epochs = [dataclasses.replace(epoch, mixing=[], answers=[]) for epoch in whole.epochs]
    assert whole.steps and dataclasses.replace(whole, steps=[], epochs=epochs) == short
    reader = HistoryReader(run, short=True)
    reader.refresh()
    run.append(epoch_end(4, mixes, 1.0))
    reader.refresh()
    assert reader.history == History.of(run, short=True) and len(reader.history.epochs) == 4


def test_a_hundred_thousand_events_are_told_in_an_instant(tmp_path):
    run = crowd(RunStore(tmp_path), 2, 100_000)
    begun = time.process_time()
    assert len(History.of(run, short=True).epochs) == 4
    assert time.process_time() - begun < 1.0  # 0.2 s on an idle machine


def test_the_mixing_of_many_steps_takes_little_memory(tmp_path):
    run = make_run(RunStore(tmp_path), epochs=1, state="running")
    blocks, classes = [[0.25, 0.75]] * 6, [[[0.125, 0.875]] * 10] * 6
    for number in range(1000):
        run.append(Step(2, 51 + number, 1.0, 0.5, 0.1, 800.0, blocks, 1.0, [] if number % 10 else classes))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        steps = History.of(run).steps
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert steps[-1].mixing == blocks and steps[-10].mixing_by_class == classes
    assert taken < 1000 * 1200  # bytes; 830 a step, 2,250 as lists


def test_a_run_without_events_has_an_empty_history(tmp_path):
    run = make_run(RunStore(tmp_path), epochs=0, state="waiting")
    (run.path / "events.jsonl").unlink()
    reader = HistoryReader(run)
    assert not reader.refresh()
    assert reader.history.best is None and not reader.history.mixes


def test_the_kept_epoch_is_the_best_until_the_end_says_otherwise(run):
    reader = HistoryReader(run)
    run.append(epoch_end(3, True, 0.2))  # worse than those before
    reader.refresh()
    history = reader.history
    history.end = None
    assert history.kept == history.best != history.epochs[-1]
    history.end = RunEnd("finished", 60, 9.0, best_epoch=3, best_val_accuracy=0.2)
    assert history.kept == history.epochs[-1]


# Averages of classes

SHARES = [[0.1 * row, 1 - 0.1 * row] for row in range(10)]


def averages(folder, *per_class):
    """Those of CARD's epoch, where each epoch of a run measured these coefficients of one block."""
    run = RunStore(folder).get(make_run(RunStore(folder), epochs=0, state="waiting").id)
    for number, rows in enumerate(per_class, start=1):
        block = BlockMixing("B1", [0.5, 0.5], rows, 0.9)
        run.append(Epoch(number, 10, 1.0, 0.5, 1.0, 0.5, 0.1, 1.0, 0.1, 0.9, [block] if rows else []))
    return class_averages(run.path, CARD.epoch, CARD.class_names)


def test_averages_are_those_of_the_kept_epoch(tmp_path):
    assert CARD.epoch == 2
    found = averages(tmp_path, SHARES[::-1], SHARES, SHARES[::-1])
    assert found["airplane"] == {"B1": [0.0, 1.0]} and found["truck"]["B1"] == pytest.approx([0.9, 0.1])


def test_unknown_averages_are_absent(tmp_path, run):
    assert class_averages(tmp_path / "nowhere", CARD.epoch, CARD.class_names) == {}
    assert averages(tmp_path, SHARES) == {} == averages(tmp_path, SHARES, SHARES[:2])
    assert average_for(averages(tmp_path, SHARES, []), "cat", {}) == {}
    with open(run.path / EVENTS, "a") as file:
        file.write("{]\n")
    assert class_averages(run.path, CARD.epoch, CARD.class_names) == {}


def test_an_average_of_other_blocks_is_not_shown():
    known = averages_in([BlockMixing("B1", [0.5, 0.5], [[0.5, 0.5]], 1.0)], ["cat"])
    assert average_for(known, "cat", {"B1": [0.1, 0.9]}) == {"B1": [0.5, 0.5]}
    assert average_for(known, "cat", {"B1": [0.1, 0.1, 0.8]}) == {}
    assert average_for(known, "dog", {"B1": [0.1, 0.9]}) == {}


def test_the_shipped_default_has_an_average_for_every_class():
    card = load_card(folder := resolve_checkpoint())
    found = class_averages(folder, card.epoch, card.class_names)
    assert len(found) == 10
    for blocks in found.values():
        assert all(sum(shares) == pytest.approx(1, abs=1e-3) for shares in blocks.values())
