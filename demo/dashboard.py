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

from demo.dashboard_pages import PAGES  # noqa: E402 (needs the path that is set above)

st.set_page_config(page_title="CIFAR-10 Lab", layout="wide", initial_sidebar_state="collapsed")
st.navigation(
    [
        st.Page(f"dashboard_pages/{folder}/page.py", title=title, url_path=title.lower(), default=place == 0)
        for place, (folder, title) in enumerate(PAGES.items())
    ],
    position="top",
).run()

from demo.widgets.chart import show_numbers  # noqa: E402
from demo.widgets.preload import preload  # noqa: E402 (after the first page is drawn)

show_numbers()
preload("demo.dashboard_pages.runs.comparison", "demo.dashboard_pages.runs.table")
