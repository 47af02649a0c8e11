"""Sweeps on the page of runs: how far one is, what matters, the best trial as a form."""

import platform
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from cifar_core.errors import LabError, sentence_of
from cifar_core.runs.queue import active_runs
from cifar_core.runs.store import RunStore, StoreError
from cifar_core.sweep.launch import ask_to_stop, is_at_work, launch_sweep, log_tail
from cifar_core.sweep.storage import default_storage, is_database
from demo.shared.format import counted, listed, percent
from demo.widgets.chart import show_chart
from demo.widgets.panels import plain, show_table
from demo.widgets.start_training import hand_over

if TYPE_CHECKING:
    from cifar_core.sweep.rows import Group, Row
    from cifar_core.sweep.study import Sweep

LOOK_SECONDS = 5.0
AXIS_PIXELS = 130
WIDE_AXES = (  # a phone scrolls in it
    "<style>.st-key-sweep_axes {{ overflow-x: auto }} "
    ".st-key-sweep_axes .lab-plot {{ min-width: {}px }}</style>"
)
FLATTERING = (
    "Chosen by the validation pictures, so its accuracy there is flattering; measure it on the test pictures "
    "once."
)


def show_sweeps(store: RunStore) -> None:
    """A choice of studies, and the chosen one; nothing where there is none."""
    storage = default_storage(store.root)
    if find_spec("optuna") is None or not (is_database(storage) or Path(storage).exists()):
        return
    from cifar_core.sweep.study import study_names

    try:
        names = study_names(storage)
        if not names:
            return
        name = st.selectbox(
            "Sweep", names[::-1], None, key="study", bind="query-params", placeholder="none", width=320
        )
        if name:
            seconds = LOOK_SECONDS if is_at_work(store, name) else None
            st.fragment(_panel, run_every=seconds)(store, storage, name, seconds is not None)
    except (LabError, OSError) as error:
        st.error(plain(sentence_of(error)))


def _panel(store: RunStore, storage: str, name: str, drawn_at_work: bool) -> None:
    from cifar_core.sweep.study import open_sweep

    at_work = is_at_work(store, name)
    if at_work != drawn_at_work:
        st.rerun()
    try:
        with open_sweep(storage, name) as sweep, st.container(border=True, key="sweep"):
            rows = sweep.rows()
            st.markdown(plain(describe_progress(rows, sweep.total)))
            _show_buttons(store, storage, sweep, rows, at_work)
            if sum(row.state == "finished" for row in rows) > 1:
                _show_figures(sweep)
                _show_groups(sweep, rows)
            else:
                st.caption("Charts appear here with the second finished trial.")
            _show_trials(rows)
    except (LabError, OSError) as error:
        st.error(plain(sentence_of(error)))


def describe_progress(rows: Sequence["Row"], total: int) -> str:
    """A sentence about how many trials have ended, and where the others are."""
    states = Counter(row.state for row in rows)
    ended = [f"{states[state]} {state}" for state in ("finished", "pruned", "failed") if states[state]]
    done = sum(states[state] for state in ("finished", "pruned", "failed"))
    words = f"{done} of {counted(total, 'trial')} done"
    words += f": {', '.join(ended)}" if ended else ""
    hosts = sorted({row.host for row in rows if row.state == "running" and row.host})
    return f"{words}; {states['running']} under way on {listed(hosts)}." if hosts else f"{words}."


def _show_buttons(
    store: RunStore, storage: str, sweep: "Sweep", rows: Sequence["Row"], at_work: bool
) -> None:
    best = sweep.best()
    if best is not None:
        reached = f"trial {best.number}, {percent(best.accuracy)} of the validation pictures"
        st.write(plain(f"Best: {reached}. {FLATTERING}"))
    open_trials = len(rows) < sweep.total or any(row.state in ("waiting", "running") for row in rows)
    with st.container(horizontal=True):
        if best is not None and st.button("Open the best as a form", type="primary"):
            hand_over(sweep.config_of(best.params))
        if at_work:
            if st.button("Stop the sweep"):
                _stop(store, sweep)
        elif open_trials and st.button("Go on"):
            launch_sweep(store, storage, sweep.name, _data_dir(store, rows))
            st.rerun()
    if open_trials and not at_work and (log := log_tail(store, sweep.name)):
        with st.expander("What its process said last"):
            st.code(log, language=None, wrap_lines=True)


def _stop(store: RunStore, sweep: "Sweep") -> None:
    """Let its processes here end after their step: their trials are gone on with later."""
    ask_to_stop(store, sweep.name)
    here = {row.run for row in sweep.rows() if row.state == "running" and row.host == platform.node()}
    for run, _ in active_runs(store):
        if run.id in here:
            with suppress(StoreError):  # it has just ended
                run.request("stop")


def _data_dir(store: RunStore, rows: Sequence["Row"]) -> Path | None:
    """The folder of the data that the sweep was started with here."""
    for row in rows:
        try:
            return store.get(row.run).data_dir
        except StoreError:
            continue
    return None


def _show_figures(sweep: "Sweep") -> None:
    from demo.charts.sweep import history_chart, importances_chart, parallel_chart_of, slice_chart

    study, alt = sweep.study, "Chart of the sweep's trials: "
    left, right = st.columns(2)
    with left:
        show_chart(history_chart(study), "sweep-history", f"{alt}accuracy of each, and the best so far")
    with right:
        importances = importances_chart(study)
        if importances is None:
            st.caption("What matters most appears here when some trials have reached different accuracies.")
        else:
            show_chart(importances, "sweep-importances", f"{alt}importance of each setting")
    names = list(sweep.plan.search)
    with st.container(key="sweep_axes"):
        st.html(WIDE_AXES.format(AXIS_PIXELS * (1 + len(names))))
        show_chart(parallel_chart_of(study), "sweep-parallel", f"{alt}their settings as lines")
    for index in range(0, len(names), 2):
        for column, name in zip(st.columns(2), names[index : index + 2], strict=False):
            with column:
                show_chart(slice_chart(study, name), f"sweep-slice-{name}", f"{alt}accuracy against {name}")


def _show_groups(sweep: "Sweep", rows: Sequence["Row"]) -> None:
    from cifar_core.sweep.rows import grouped
    from cifar_core.sweep.study import groupings

    for title, names in groupings(sweep.plan).items():
        st.markdown(f"**Finished trials by {plain(title)}**")
        show_table([group_row(group) for group in grouped(rows, names)])


def group_row(group: "Group") -> dict[str, str]:
    """A group's values, and mean ± standard deviation of its trials."""
    from cifar_core.sweep.rows import short_text

    spread = "" if group.deviation is None else f" ± {100 * group.deviation:.2f}"
    values = {name: short_text(value) for name, value in group.params.items()}
    return {**values, "val accuracy": f"{100 * group.mean:.2f}{spread} %", "trials": f"{group.n}"}


def _show_trials(rows: Sequence["Row"]) -> None:
    from cifar_core.sweep.rows import table_rows

    with st.expander("All trials"):
        head, *cells = table_rows(rows)
        show_table([dict(zip(head, line, strict=True)) for line in cells])
