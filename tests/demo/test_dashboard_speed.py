"""Every page opens quickly, however many runs there are and however long one is; an update costs little.

Processor time is what is measured: unlike the time that passes, it is hardly a matter of what else the
machine does. `python -m tests.tools.dashboard_cost` measures both, in a real browser.
"""

import dataclasses
import time

import pytest

from cifar_core.runs import summary
from cifar_core.runs.store import RunStore
from demo.dashboard_pages import PAGES
from tests.support.fake_runs import crowd, epoch_end, keep_running
from tests.support.page_tests import page, words
from tests.tools.dashboard_cost import EVENTS, OPEN_SECONDS, RUNS, UPDATE_MS

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def long_run(tmp_path_factory):
    """The run under way, with 100,000 events, in a store of 200."""
    run = crowd(RunStore(tmp_path_factory.mktemp("crowded")), RUNS, EVENTS)
    with keep_running(run):
        yield run


@pytest.fixture
def enter(store, long_run, monkeypatch):
    """Go from the empty store to the crowded one, of which nothing has been read yet."""

    def go():
        summary._short_reader.cache_clear()
        monkeypatch.setenv("CIFAR_LAB_RUNS", str(long_run.path.parent))

    return go


def processor_seconds(action) -> float:
    begun = time.process_time()
    action()
    return time.process_time() - begun


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_quickly_beside_many_runs(enter, long_run, name):
    page(name)  # what is loaded once a server

    def once() -> float:
        enter()
        return processor_seconds(lambda: page(name, run=long_run.id))

    assert min(once() for _ in range(3)) < OPEN_SECONDS  # a thread of an earlier test may still work


def test_an_update_costs_little(enter, long_run):
    enter()
    assert len(page("runs").dataframe[0].value) == RUNS
    app = page("live", run=long_run.id)
    long_run.append(dataclasses.replace(epoch_end(5, True, 1.0), val_loss=0.111))
    assert processor_seconds(app.run) < UPDATE_MS / 1000  # the whole page; a look at it is a part of this
    assert "Validation loss is 0.11" in words(app)
