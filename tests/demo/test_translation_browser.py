"""A page that the browser translates goes on: figures move, parts come and go, nothing crashes."""

import dataclasses
import re

import pytest

from cifar_core.runs.events import Step
from cifar_core.runs.store import Status
from demo.dashboard_pages import GROUPS
from tests.support.dashboard_server import SETTLED
from tests.support.fake_runs import STEPS_PER_EPOCH, epoch_end, keep_running, make_run
from tests.support.toy_checkpoints import save_toy
from tests.support.translation import TRANSLATE, watched

CHART = ".lab-plot .main-svg"

pytestmark = [pytest.mark.timeout(400), pytest.mark.slow]


@pytest.fixture
def run(served_store):
    """Under way, with the weights of a toy."""
    run = make_run(served_store, epochs=2, state="running")
    save_toy(run.best_checkpoint)
    lock = keep_running(run)
    yield run
    lock.release()


def translated(tab, path: str) -> None:
    tab.goto(path)
    tab.locator(CHART).first.wait_for()
    tab.wait_for_function(SETTLED)
    tab.evaluate(TRANSLATE)
    tab.get_by_text(re.compile("EPOCH")).first.wait_for()
    assert tab.evaluate("window.translations") > 20


def shows(tab, words: str) -> None:
    """Wait until the page says so, as the translator writes it."""
    tab.wait_for_function(
        "words => document.querySelector('[data-testid=stMain]').innerText.includes(words)", arg=words
    )


def test_live_goes_on_from_step_to_step_and_to_its_end(run, address, tab):
    with watched(tab):
        translated(tab, f"{address}/live?run={run.id}")
        for index in range(1, 5):
            step = 2 * STEPS_PER_EPOCH + 30 + index
            run.append(Step(3, step, 0.5, 0.8, 0.1, 900.0 + index))
            run.write_status(dataclasses.replace(run.status(), done=step, eta_seconds=100.0 - index))
            shows(tab, f"STEP {step} OF 300, 1 MIN {40 - index} S LEFT")
            shows(tab, f"{900 + index} IMAGES/S")
        run.append(epoch_end(3, True, 1.0))
        shows(tab, "AFTER EPOCH 3")
        for state, button in (("paused", "CONTINUE"), ("running", "PAUSE")):
            run.write_status(dataclasses.replace(run.status(), state=state))
            shows(tab, state.upper())
            shows(tab, button)
        run.write_status(Status("stopped", done=150, total=300))
        shows(tab, "STOPPED AFTER 3 EPOCHS")
        tab.get_by_test_id("stTopNavSection").nth(1).click()  # another page, and back to this one
        tab.get_by_role("menuitem").nth(list(GROUPS["Look inside"]).index("mixing")).click()
        tab.wait_for_url(re.compile("/mixing"))
        tab.locator(CHART).first.wait_for()
        tab.go_back()
        shows(tab, "STOPPED AFTER 3 EPOCHS")


def test_mixing_moves_with_its_sliders_and_changes_its_questions(run, address, tab):
    with watched(tab):
        translated(tab, f"{address}/mixing?run={run.id}")
        shows(tab, "AFTER EPOCH 2")
        tab.get_by_role("slider").first.press("ArrowLeft")
        shows(tab, "AFTER EPOCH 1")
        questions = tab.get_by_test_id("stMain").get_by_role("radio")
        for place in (1, 2, 0, 2):
            questions.nth(place).click()
            tab.wait_for_function(SETTLED)
            tab.locator(CHART).first.wait_for()
        shows(tab, "EVERY BLOCK MIXES AS PREDICTED")
        slider = tab.get_by_role("slider").first
        for _ in range(3):
            before = tab.get_by_test_id("stMain").inner_text()
            slider.press("ArrowRight")
            shows(tab, "THE OTHER BLOCKS AS PREDICTED")
            tab.wait_for_function(
                "before => document.querySelector('[data-testid=stMain]').innerText !== before", arg=before
            )
