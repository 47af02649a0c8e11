"""All runs: searched, sorted, labeled, compared, deleted. The URL holds the whole view."""

import streamlit as st

from cifar_core.runs.lr_finder import remove_old_searches
from cifar_core.runs.store import RunStore
from cifar_core.runs.summary import summarize_all
from cifar_core.runs.trash import empty_trash
from demo.dashboard_pages.runs.actions import show_actions
from demo.dashboard_pages.runs.comparison import show_comparison
from demo.dashboard_pages.runs.table import choose
from demo.dashboard_pages.runs.trash_view import show_notice, show_trash
from demo.shared.host import is_public
from demo.widgets.panels import show_link, tighten_page

HOW = (
    "Tick a run to open, name, download or delete it; tick two to six to lay them over one another. "
    "The address of this page holds the whole view: copy it to share."
)


def show_page(store: RunStore) -> None:
    """The table, and beneath it what the ticked runs have to say."""
    st.title("Runs")
    if not is_public():
        show_notice(store)
    summaries = summarize_all(store)
    if summaries:
        st.write(HOW)
        chosen = choose(summaries)
        show_actions(store, summaries, chosen)
        show_comparison(store, chosen)
    else:
        st.write("No run yet: the first one that you train appears here.")
        show_link("train", "Train a network")
    if not is_public():
        empty_trash(store)
        remove_old_searches(store)
        show_trash(store)


tighten_page()
show_page(RunStore())
