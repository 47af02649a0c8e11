"""The tab's title says how a run stands, and how it ended, also in a tab that nobody looks at."""

import dataclasses
import re

import pytest

from cifar_core.runs.store import Status
from tests.support.dashboard_server import wait_for_state
from tests.support.fake_runs import keep_running, make_run

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]

ENDS = {"finished": "Finished", "stopped": "Stopped", "failed": "Failed"}


# A browser without a window says that all its tabs are seen.
HIDE = """() => {
    window.stayed = true
    Object.defineProperty(document, "hidden", {get: () => true})
    Object.defineProperty(document, "visibilityState", {get: () => "hidden"})
    for (const name of ["visibilitychange", "blur"]) document.dispatchEvent(new Event(name))
    window.dispatchEvent(new Event("blur"))
}"""


def title_is(tab, begin: str) -> None:
    tab.wait_for_function("begin => document.title.startsWith(begin)", arg=begin)


def tell(run, done: int, **changes) -> None:
    run.write_status(dataclasses.replace(run.status(), done=done, **changes))


@pytest.mark.parametrize("state", ENDS)
def test_the_title_moves_and_tells_the_end_in_a_tab_behind_another(served_store, address, tab, state):
    run = make_run(served_store, epochs=1, state="running")
    lock = keep_running(run)
    tell(run, 51)
    tab.goto(f"{address}/live?run={run.id}")
    title_is(tab, "17 % · mixing_lite, ")
    assert tab.title().endswith(" · CIFAR-10 Lab")
    tab.context.new_page().bring_to_front()
    tab.evaluate(HIDE)
    tell(run, 102)
    title_is(tab, "34 % · ")
    tell(run, 102, state="paused")
    title_is(tab, "Paused · ")
    run.write_status(Status(state, done=102, total=300))
    lock.release()
    title_is(tab, f"{ENDS[state]} · mixing_lite, ")
    assert tab.evaluate("window.stayed"), "the page was loaded anew"


def test_a_process_that_was_killed_is_told_too_and_another_page_has_its_own_title(served_store, address, tab):
    run = make_run(served_store, epochs=1, state="running")
    lock = keep_running(run)
    tab.goto(f"{address}/live?run={run.id}")
    title_is(tab, "17 % · ")
    lock.release()
    title_is(tab, "Failed · ")
    wait_for_state(tab, "Failed")
    tab.get_by_role("link", name=re.compile("CIFAR-10 Lab")).first.click()
    tab.wait_for_function("document.title === 'CIFAR-10 Lab'")
