"""The dashboard's entry: `streamlit run demo/dashboard.py`, from any working directory.

Its pages must not lie in a folder called `pages`: until somebody has opened this file, Streamlit would take
each of them for a page of its own, and a link such as /live?run=ID would open without what this file sets up.
"""

import sys
from pathlib import Path

import streamlit as st

ROOT = str(Path(__file__).resolve().parent.parent)
if ROOT not in sys.path:  # Streamlit puts only this file's folder there; the packages lie one above it
    sys.path.insert(0, ROOT)

from cifar_core.runs.store import RunStore, StoreError  # noqa: E402 (needs the path that is set above)
from demo.dashboard_pages import GROUPS, NAME, address_of  # noqa: E402 (needs the path that is set above)

page = st.navigation(
    {
        heading: [
            st.Page(
                f"dashboard_pages/{folder}/page.py",
                title=title,
                url_path=address_of(folder),
                default=folder == "start",
            )
            for folder, title in pages.items()
        ]
        for heading, pages in GROUPS.items()
    },
    position="top",
)
st.set_page_config(
    page_title=NAME if page.title == NAME else f"{page.title} · {NAME}",
    layout="wide",
    initial_sidebar_state="collapsed",
)
try:
    RunStore()
except StoreError as error:
    st.error(str(error))
    st.stop()
page.run()

from demo.widgets.chart import show_numbers  # noqa: E402
from demo.widgets.preload import preload  # noqa: E402 (after the first page is drawn)

show_numbers()
preload("demo.dashboard_pages.runs.comparison", "demo.dashboard_pages.runs.table")
