"""The learning rate finder on the Train page: started, watched, taken over, ended."""

import pytest

from cifar_core.recipes import list_recipes
from cifar_core.runs.lr_finder import LrFinder
from demo.charts import lr_finder_chart
from demo.dashboard_pages.train.lr_finder import describe_search, rounded
from tests.support.page_tests import button, buttons, charts, number, page, words
from tests.support.texts import says

POINTS = [[10.0 ** (n / 10 - 4), 2.3 - 0.02 * n, 2.3 - 0.02 * n] for n in range(30)]


@pytest.fixture
def searches(monkeypatch):
    """Folders of the searches that the page starts, in place of processes."""
    started = []
    monkeypatch.setattr("demo.dashboard_pages.train.lr_finder.launch_lr_finder", started.append)
    return started


def test_a_rate_is_found_and_put_into_the_form(store, searches):
    app = page()
    recipe_lr = number(app, "lr").value
    button(app, "Find").click().run()
    (folder,) = searches
    assert folder.config().lr == recipe_lr and "until the device is free" in words(app)
    folder.stop()
    folder.change(state="running", points=POINTS, suggestion=0.01234)
    app.run()
    assert folder.watched, "the page says that somebody looks"
    assert charts(app) == 1 and "falls most steeply at a learning rate near 0.012" in words(app)
    folder.change(state="finished")
    app.run()
    button(app, "Use 0.012").click().run()
    assert not app.exception
    assert number(app, "lr").value == 0.012 and "--set lr=0.012" in app.code[0].value
    assert "Find" in buttons(app) and list_recipes()


def test_a_search_is_stopped_by_its_button(store, searches):
    app = page()
    button(app, "Find").click().run()
    button(app, "Stop").click().run()
    assert not searches[0].watched and "Find" in buttons(app)


def test_a_search_that_is_gone_is_said(store, searches):
    app = page()
    button(app, "Find").click().run()
    (searches[0].path / "search.json").unlink()
    app.run()
    assert "cannot be read" in words(app)
    button(app, "Start over").click().run()
    assert "Find" in buttons(app)


def test_words_and_chart_of_every_state():
    assert says(describe_search(LrFinder("failed", 0.1, "No data.")), "failed", "No data.")
    assert "Step 30 of 80" in describe_search(LrFinder("running", 0.1, points=POINTS))
    assert "no rate to suggest" in describe_search(LrFinder("finished", 0.1, points=POINTS))
    assert lr_finder_chart([], None).title.startswith("The loss appears here")
    chart = lr_finder_chart(POINTS, 0.01)
    (mark,) = chart.layout["shapes"]
    assert mark["x0"] == 0.01 and mark["label"]["text"] == "suggested"
    assert chart.layout["xaxis"]["type"] == "log" and chart.figure
    assert chart.data[0]["x"] == [point[0] for point in POINTS], "small rates are not rounded away"
    assert rounded(0.012345) == 0.012
