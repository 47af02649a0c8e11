"""Back and Forward in a real browser: each page comes back as it was, one entry for each step and choice."""

import re

import pytest

from cifar_core.data.synthetic import SHAPE_NAMES
from cifar_core.files import DEFAULT_CHECKPOINT
from cifar_core.runs.labels import Labels, write_labels
from tests.support.dashboard_server import SETTLED, open_page
from tests.support.fake_runs import make_run
from tests.support.toy_checkpoints import save_toy

SHOWN = """() => [
    location.pathname + location.search,
    document.querySelector("h1")?.innerText,
    ...[...document.querySelectorAll("[data-testid=stMain] [role=radio]")]
        .filter(one => one.checked || one.ariaChecked === "true")
        .map(one => one.closest("label")?.innerText || one.innerText),
    ...[...document.querySelectorAll("[data-testid=stSelectbox] input")].map(one => one.value),
    ...[...document.querySelectorAll("[data-testid=stPageLink]")].map(one => one.innerText),
]"""

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]  # seconds; about 60 on a quiet machine


@pytest.fixture(scope="module")
def runs(served_store):
    """Two finished runs with networks that mix, the older one first; their pictures are the drawn set."""
    made = [make_run(served_store, recipe="smoke", epochs=epochs) for epochs in (3, 4)]
    for run, name in zip(made, ("the older", "the newer"), strict=True):
        write_labels(run, Labels(name))
        save_toy(run.best_checkpoint, class_names=list(SHAPE_NAMES), config=run.config().to_json())
    return made


def settled(tab) -> list[str]:
    """What the page shows when nothing moves any more: its address, heading, choices and ways on."""
    before, now = None, []
    while now != before:
        tab.wait_for_timeout(600)
        tab.wait_for_function(SETTLED)
        before, now = now, tab.evaluate(SHOWN)
    return now


def press(tab, name: str) -> None:
    tab.get_by_test_id("stMain").get_by_role("radio", name=name, exact=True).first.click()


def select(tab, label: str, option: str) -> None:
    tab.get_by_role("combobox", name=label).first.click()
    tab.get_by_role("option", name=option, exact=True).click()


def tick(tab, row: int) -> None:
    """Tick a row of the table of runs, which is drawn on a canvas."""
    tab.locator(".dvn-scroller").first.click(position={"x": 16, "y": 52 + 35 * row})


def steps(tab, address):
    """(what is done, entries in the history that it makes), page by page."""
    yield lambda: press(tab, "Earlier works"), 1
    yield lambda: open_page(tab, "Live"), 1
    yield lambda: tab.goto(f"{address}/live?run={DEFAULT_CHECKPOINT}"), 1
    yield lambda: open_page(tab, "Mixing"), 1
    yield lambda: press(tab, "Over time"), 1
    yield lambda: press(tab, "Which kernel serves which class?"), 1
    yield lambda: open_page(tab, "Understand"), 1
    yield lambda: select(tab, "Network", "the older"), 1
    yield lambda: press(tab, "Mistakes"), 1
    yield lambda: select(tab, "True class", SHAPE_NAMES[3]), 1
    yield lambda: open_page(tab, "Runs"), 1
    yield lambda: tick(tab, 0), 1
    yield lambda: tick(tab, 1), 1
    yield lambda: tab.get_by_test_id("stPageLink").first.click(), 1  # the run that was ticked first
    yield lambda: open_page(tab, "Try"), 1
    yield lambda: open_page(tab, "Results"), 1
    yield lambda: open_page(tab, "Learn"), 1
    yield lambda: tab.get_by_role("link", name=re.compile("^Next:")).click(), 1
    yield lambda: tab.get_by_role("link", name=re.compile("^Back:")).click(), 1
    yield lambda: open_page(tab, "Basics"), 1
    yield lambda: press(tab, "2. A network"), 1


def test_back_and_forward_show_each_page_as_it_was(address, tab, runs):
    tab.goto(f"{address}/train")
    shown, length = [settled(tab)], tab.evaluate("history.length")
    for act, entries in steps(tab, address):
        act()
        now = settled(tab)
        assert now != shown[-1], f"nothing happened on {now[0]}"
        assert tab.evaluate("history.length") == length + entries, f"entries made by {now[0]}"
        length += entries
        shown = [*shown, now] if entries else [*shown[:-1], now]
    assert "/live?run=" in shown[2][0], "the run that is looked at is not in the address"
    for wanted in reversed(shown[:-1]):
        tab.go_back()
        assert settled(tab) == wanted
    for wanted in shown[1:]:
        tab.go_forward()
        assert settled(tab) == wanted
    assert tab.evaluate("history.length") == length
