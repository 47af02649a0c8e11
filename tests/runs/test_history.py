"""A run's history is read as it grows, and anew when the run went on from a saved state."""

import dataclasses

import pytest

from cifar_core.runs.events import Resume, RunEnd
from cifar_core.runs.history import HistoryReader
from cifar_core.runs.store import RunStore, StoreError
from tests.support.fake_runs import epoch_end, make_run, steps


@pytest.fixture
def run(tmp_path):
    return make_run(RunStore(tmp_path), epochs=2, state="stopped")


def test_reads_only_what_is_new(run, monkeypatch):
    reader = HistoryReader(run)
    assert reader.refresh()
    assert not reader.refresh()
    asked = []
    read = type(run).read_events

    def noting(self, offset=0):
        asked.append(offset)
        return read(self, offset)

    monkeypatch.setattr(type(run), "read_events", noting)
    before = run.events_size()
    run.append(epoch_end(3, True, 1.0))
    assert reader.refresh()
    assert asked == [before]
    assert [epoch.epoch for epoch in reader.history.epochs] == [1, 2, 3]


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


def test_a_damaged_line_is_said(run):
    with open(run.path / "events.jsonl", "a") as file:
        file.write("{]\n")
    with pytest.raises(StoreError, match="damaged"):
        HistoryReader(run).refresh()


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
