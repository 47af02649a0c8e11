"""All runs in a table; two to six of them over one another. The URL holds the choice: `?runs=a,b`."""

import pandas as pd
import streamlit as st

from cifar_core.runs.store import RunStore
from demo.charts import OverlaidRun, line_style, overlay_chart
from demo.comparison import cost_rows, difference_rows
from demo.history import History
from demo.panels import plain, show_chart, show_legend, show_link, show_table, tighten_page
from demo.summaries import Summary, summarize_all
from demo.words import STATE_WORDS, duration, when

MOST = 6


def table_of(summaries: list[Summary]) -> pd.DataFrame:
    """The rows that the page shows, one a run, in the order of `summaries`."""
    return pd.DataFrame(
        [
            {
                "run": item.name,
                "state": STATE_WORDS[item.state],
                "best val accuracy (%)": None if item.best is None else round(100 * item.best, 2),
                "val accuracy": [100 * value for value in item.curve],
                "epochs": f"{item.epochs} of {item.config.epochs}" if item.config else "–",
                "time": duration(item.seconds) if item.epochs else "–",
                "recipe": item.config.recipe if item.config else "–",
                "started": "shipped with the project" if item.shipped else when(item.created),
            }
            for item in summaries
        ]
    )


def choose(summaries: list[Summary]) -> list[Summary]:
    """The table; the ticked runs. A tick changes the URL, and the URL ticks rows."""
    ids = [item.id for item in summaries]
    wanted = st.query_params.get("runs", "").split(",")
    ticked = [ids.index(run_id) for run_id in wanted if run_id in ids]
    chart = st.column_config.LineChartColumn(y_min=0, y_max=100, width="small")
    state = st.dataframe(
        table_of(summaries),
        hide_index=True,
        column_config={
            "run": st.column_config.TextColumn(pinned=True),
            "val accuracy": chart,
            "best val accuracy (%)": st.column_config.NumberColumn(format="%.2f"),
        },
        key=f"runs:{','.join(ids)}",  # rows are ticked by number: another list is another table
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": ticked}},
        alt="Table of runs with state, best validation accuracy, epochs and time",
    )
    chosen = [summaries[row] for row in state.selection.rows if row < len(summaries)]
    _keep_in_url([item.id for item in chosen])
    return chosen


def _keep_in_url(ids: list[str]) -> None:
    if ids:
        st.query_params["runs"] = ",".join(ids)
    elif "runs" in st.query_params:
        del st.query_params["runs"]


def show_links(chosen: list[Summary]) -> None:
    """Where to go from here with the ticked runs."""
    with st.container(horizontal=True):
        for item in chosen:
            show_link("live", f"Open {item.name}", run=item.id)
    for item in chosen:
        if item.trouble:
            st.error(plain(item.trouble))


def show_overlay(store: RunStore, chosen: list[Summary]) -> None:
    """Curves over one another, settings that differ, costs."""
    if len(chosen) > MOST:
        st.warning(f"{len(chosen)} runs are ticked; the charts show the first {MOST}.")
    shown = [item for item in chosen[:MOST] if not item.trouble]
    if len(shown) < 2:
        return
    runs = [OverlaidRun(item.name, item.rank, History.in_short(store.get(item.id))) for item in shown]
    by = st.segmented_control("Along", ("epoch", "seconds"), default="epoch", required=True, key="by")
    show_legend((run.name, line_style(run.rank)) for run in runs)
    left, right = st.columns(2)
    with left:
        accuracy = overlay_chart(runs, "accuracy", by)
        show_chart(accuracy, "overlay-accuracy", "Line chart: validation accuracy of the runs")
    with right:
        loss = overlay_chart(runs, "loss", by)
        show_chart(loss, "overlay-loss", "Line chart: validation loss of the runs")
    st.subheader("What differs")
    rows = difference_rows(shown)
    if rows:
        show_table(rows)
    else:
        st.write("All their settings are the same.")
    st.subheader("What they cost")
    show_table(cost_rows(shown))


def show_page() -> None:
    """The table, and beneath it what the ticked runs have to say."""
    st.title("Runs")
    store = RunStore()
    summaries = summarize_all(store)
    if not summaries:
        st.write("No run yet: the first one that you train appears here.")
        show_link("train", "Train a network")
        return
    st.write("Tick a run to open it; tick two to six to lay them over one another.")
    chosen = choose(summaries)
    show_links(chosen)
    show_overlay(store, chosen)


tighten_page()
show_page()
