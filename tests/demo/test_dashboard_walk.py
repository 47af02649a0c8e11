"""The long way through the dashboard in a real browser, with real training processes."""

import os
import re
import signal
import zipfile

import pytest

from cifar_core.runs.events import LearningRate
from cifar_core.runs.store import RunStore
from tests.demo.dashboard_server import serve

PATIENCE_MS = 40_000  # several processes share the processor
CHART = "[data-testid=stEChartsChart]"

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return RunStore(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def address(store, tmp_path_factory):
    with serve(store.root, tmp_path_factory.mktemp("elsewhere")) as found:
        yield found


@pytest.fixture
def tab(chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    yield context.new_page()
    context.close()


def wait_for_state(tab, word):
    tab.get_by_role("status").filter(has_text=word).first.wait_for()


def press(tab, name):
    tab.get_by_role("button", name=name, exact=True).first.click()


def begin(tab, address, store):
    """A run of 2,000 drawn pictures that is too long to end during the test."""
    tab.goto(f"{address}/?recipe=smoke")
    epochs = tab.get_by_label(re.compile("^epochs", re.IGNORECASE)).first
    epochs.fill("900")
    epochs.press("Enter")
    tab.get_by_label(re.compile("^epochs · changed")).first.wait_for()
    press(tab, "Train")
    tab.wait_for_url(re.compile(r"/live\?run=smoke-"))
    tab.get_by_text(re.compile("^(Training|Validation) loss is")).first.wait_for()
    return store.get(tab.url.split("run=")[1].split("&")[0])


def loss_sentence(tab):
    return tab.get_by_text(re.compile("^(Training|Validation) loss")).first.inner_text()


def test_from_train_to_a_downloaded_checkpoint(store, address, tab, tmp_path):
    run = begin(tab, address, store)
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
    press(tab, "Stop")
    wait_for_state(tab, "Stopped")

    tab.goto(f"{address}/runs?runs={run.id},speed_mixing.v2")
    tab.get_by_text(re.compile("is ahead with")).first.wait_for()
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


def test_a_killed_trainer_is_a_failed_run_that_goes_on(store, address, tab):
    run = begin(tab, address, store)
    tab.get_by_text("Validation loss").first.wait_for()
    os.kill(run.status().pid, signal.SIGKILL)
    wait_for_state(tab, "Failed")
    tab.get_by_text("Resume goes on from the last saved state").first.wait_for()
    press(tab, "Resume")
    wait_for_state(tab, "Running")
    press(tab, "Stop")
    wait_for_state(tab, "Stopped")
    assert len(run.events()) > 2
