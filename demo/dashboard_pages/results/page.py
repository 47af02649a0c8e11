"""The results that earlier works state, beside those of this project's runs."""

import streamlit as st

from cifar_core.runs.store import RunStore
from demo.charts.results import stated_chart
from demo.shared.format import listed
from demo.shared.stated_results import Row, all_results, rows_of, table_rows
from demo.widgets.chart import show_chart
from demo.widgets.panels import plain, show_link, show_table, tighten_page

WHAT = (
    "This project builds on five earlier works. Each of their results has a recipe here that repeats it as "
    "stated, and a fast recipe of our own. Each of our figures comes from one run, measured once on all test "
    "pictures."
)
TABLE = (
    "Accuracy is the share of all test pictures that are classified correctly. In brackets: own minus "
    "stated, in percentage points. Then the epochs, and how long the whole run took on its device. Not run "
    "yet: no run of this recipe has finished, neither for the project nor in this store of runs."
)
WIDE_TABLE = "<style>.st-key-stated_table table { min-width: 46rem }</style>"  # a phone scrolls in it
NOT_HERE = "Without curves here; only their figures are kept, in checkpoints/results.json:"
HOW = "To run one of them, or all that are missing, from the command line:"


def show_runs(store: RunStore, rows: list[Row]) -> None:
    """A link to each run behind a figure that is in the store or shipped."""
    there = {run.id for run in store.list()}
    results = [result for row in rows for result in (row.own, row.fast) if result]
    known = [result for result in results if result.run_id in there]
    if not known:
        return
    st.header("The runs behind the figures")
    with st.container(horizontal=True):
        for result in known:
            show_link("live", result.recipe, run=result.run_id)
    if others := [result.recipe for result in results if result.run_id not in there]:
        st.caption(plain(f"{NOT_HERE} {listed(others)}."))


def show_page(store: RunStore) -> None:
    """Chart, table, runs, and how to add to them."""
    st.title("Results")
    st.write(WHAT)
    results, trouble = all_results(store)
    if trouble:
        st.error(plain(f"Some results cannot be read. {trouble}"))
    rows = rows_of(results)
    show_chart(stated_chart(rows), "stated", "Chart: stated and own test accuracy of each recipe")
    with st.container(key="stated_table"):
        st.html(WIDE_TABLE)
        show_table(table_rows(rows), {"recipe": "/train?recipe="})
    st.caption(plain(TABLE))
    show_runs(store, rows)
    st.write(HOW)
    st.code(
        "python -m cifar_core reproduce s2-vgg --fast\npython -m cifar_core reproduce --fast",
        "bash",
        wrap_lines=True,
    )
    show_link("train", "Train one of these recipes")


tighten_page()
show_page(RunStore())
