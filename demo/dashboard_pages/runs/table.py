"""The table of runs: what is searched, filtered, sorted and ticked, all of it kept in the URL."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote

import pandas as pd
import streamlit as st

from cifar_core.datasets import CIFAR10, DATA_SETS, OWN
from cifar_core.runs.summary import Summary
from demo.dashboard_pages.runs.comparison import MOST, colors_of
from demo.shared.format import MULTIPLY_ADDS, STATE_TEXT, counted, listed, when
from demo.shared.palette import CURVE_INK, on_dark
from demo.widgets.panels import plain

ROWS_SHOWN = 12.5  # the half one shows that there are more
ROW_PIXELS = 35
TAGS_PIXELS = 200
ACCURACY_HELP = (
    "In percent: on the test pictures, with all views of an answer, where the network was measured on them; "
    "else on the pictures that its run set aside, one view of each. Runs on other data are listed apart."
)
ON_HELP = "The pictures behind the accuracy: of 500, chance alone moves it by a point or more."
COLOR_HELP = "The color of a ticked run in the charts below; no two have the same."
CURVE_HELP = "Validation accuracy after each epoch, each run on its own scale from its lowest to its highest."
LOSS_HELP = (
    "The lowest validation loss of the run, in nats. Label smoothing raises it, so that runs are sorted only "
    "among those with as much of it."
)
SEARCH_HELP = "Searches names, recipes, networks, tags and notes; a run must contain all the words."
Key = Callable[[Summary], float | str | None]

# What a list can be sorted by, as the page names it; None sorts last, whichever way round.
ORDERS: dict[str, Key] = {
    "started": lambda run: run.created or None,
    "name": lambda run: run.name.casefold(),
    "state": lambda run: run.state,
    "accuracy": lambda run: run.accuracy.share if run.accuracy else None,
    "lowest loss": lambda run: run.loss,
    "epochs": lambda run: run.epochs or None,
    "time": lambda run: run.seconds or None,
    "time per epoch": lambda run: run.seconds / run.epochs if run.epochs else None,
    "parameters": lambda run: run.parameters or None,
    MULTIPLY_ADDS: lambda run: run.macs or None,
    "recipe": lambda run: run.config.recipe.casefold() if run.config else None,
}

DATA_PLACES = {name: place for place, name in enumerate((*DATA_SETS, OWN.name))}
# What compares only among some runs -> the place of a run's group; the groups follow each other in any order.
GROUPS: dict[str, Callable[[Summary], Any]] = {
    "accuracy": lambda run: _data_place(run),
    "lowest loss": lambda run: (*_data_place(run), run.config.label_smoothing if run.config else 0.0),
}


def _data_place(run: Summary) -> tuple[int, str]:
    """The place of the run's data set, and of the classes of it that it learned."""
    if run.config is None:
        return 0, ""
    data = run.config.data_set
    return DATA_PLACES[data.name], ", ".join(data.class_names) if data.is_own else data.title


@dataclass(frozen=True)
class RunsQuery:
    """A search: all words of `text` are found, one of `states`, every one of `tags`."""

    text: str = ""
    states: Sequence[str] = ()
    tags: Sequence[str] = ()
    sort: str = "started"
    descending: bool = True
    _words: tuple[str, ...] = field(init=False, default=(), repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_words", tuple(self.text.casefold().split()))

    def wants(self, run: Summary) -> bool:
        """True when the list shows this run."""
        found = searched_text(run) if self._words else ""
        return (
            (not self.states or run.state in self.states)
            and all(tag in run.labels.tags for tag in self.tags)
            and all(word in found for word in self._words)
        )


def asked_for(runs: Iterable[Summary], query: RunsQuery) -> list[Summary]:
    """The runs that the query wants, in its order; equals stay as they were."""
    wanted = [run for run in runs if query.wants(run)]
    key = ORDERS[query.sort]
    known = [run for run in wanted if key(run) is not None]
    unknown = [run for run in wanted if key(run) is None]
    # a key gives one kind of value for all runs
    found = sorted(known, key=key, reverse=query.descending)  # type: ignore[arg-type]
    return sorted(found, key=GROUPS.get(query.sort, lambda run: 0)) + unknown


def searched_text(run: Summary) -> str:
    """All words by which a run is found, in small letters."""
    config = [run.config.recipe, run.config.model] if run.config else []
    labels = run.labels
    return "\n".join([run.name, run.id, *config, *labels.tags, labels.note]).casefold()


def all_tags(runs: Iterable[Summary]) -> list[str]:
    """Every tag of these runs, by the alphabet."""
    return sorted({tag for run in runs for tag in run.labels.tags})


def table_of(summaries: list[Summary], colors: Mapping[str, str]) -> pd.DataFrame:
    """The rows that the page shows, one a run, in the order of `summaries`; no column for what none has.

    colors: run id -> its color, of the runs that are compared.
    """
    table = pd.DataFrame(
        [
            {
                "run": item.name,
                "accuracy (%)": round(100 * item.accuracy.share, 2) if item.accuracy else None,
                "measured on": f"{item.accuracy.n:,} {item.accuracy.split}" if item.accuracy else None,
                "color": color_mark(colors[item.id]) if item.id in colors else "",
                "val accuracy": [100 * value for value in item.curve],
                "data": describe_data(item),
                "state": STATE_TEXT[item.state],
                "tags": item.labels.tags,
                "epochs": item.epochs,
                "time (min)": round(item.seconds / 60, 2) if item.epochs else None,
                "lowest val loss": None if item.loss is None else round(item.loss, 4),
                "parameters (M)": round(item.parameters / 1e6, 3) if item.parameters else None,
                "recipe": item.config.recipe if item.config else "–",
                "note": " ".join(item.labels.note.split()),
                "started": "shipped with the project" if item.shipped else when(item.created),
            }
            for item in summaries
        ]
    )
    empty = [name for name in ("data", "tags", "note") if not table[name].map(bool).any()]
    return table.drop(columns=empty)


def describe_data(run: Summary) -> str:
    """The data of a run whose accuracy does not compare with those on all of CIFAR-10; "" for these."""
    data = run.data
    if data in (None, CIFAR10):
        return ""
    classes = len(data.class_names)
    return f"{classes} classes" if classes != len(CIFAR10.class_names) else data.name


def color_mark(color: str) -> str:
    """A dot as the address of a small picture, for a cell."""
    dot = f'<circle cx="14" cy="14" r="9" fill="{color}"/>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="28" height="28">{dot}</svg>'
    return f"data:image/svg+xml,{quote(svg)}"


COLUMNS = {
    "run": st.column_config.TextColumn(pinned=True),
    "color": st.column_config.ImageColumn("", width=36, help=COLOR_HELP),
    "accuracy (%)": st.column_config.NumberColumn(
        "accuracy (%)", format="%.2f", width=92, help=ACCURACY_HELP
    ),
    "measured on": st.column_config.TextColumn("on", width=116, help=ON_HELP),
    "val accuracy": st.column_config.LineChartColumn("by epoch", width=90, color=CURVE_INK, help=CURVE_HELP),
    "data": st.column_config.TextColumn(width=84, help="Only where this is not all of CIFAR-10."),
    "lowest val loss": st.column_config.NumberColumn("lowest loss", format="%.4f", help=LOSS_HELP),
    "time (min)": st.column_config.NumberColumn(
        format="%.1f", help="Time of the completed epochs, in minutes."
    ),
    "parameters (M)": st.column_config.NumberColumn(format="%.2f", help="In millions."),
    "tags": st.column_config.ListColumn(width=TAGS_PIXELS),
    "note": st.column_config.TextColumn(width="medium"),
}
DIRECTIONS = ("newest, highest first", "oldest, lowest first")


def ask(summaries: list[Summary]) -> RunsQuery:
    """Search, filters and order; the URL holds them as q, state, tag, sort and order."""
    text = st.text_input("Search", key="q", bind="query-params", type="search", help=SEARCH_HELP)
    with st.container(horizontal=True):
        states = [state for state in STATE_TEXT if any(item.state == state for item in summaries)]
        state = st.multiselect("State", states, key="state", bind="query-params", width=220)
        tags = all_tags(summaries)
        tag = st.multiselect("Tag", tags, key="tag", bind="query-params", width=220) if tags else []
        sort = st.selectbox("Sort by", list(ORDERS), key="sort", bind="query-params", width=170)
        order = st.selectbox("Order", DIRECTIONS, key="order", bind="query-params", width=172)
    return RunsQuery(str(text or ""), state, tag, sort or "started", order != DIRECTIONS[1])


def choose(summaries: list[Summary]) -> list[Summary]:
    """The table; the ticked runs in the order of their ticks, also those that the search hides now."""
    wanted = ids_in_url(summaries)
    shown = asked_for(summaries, ask(summaries))
    if not shown:
        st.write("No run matches; clear the search or remove a filter.")
    elif len(shown) < len(summaries):
        st.caption(f"{len(shown)} of {counted(len(summaries), 'run')}.")
    by_id = {item.id: item for item in summaries}
    if shown:
        _show_table(shown, wanted, [by_id[run_id] for run_id in wanted[:MOST]])
    return [by_id[run_id] for run_id in wanted]


def _show_table(shown: list[Summary], wanted: list[str], compared: list[Summary]) -> None:
    """Draw the table with its ticks; a list of other runs, or in another order, is another table.

    So is one whose ticks are not those of the address: the reader has gone back, or unticked all.
    compared: the runs that the charts show, whose colors the table has too.
    """
    ids = [item.id for item in shown]
    rows = [ids.index(run_id) for run_id in wanted if run_id in ids]
    mark = hashlib.sha256(",".join(ids).encode()).hexdigest()[:16]
    turn = st.session_state.setdefault("runs_table", 0)
    drawn = st.session_state.get(f"runs:{mark}:{turn}")
    if drawn is not None and set(drawn.selection.rows) != set(rows):
        turn = st.session_state["runs_table"] = turn + 1
    key = f"runs:{mark}:{turn}"
    colors = colors_of(compared)
    if st.context.theme.type == "dark":
        colors = {run_id: on_dark(color) for run_id, color in colors.items()}
    st.dataframe(
        table_of(shown, colors),
        height=int(ROW_PIXELS * (min(len(shown), ROWS_SHOWN) + 1)) + 3,
        hide_index=True,
        placeholder="–",
        column_config=COLUMNS,
        key=key,
        on_select=partial(_take_ticks, key, ids, wanted),
        selection_mode="multi-row",
        selection_default={"selection": {"rows": rows}},
        alt="Table of runs with accuracy, state, tags, epochs and time",
    )


def _take_ticks(key: str, ids: list[str], wanted: list[str]) -> None:
    """Write the ticks into the address, in the order in which they were made."""
    ticked = [ids[row] for row in st.session_state[key].selection.rows if row < len(ids)]
    kept = [run_id for run_id in wanted if run_id not in ids or run_id in ticked]
    chosen = [*kept, *(run_id for run_id in ticked if run_id not in kept)]
    tick(chosen)


def ids_in_url(summaries: list[Summary]) -> list[str]:
    """The ids that the URL ticks and that exist; others are said to be unknown."""
    known = {item.id for item in summaries}
    wanted = list(dict.fromkeys(filter(None, st.query_params.get("runs", "").split(","))))
    if unknown := [run_id for run_id in wanted if run_id not in known]:
        names = listed([f"'{run_id:.60}'" for run_id in unknown[:3]])
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        st.warning(plain(f"The link names {names}{more}, which are not in this store of runs."))
    return [run_id for run_id in wanted if run_id in known]


def tick(run_ids: Sequence[str] = ()) -> None:
    """Tick just these runs, in the address."""
    if run_ids:
        st.query_params["runs"] = ",".join(run_ids)
    else:
        st.query_params.pop("runs", None)
