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

st.set_page_config(page_title="CIFAR-10 Lab", layout="wide", initial_sidebar_state="collapsed")
st.navigation(
    [
        st.Page("dashboard_pages/train/page.py", title="Train", default=True),
        st.Page("dashboard_pages/live/page.py", title="Live", url_path="live"),
        st.Page("dashboard_pages/mixing/page.py", title="Mixing", url_path="mixing"),
        st.Page("dashboard_pages/runs/page.py", title="Runs", url_path="runs"),
        st.Page("dashboard_pages/understand/page.py", title="Understand", url_path="understand"),
        st.Page("dashboard_pages/try_network/page.py", title="Try", url_path="try"),
        st.Page("dashboard_pages/results/page.py", title="Results", url_path="results"),
        st.Page("dashboard_pages/learn/page.py", title="Learn", url_path="learn"),
        st.Page("dashboard_pages/basics/page.py", title="Basics", url_path="basics"),
    ],
    position="top",
).run()

from demo.widgets.preload import preload  # noqa: E402 (after the first page is drawn, and with the path that is set above)

preload("demo.dashboard_pages.runs.actions", "demo.dashboard_pages.runs.table")
