"""Open a page of the dashboard without a browser, and find what it says."""

from pathlib import Path

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
    return "\n".join(parts + [element.value for element in app.get("html")]).replace("\\", "")


def button(app: AppTest, label: str):
    return next(item for item in app.button if item.label == label)


def buttons(app: AppTest) -> list[str]:
    return [item.label for item in app.button]


def number(app: AppTest, name: str):
    return next(
        item for item in app.number_input if name in (item.label.split(" ")[0], str(item.key).split(":")[-1])
    )


def charts(app: AppTest) -> int:
    return len(app.get("echarts_chart"))
