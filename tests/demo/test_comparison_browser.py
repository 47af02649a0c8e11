"""Runs and Understand in a real browser: ticks, colors, a cell that is clicked, axes on a phone."""

import re

import pytest

from cifar_core.data.synthetic import SHAPE_NAMES
from cifar_core.recipes import get_recipe
from tests.support.dashboard_server import SETTLED
from tests.support.fake_runs import make_run
from tests.support.toy_checkpoints import save_toy

TICK, ROW = 17, 35  # pixels: from a table's left to a tick, and the height of its rows
CELL = """([row, column]) => {
    const plot = document.querySelector(".lab-plot"), box = plot.getBoundingClientRect();
    const {xaxis, yaxis} = plot._fullLayout;
    return [box.left + xaxis._offset + xaxis.d2p(column), box.top + yaxis._offset + yaxis.d2p(row)];
}"""

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]


def test_a_click_on_a_cell_shows_its_pictures(served_store, address, tab):
    config = get_recipe("smoke").config
    run = served_store.create(config)
    save_toy(run.best_checkpoint, class_names=list(SHAPE_NAMES), config=config.to_json())
    tab.goto(f"{address}/understand?part=confusion&run={run.id}&n=200")
    tab.locator(".lab-plot .hm").first.wait_for()
    tab.wait_for_function(SETTLED)
    tab.locator(".lab-plot").first.scroll_into_view_if_needed()
    tab.mouse.click(*tab.evaluate(CELL, [SHAPE_NAMES[2], SHAPE_NAMES[5]]))
    tab.wait_for_url(re.compile(f"true={SHAPE_NAMES[2]}&predicted={SHAPE_NAMES[5]}"))
    tab.get_by_text(f"of the class {SHAPE_NAMES[2]} taken for {SHAPE_NAMES[5]}").or_(
        tab.get_by_text("pictures is like that")
    ).wait_for()


def test_runs_of_one_color_stay_ticked_when_one_gets_another(served_store, address, tab):
    newest = [make_run(served_store, epochs=2).id for _ in range(9)][::-1]
    tab.goto(f"{address}/runs")
    table = tab.get_by_test_id("stDataFrame").locator("canvas").first
    table.wait_for()
    tab.wait_for_function(SETTLED)
    box = table.bounding_box()
    for row in (0, 8):  # the ninth has the color of the first
        tab.mouse.click(box["x"] + TICK, box["y"] + ROW * (row + 1.5))
        tab.wait_for_url(re.compile(f"runs=.*{newest[row]}$"))
    tab.locator(".lab-plot .main-svg").first.wait_for()
    tab.wait_for_function(SETTLED)
    assert all(newest[row] in tab.url for row in (0, 8))
    colors = tab.evaluate("document.querySelector('.lab-plot').data.map(trace => trace.line.color)")
    assert len(set(colors)) == 2


def test_axes_scroll_on_a_phone(served_store, address, tab):
    runs = [make_run(served_store, epochs=2, lr=lr, nesterov=lr > 0.1) for lr in (0.05, 0.2)]
    tab.set_viewport_size({"width": 390, "height": 844})
    tab.goto(f"{address}/runs?runs={','.join(run.id for run in runs)}&view=settings")
    tab.locator(".lab-plot .parcoords").first.wait_for()
    assert tab.evaluate("document.querySelector('.lab-plot').clientWidth") > 390
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
