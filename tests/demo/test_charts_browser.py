"""Charts in a real browser: they move in place, keep what the reader did, and send nothing anywhere."""

import csv
import json
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from cifar_core.runs.events import Step
from tests.support.fake_runs import STEPS_PER_EPOCH, keep_running, make_run, mixed_step

PLOT = ".lab-plot .main-svg"
POINTS = "document.querySelector('.lab-plot').data.find(line => line.name === 'training').x.length"
RANGES = "(axes => [axes.xaxis.range, axes.yaxis.range])(document.querySelector('.lab-plot').layout)"
RIBBONS = """[...document.querySelectorAll('.lab-plot')].flatMap(plot => plot.data ?? [])
    .find(trace => trace.stackgroup)?.x.length ?? 0"""
HOVERED = "document.querySelector('.lab-plot .hoverlayer').childElementCount"

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]  # seconds; about 20 each on a quiet machine


@pytest.fixture
def going(served_store):
    """A run that is under way, with the lock of its process."""
    run = make_run(served_store, epochs=3, state="running")
    lock = keep_running(run)
    yield run
    lock.release()


def tell(run, number: int) -> None:
    """One more Step event in the fourth epoch."""
    step = 3 * STEPS_PER_EPOCH + STEPS_PER_EPOCH // 2 + number
    run.append(Step(4, step, 0.3 - number / 100, 0.9, 0.1, 812.0, *mixed_step(step / STEPS_PER_EPOCH)))


def drag(tab) -> None:
    """Zoom into a part of the first chart, and leave the mouse in it."""
    box = tab.locator(".lab-plot .nsewdrag").first.bounding_box()
    tab.mouse.move(box["x"] + 60, box["y"] + 30)
    tab.mouse.down()
    tab.mouse.move(box["x"] + 220, box["y"] + 130, steps=5)
    tab.mouse.up()


def test_zoom_hover_and_legend_survive_ten_updates_and_no_chart_is_made_anew(going, address, tab):
    tab.goto(f"{address}/live?run={going.id}")
    tab.locator(PLOT).first.wait_for()
    tab.wait_for_function(f"{RIBBONS} > 0")
    drag(tab)
    tab.wait_for_timeout(500)
    zoomed = tab.evaluate(RANGES)
    tab.locator(".lab-plot").nth(1).locator(".legendtoggle").first.click()
    hidden = "document.querySelectorAll('.lab-plot')[1].data[0].visible"
    tab.wait_for_function(f"{hidden} === 'legendonly'")
    tab.evaluate(f"window.nodes = [...document.querySelectorAll('{PLOT}')]; 0")
    box = tab.locator(".lab-plot .nsewdrag").first.bounding_box()
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.wait_for_function(f"{HOVERED} > 0")
    for number in range(1, 11):
        points = tab.evaluate(POINTS)
        tell(going, number)
        tab.wait_for_function(f"{POINTS} > {points}")
        assert tab.evaluate(RANGES) == zoomed, f"the zoom is gone after update {number}"
        tab.wait_for_function(f"{HOVERED} > 0", timeout=2000)
        assert tab.evaluate(f"{hidden} === 'legendonly'"), "a line that was hidden is back"
    same = f"[...document.querySelectorAll('{PLOT}')].every((node, place) => node === nodes[place])"
    assert tab.evaluate(same), "a chart was made anew"
    tab.mouse.dblclick(box["x"] + 100, box["y"] + 80)
    tab.wait_for_function(f"JSON.stringify({RANGES}) !== '{json.dumps(zoomed, separators=(',', ':'))}'")


def test_the_numbers_and_a_picture_can_be_taken_along(going, address, tab, tmp_path):
    tab.goto(f"{address}/live?run={going.id}")
    tab.locator(PLOT).first.wait_for()
    tab.get_by_role("button", name="Numbers of this chart").first.focus()
    tab.keyboard.press("Enter")
    dialog = tab.get_by_role("dialog")
    dialog.get_by_role("button", name="Save all rows as CSV").wait_for()
    tell(going, 1)
    tab.wait_for_timeout(3000)
    assert dialog.count() == 1, "an update closed it"
    with tab.expect_download() as download:
        dialog.get_by_role("button", name="Save all rows as CSV").click()
    rows = list(csv.DictReader(download.value.path().read_text().splitlines()))
    told = sum(isinstance(event, Step) for event in going.events())
    assert told - 1 <= sum(row["line"] == "training" for row in rows) <= told
    tab.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Save this chart as a PNG image").first.click()
    assert download.value.suggested_filename.startswith("validation-loss-is")
    assert download.value.path().read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_chart_asks_nobody_else_and_offers_no_upload(going, address, tab):
    asked = []
    tab.on("request", lambda request: asked.append(urlsplit(request.url)))
    tab.goto(f"{address}/live?run={going.id}")
    tab.locator(PLOT).first.wait_for()
    tab.locator(".lab-plot").first.hover()
    titles = tab.evaluate("[...document.querySelectorAll('.modebar-btn')].map(b => b.dataset.title)")
    assert set(titles) == {"Zoom", "Pan", "Reset axes"}
    hosts = {part.hostname for part in asked if part.scheme.startswith(("http", "ws"))}
    assert hosts == {"127.0.0.1"}
    figure = tab.get_by_role("figure", name="Line chart: loss over epochs").first
    assert figure.count() == 1, "a screen reader is told of the chart"


def test_ribbons_grow_before_the_first_epoch_ends(served_store, address, tab, tmp_path):
    """A slowed smoke run: small batches and a wider network."""
    slowed = ["epochs=2", "batch_size=16", 'model_args={"widths":[32,64,128],"num_kernels":3}']
    command = [sys.executable, "-m", "cifar_core", "train", "--recipe", "smoke", "--now", "--set", *slowed]
    with subprocess.Popen(
        [*command, "--runs-dir", str(served_store.root)], stdout=subprocess.DEVNULL
    ) as process:
        try:
            run = None
            while run is None:
                run = next((one for one in served_store.list() if one.status().pid == process.pid), None)
            tab.goto(f"{address}/live?run={run.id}")
            tab.wait_for_function(f"{RIBBONS} >= 5")
            assert not any(event.type == "epoch" for event in run.events()), "the first epoch has ended"
        finally:
            process.kill()
