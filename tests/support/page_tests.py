"""Open a page of the dashboard without a browser, and find what it says."""

import json
from pathlib import Path

import pandas  # noqa: F401 (a page's server loads it in a thread, and plotly would take half of it)
from plotly.graph_objects import Figure
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from demo.dashboard_pages import address_of

ENTRY = Path(__file__).resolve().parents[2] / "demo" / "dashboard.py"


def page(name: str = "train", **query: str) -> AppTest:
    """A page of the dashboard, run once, as a link with `query` opens it."""
    app = AppTest.from_file(ENTRY, default_timeout=30)
    if name != "start":  # as switch_page, which learns addresses only by a first run of another page
        app._page_hash = calc_hash(address_of(name))
    app.query_params.clear()
    app.query_params.update(query)
    app.run()
    assert not app.exception
    for drawn in figures(app):
        for layout in (drawn["layout"], drawn["narrow"] or {}):
            Figure({"data": drawn["data"], "layout": layout})  # plotly refuses what it does not know
    return app


def words(app: AppTest) -> str:
    """All that the page says."""
    kinds = (
        app.title,
        app.header,
        app.subheader,
        app.markdown,
        app.caption,
        app.error,
        app.info,
        app.warning,
        app.code,
    )
    parts = [element.value for kind in kinds for element in kind]
    drawn = [text for data in _charts(app) for text in (data["title"], data["reading"])]
    return "\n".join(parts + drawn + [element.value for element in app.get("html")]).replace("\\", "")


def button(app: AppTest, label: str):
    return next(item for item in app.button if item.label == label)


def buttons(app: AppTest) -> list[str]:
    return [item.label for item in app.button]


def number(app: AppTest, name: str):
    return next(
        item for item in app.number_input if name in (item.label.split(" ")[0], str(item.key).split(":")[-1])
    )


def _charts(app: AppTest) -> list[dict]:
    """What the chart component was given, chart by chart."""
    told = [json.loads(part.proto.json) for part in app.get("bidi_component")]
    return [data for data in told if "figure" in data]


def figures(app: AppTest) -> list[dict]:
    """The plotly figures on the page, each with its traces and its layout."""
    return [json.loads(data["figure"]) for data in _charts(app)]


def charts(app: AppTest) -> int:
    return len(figures(app))
