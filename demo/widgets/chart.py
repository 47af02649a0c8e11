"""A chart on a page: its sentence, the figure, how to read it; its numbers and a picture of it to take along.

`st.plotly_chart` hashes the figure into its identity, so each new point makes it anew: zoom, hover and clicks
in the legend are lost, and the chart is white for a moment. This component keeps its identity by its key, and
`Plotly.react` changes what is drawn in place.
"""

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import plotly
import streamlit as st
from streamlit.components.v1 import declare_component

from demo.charts.figure import NAME_ON_A_PHONE, Chart, Spec, Table, for_dark, to_json, with_short_names
from demo.shared.format import isolated
from demo.widgets.panels import plain

OPEN = "numbers"  # in the session: the chart whose numbers are shown
SHOWN_ROWS = 10_000  # of a table; the CSV has all

# plotly.js lies in the installed package: a folder that Streamlit serves as that of a component needs no copy
# of its five megabytes, and follows the package's version.
declare_component("plotly_js", path=Path(plotly.__file__).parent / "package_data")
SCRIPT = f"component/{__name__}.plotly_js/plotly.min.js?{plotly.__version__}"

# Its words are drawn here too: as Markdown of Streamlit's own they would be parsed again with every point.
HTML = """<figure class="lab-chart"><p class="lab-title"></p><div class="lab-plot"></div>
<div class="lab-tools"></div><figcaption></figcaption></figure>"""
CSS = """
.lab-chart { margin: 0 }
.lab-title { margin: 0 0 .25rem; font-weight: 600 }
.lab-chart figcaption { font-size: .875rem; opacity: .6 }
.lab-tools { display: flex; justify-content: flex-end }
.lab-tools button { all: unset; cursor: pointer; padding: .1rem .5rem; font-size: .8rem; opacity: .75;
  border-radius: .25rem }
.lab-tools button:hover { opacity: 1; text-decoration: underline }
.lab-tools button:focus-visible { outline: 2px solid var(--st-primary-color); opacity: 1 }
"""
JS = """
const BUTTONS = [["zoom2d", "pan2d", "resetScale2d"]], NARROW = 520;
function plotly(address) {
  return window.labPlotly ??= fetch(new URL(address, document.baseURI), {cache: "force-cache"})
    .then(answer => answer.ok ? answer.blob() : Promise.reject(answer.status))
    .then(code => new Promise((done, fail) => {
      const script = document.createElement("script");
      script.src = URL.createObjectURL(code);
      script.onload = () => done(window.Plotly);
      script.onerror = fail;
      document.head.append(script);
    })).catch(error => { window.labPlotly = undefined; throw error; });
}
function look(box, layout) {
  const css = getComputedStyle(box), of = name => css.getPropertyValue("--st-" + name).trim();
  const ink = of("text-color"), page = of("background-color"), hair = of("border-color-light");
  const all = {...layout, paper_bgcolor: page, plot_bgcolor: page, autosize: true,
    font: {family: of("font"), size: 12, color: ink, ...layout.font},
    hoverlabel: {bgcolor: page, bordercolor: hair, font: {color: ink}}, modebar: {orientation: "h"}};
  for (const key of Object.keys(all))
    if (/^[xy]axis/.test(key)) all[key] = {gridcolor: hair, linecolor: hair, ...all[key]};
  if (matchMedia("(pointer: coarse)").matches) all.dragmode = false;
  return all;
}
export default function ({ data, parentElement, setTriggerValue }) {
  const [heading, box, tools, reading] = parentElement.querySelector(".lab-chart").children;
  for (const [part, text] of [[heading, data.title], [reading, data.reading]])
    if (part.textContent !== text) part.textContent = text;
  box.setAttribute("role", "figure");
  box.setAttribute("aria-label", data.alt);
  box.style.minHeight = data.height + "px";
  const draw = () => plotly(data.script).then(P => {
    const figure = JSON.parse(box.figure);
    const layout = box.clientWidth < NARROW && figure.narrow || figure.layout;
    P.react(box, figure.data, {...look(box, layout), height: data.height},
      {responsive: true, displaylogo: false, modeBarButtons: BUTTONS});
    if (data.pick && !box.picks) {
      box.picks = true;
      box.on("plotly_click", event => setTriggerValue("picked", event.points[0].customdata));
    }
  }, () => { box.textContent = "This chart could not be drawn: plotly.js did not load. Reload the page."; });
  if (box.figure !== data.figure) { box.figure = data.figure; draw(); }
  const png = async () => {
    const P = await plotly(data.script), figure = JSON.parse(data.figure);
    const width = Math.max(box.clientWidth, 700), layout = look(box, figure.layout);
    const margin = {...layout.margin, t: 80};
    const title = {text: data.title.replaceAll("<", "&lt;"), x: 0, xanchor: "left", pad: {l: 12}};
    P.downloadImage({data: figure.data, layout: {...layout, margin, title}},
      {format: "png", filename: data.file, width, height: data.height + 50, scale: 2});
  };
  if (!tools.childElementCount)
    for (const textContent of ["Numbers", "PNG"])
      tools.append(Object.assign(document.createElement("button"), { textContent }));
  const [numbers, picture] = tools.children;
  numbers.setAttribute("aria-label", "Numbers of this chart: " + data.title);
  picture.setAttribute("aria-label", "Save this chart as a PNG image: " + data.title);
  numbers.onclick = () => setTriggerValue("numbers", true);
  picture.onclick = png;
  return () => window.Plotly?.purge(box);
}
"""
_component = st.components.v2.component("lab_plotly", html=HTML, css=CSS, js=JS, isolate_styles=False)


def show_chart(chart: Chart, key: str, alt: str, on_pick: Callable[[Any], None] | None = None) -> None:
    """Draw the title sentence, the chart and how to read it; under its key it takes new data in place.

    alt: what a screen reader says of it. on_pick: called with the `customdata` of a point that is clicked.
    """
    dark = st.context.theme.type == "dark"
    narrow = with_short_names(chart.narrow or chart.layout, NAME_ON_A_PHONE)
    parts: Spec = {
        "data": chart.data,
        "layout": with_short_names(chart.layout),
        "narrow": None if narrow is chart.layout else narrow,
    }
    place = f"chart-{key}"
    told = _component(
        key=place,
        data={
            "figure": to_json(for_dark(parts) if dark else parts),
            "title": isolated(chart.title),
            "reading": isolated(chart.reading),
            "alt": alt,
            "height": chart.height,
            "script": SCRIPT,
            "file": slug(chart.title),
            "pick": on_pick is not None,
        },
        on_numbers_change=lambda: None,
        on_picked_change=lambda: on_pick(st.session_state[place].picked) if on_pick else None,
    )
    if told.numbers:
        st.session_state[OPEN] = chart
        st.rerun()  # all of the page, which a chart that moves is only a fragment of


def load_ahead() -> None:
    """On a page without a chart: fetch plotly.js while it is read, for the pages that follow."""
    fetch = f'fetch(new URL({json.dumps(SCRIPT)}, document.baseURI), {{cache: "force-cache"}})'
    st.html(f"<script>{fetch}</script>", unsafe_allow_javascript=True)


def show_numbers() -> None:
    """The numbers of the chart whose button was pressed, until the reader closes them."""
    chart = st.session_state.get(OPEN)
    if chart is not None:
        close = lambda: st.session_state.pop(OPEN, None)  # noqa: E731
        st.dialog("Numbers", width="large", on_dismiss=close)(_table)(chart)


def _table(chart: Chart) -> None:
    table = chart.table()
    rows = len(next(iter(table.values()), ()))
    st.markdown(f"**{plain(chart.title)}**")
    shown = {name: column[:SHOWN_ROWS] for name, column in table.items()}
    st.dataframe(shown, hide_index=True, width="stretch")
    more = f"The first {SHOWN_ROWS:,} of {rows:,} rows; the CSV has them all." if rows > SHOWN_ROWS else ""
    st.caption(more or f"{rows:,} rows, as they were when this was opened.")
    st.download_button(
        "Save all rows as CSV", as_csv(table), f"{slug(chart.title)}.csv", "text/csv", on_click="ignore"
    )


def as_csv(table: Table) -> str:
    """The table as text, its headings in the first line."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    return text.getvalue()


def slug(title: str) -> str:
    """The title as the name of a file."""
    return re.sub(r"[^a-z0-9.]+", "-", title.lower()).strip("-.")[:80]
