"""The page of runs opens quickly, however many runs there are and however long one of them is."""

import shutil
import time

import pytest

from demo import summaries
from tests.demo.fake_runs import make_run
from tests.demo.page_tests import page

RUNS, EVENTS = 200, 100_000
CPU_SECONDS = 2.0  # measured: 0.6 s; with every event parsed 3.9 s


@pytest.fixture
def crowded(store):
    """A store of 200 runs, one of them with 100,000 events."""
    first = make_run(store, epochs=6)
    for number in range(1, RUNS):
        shutil.copytree(first.path, first.path.with_name(f"{first.id}-{number}"))
    path = first.path / "events.jsonl"
    head, step, *rest = path.read_text().splitlines(keepends=True)
    path.write_text("".join([head, step * (EVENTS - len(rest) - 1), *rest]))
    return store


def test_a_crowded_store_opens_quickly(crowded):
    page("runs", runs="none")  # what is loaded once a server
    summaries._figures.cache_clear()
    began = time.process_time()
    app = page("runs")
    assert time.process_time() - began < CPU_SECONDS
    assert len(app.dataframe[0].value) == RUNS
