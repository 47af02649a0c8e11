"""The long way through the dashboard in a real browser, with real training processes."""

import os
import re
import signal
import zipfile

import pytest

from cifar_core.runs.events import LearningRate
from tests.support.dashboard_server import wait_for_state

CHART = ".lab-plot .main-svg"

pytestmark = pytest.mark.timeout(600)


def press(tab, name):
    """A button of the page or of what it has opened; the menu's groups are buttons too."""
    parts = tab.locator("[data-testid=stMain], [data-testid=stPopoverBody]")
    parts.get_by_role("button", name=name, exact=True).first.click()


def begin(tab, address, served_store):
    """A run of 2,000 drawn pictures that is too long to end during the test."""
    tab.goto(f"{address}/train?recipe=smoke")
    epochs = tab.get_by_label(re.compile("^epochs", re.IGNORECASE)).first
    epochs.fill("900")
    epochs.press("Enter")
    tab.get_by_label(re.compile("^Epochs · changed")).first.wait_for()
    tab.get_by_test_id("stMain").get_by_role("button", name="Train", exact=True).click()
    tab.wait_for_url(re.compile(r"/live\?run=smoke-"))
    tab.get_by_text(re.compile("^(Training|Validation) loss is")).first.wait_for()
    return served_store.get(tab.url.split("run=")[1].split("&")[0])


def loss_sentence(tab):
    return tab.get_by_text(re.compile("^(Training|Validation) loss")).first.inner_text()


def test_from_train_to_a_downloaded_checkpoint(served_store, address, tab, tmp_path):
    run = begin(tab, address, served_store)
    before = loss_sentence(tab)
    tab.wait_for_function(
        "before => !document.body.innerText.includes(before)", arg=before
    )  # the curve moves, and its sentence with it
    press(tab, "Learning rate")
    press(tab, "Halve")
    tab.keyboard.press("Escape")
    tab.wait_for_timeout(1000)
    press(tab, "Pause")
    wait_for_state(tab, "Paused")
    assert [event.factor for event in run.events() if isinstance(event, LearningRate)] == [0.5]
    tab.reload()
    wait_for_state(tab, "Paused")
    press(tab, "Continue")
    wait_for_state(tab, "Running")
    tab.get_by_text("Validation loss").first.wait_for()
    second = tab.context.new_page()
    second.goto(tab.url)
    wait_for_state(second, "Running")
    press(second, "Stop")
    for one in (second, tab):
        wait_for_state(one, "Stopped")
    second.close()

    tab.goto(f"{address}/runs?runs={run.id},speed_mixing.v2")
    tab.get_by_text("their accuracies cannot be compared").first.wait_for()  # drawn shapes beside photographs
    for page in ("mixing", "understand"):
        tab.goto(f"{address}/{page}?run={run.id}")
        tab.locator(CHART).first.wait_for()
        assert run.id in tab.url and not tab.get_by_test_id("stException").count()

    tab.goto(f"{address}/runs?runs={run.id}")
    with tab.expect_download() as download:
        press(tab, "Checkpoint")
    download.value.save_as(tmp_path / "checkpoint.zip")
    with zipfile.ZipFile(tmp_path / "checkpoint.zip") as archive:
        names = {name.rsplit("/", 1)[-1] for name in archive.namelist()}
    assert {"weights.safetensors", "card.json"} <= names


@pytest.mark.slow
def test_a_killed_trainer_is_a_failed_run_that_goes_on(served_store, address, tab):
    run = begin(tab, address, served_store)
    tab.get_by_text("Validation loss").first.wait_for()
    os.kill(run.status().pid, signal.SIGKILL)
    wait_for_state(tab, "Failed")
    tab.get_by_text("Resume goes on from the last saved state").first.wait_for()
    press(tab, "Resume")
    wait_for_state(tab, "Running")
    press(tab, "Stop")
    wait_for_state(tab, "Stopped")
    assert len(run.events()) > 2
