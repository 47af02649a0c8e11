"""The dashboard in a real browser: links into it, charts that move, pages that fit a phone."""

import dataclasses
import re

import pytest

from cifar_core.runs.events import Step
from cifar_core.runs.requests import ControlRequest
from tests.support.camera_pictures import RAW
from tests.support.dashboard_server import ADDRESSES, wait_for_state
from tests.support.fake_runs import epoch_end, keep_running, make_run

CHART = ".lab-plot .main-svg"
LAYOUT = "document.querySelector('.lab-plot').layout"

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]  # seconds; about 10 on a quiet machine


def test_a_link_to_a_run_opens_on_a_fresh_server_and_its_curves_move_in_place(served_store, address, tab):
    """The first thing that this server is asked for is the link, as after its restart."""
    run = make_run(served_store, epochs=0, state="running")
    lock = keep_running(run)
    tab.goto(f"{address}/live?run={run.id}")
    tab.get_by_text("Training loss is 1.").wait_for()
    tab.locator(CHART).first.wait_for()
    tab.evaluate(f"window.before = document.querySelector('{CHART}')")
    run.append(Step(1, 30, 0.123, 0.9, 0.1, 812.0))
    tab.get_by_text("Training loss is 0.12").wait_for()
    assert tab.evaluate(f"window.before === document.querySelector('{CHART}')"), "the chart was drawn anew"
    tab.get_by_role("button", name="Pause").focus()
    tab.keyboard.press("Enter")
    tab.get_by_text("responds at its next step").wait_for()
    assert run.take_request() == ControlRequest("pause")
    lock.release()
    wait_for_state(tab, "Failed")
    tab.get_by_role("button", name="Resume").wait_for()


def test_how_the_curves_are_looked_at_survives_new_points_and_a_reload(served_store, address, tab):
    run = make_run(served_store, epochs=3, state="running")
    lock = keep_running(run)
    tab.goto(f"{address}/live?run={run.id}")
    tab.get_by_role("button", name="Lines and axes").click()
    tab.get_by_role("radio", name="Steps", exact=True).click()
    tab.get_by_text("Logarithmic loss").click()
    tab.wait_for_url(re.compile("log=true"))
    tab.keyboard.press("Escape")
    tab.get_by_role("button", name="Learning rate", exact=True).click()
    rate = tab.get_by_test_id("stNumberInputField")
    rate.fill("0.37")
    run.append(dataclasses.replace(epoch_end(4, True, 1.0), val_loss=0.111))
    tab.get_by_text("Validation loss is 0.11").wait_for()
    assert rate.input_value() == "0.37", "what was being typed is gone"
    for _ in range(2):
        assert "by=Steps" in tab.url and "log=true" in tab.url
        assert tab.evaluate(f"{LAYOUT}.xaxis.title.text") == "step"
        tab.reload()
        tab.locator(CHART).first.wait_for()
    lock.release()


def test_pages_fit_a_phone(served_store, address, tab):
    make_run(served_store, epochs=2)
    tab.set_viewport_size({"width": 390, "height": 844})
    for path in [*(path.split("?")[0] for path in ADDRESSES.values()), "/learn?step=6"]:
        tab.goto(address + path)
        tab.locator("h1").first.wait_for()
        tab.wait_for_function("!document.querySelector('[data-testid=stSkeleton]')")
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390, path
        assert not tab.get_by_test_id("stException").count(), path


def test_a_file_that_the_browser_takes_for_no_picture_gets_our_sentence(address, tab):
    tab.goto(f"{address}/try")
    tab.get_by_role("tab", name="Your own picture").click()
    chosen = {"name": "IMG_1234.HEIC", "mimeType": "", "buffer": RAW["Sony ARW"]}
    tab.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(files=[chosen])
    tab.get_by_text("raw camera file (Sony ARW)").wait_for()
