"""A network's accuracy under each kind of damage, measured on demand and compared."""

import html
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from cifar_core.explain.corruptions import CORRUPTIONS, STRENGTHS, corrupt
from cifar_core.explain.robustness import Robustness, cells_left, keep, measure
from cifar_core.format import describe_remaining, remaining_seconds
from cifar_core.inference.held_out import HeldOut
from cifar_core.runs.store import RunStore
from demo.charts.overlay import line_style
from demo.charts.robustness import MEAN, compared_chart, kind_style, robustness_chart, values_of
from demo.dashboard_pages.understand.robustness_store import (
    known_of,
    measured_runs,
    robustness_file,
)
from demo.shared.format import duration, percent
from demo.shared.host import is_public
from demo.shared.pictures import data_uri, image_tag, sheet
from demo.widgets.choice import choose
from demo.widgets.networks import Network
from demo.widgets.panels import plain, show_chart, show_legend, show_table

if TYPE_CHECKING:
    from cifar_core.inference.classifier import Classifier

TIMED = 20  # pictures whose time gives the estimate
CELLS = 1 + len(CORRUPTIONS) * STRENGTHS
GRID = "display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:.8rem 1.6rem"
SMALL = "font-size:.8rem;opacity:.7"
IMAGE = "display:block;width:100%;image-rendering:pixelated"
ABOUT = (
    f"The same pictures under {len(CORRUPTIONS)} kinds of damage in {STRENGTHS} strengths, after the "
    "benchmark CIFAR-10-C. The network has one look at each."
)
PUBLIC = "Measuring is off on this public page; what was measured before is shown."


def show_robustness(
    store: RunStore,
    networks: Sequence[Network],
    network: Network,
    classifier: "Classifier",
    pictures: HeldOut,
) -> None:
    """All that is known of the chosen network, a button for what is not, and all networks side by side."""
    st.write(ABOUT)
    known = known_of(store, network, pictures.key)
    known = known or Robustness(pictures.key, len(pictures), classifier.version)
    if not known.is_whole:
        show_button(robustness_file(store, network), network, classifier, pictures, known)
    if known.clean is not None:
        show_legend((kind, kind_style(kind)) for kind in CORRUPTIONS)
        alt = "Line chart: accuracy over the strength of each kind of damage"
        show_chart(robustness_chart(known), "robustness", alt)
        st.caption(describe_spread(known))
    st.html(damage_html(pictures, 0))
    st.caption(
        "Each row from left to right: strength 0 to 5, with what the strengths are. Noise, the side of a "
        "rotation and the direction of a shift are drawn by a fixed seed."
    )
    if known.is_whole:
        with st.expander("In numbers"):
            show_table(number_rows(known))
    show_comparison(store, networks, pictures)


def show_button(
    file: Path, network: Network, classifier: "Classifier", pictures: HeldOut, known: Robustness
) -> None:
    """The button that measures, with how long that takes; a bar while it does."""
    if is_public():
        st.write(PUBLIC)
        return
    cells = len(cells_left(known)) + (known.clean is None)
    each = seconds_a_picture(network.folder, network.stamp, classifier, pictures)
    word = "Measure" if cells == CELLS else "Go on measuring"
    st.caption(
        f"{CELLS} times {len(pictures):,} pictures. It can be left at any time and goes on where it was."
    )
    if not st.button(f"{word}: about {duration(each * cells * len(pictures))}", type="primary"):
        return
    place, began = st.empty(), time.monotonic()
    try:
        steps = measure(classifier, pictures.images, pictures.targets, known)
        for done, measured in enumerate(steps, start=1):
            keep(file, measured)
            left = describe_remaining(remaining_seconds(done, cells, time.monotonic() - began))
            place.progress(done / cells, text=f"{done} of {cells} measured{left}")
    except OSError as error:
        st.error(plain(f"What was measured cannot be kept in {file.parent}: {error.strerror}."))
        return
    st.rerun()


@st.cache_data(max_entries=100, show_spinner=False)
def seconds_a_picture(folder: Path, stamp: int, _classifier: "Classifier", _pictures: HeldOut) -> float:
    """Seconds that the network takes for one picture here and now, after a warm-up."""
    few = _pictures.images[:TIMED]
    _classifier.logits(few)
    began = time.perf_counter()
    _classifier.logits(few)
    return (time.perf_counter() - began) / len(few)


def describe_spread(known: Robustness) -> str:
    """A sentence on how far chance alone may move a figure of so many pictures."""
    share = known.clean or 0.0
    error = 100 * math.sqrt(max(share * (1 - share), 0.25 / known.n) / known.n)
    return f"Each point is {known.n:,} pictures; by chance alone it may be off by {error:.1f} points or more."


def number_rows(known: Robustness) -> list[dict[str, str]]:
    """Accuracies as a table, a row a kind, a column a strength."""
    kinds = [*CORRUPTIONS, MEAN]
    return [
        {"damage": kind} | {str(i): percent(value) for i, value in enumerate(values_of(known, kind))}
        for kind in kinds
    ]


def damage_html(pictures: HeldOut, number: int) -> str:
    """For each kind of damage its name and its numbers, and one picture at the strengths 0 to 5."""
    rows = []
    for kind, corruption in CORRUPTIONS.items():
        one = pictures.images[number : number + 1]
        changed = [corrupt(one, kind, strength)[0].transpose(1, 2, 0) for strength in range(STRENGTHS + 1)]
        levels = ", ".join(f"{level:g}" for level in corruption.levels)
        alt = f"A picture under {kind}, at the strengths 0 to {STRENGTHS}"
        rows.append(
            f'<div>{html.escape(kind)} <span style="{SMALL}">{html.escape(corruption.unit)}: {levels}</span>'
            f"{image_tag(data_uri(sheet([changed])), alt, style=IMAGE)}</div>"
        )
    return f'<div style="{GRID}">{"".join(rows)}</div>'


def show_comparison(store: RunStore, networks: Sequence[Network], pictures: HeldOut) -> None:
    """All networks that were measured on such pictures, a line each."""
    runs = measured_runs(store, networks, pictures.key)
    if len(runs) < 2:
        st.caption("Measure a second network on as many pictures, and both appear here in one chart.")
        return
    st.header("Side by side")
    kinds = [MEAN, *CORRUPTIONS]
    kind = choose("damage", "Damage", kinds, MEAN, widget="select", width=320)
    show_legend((run.name, line_style(run.rank)) for run in runs)
    alt = "Line chart: accuracy of each network over the strength of the damage"
    show_chart(compared_chart(runs, kind), "compared", alt)
    if pictures.split == "val":
        st.caption("Each network on pictures that its own run set aside; those of two runs may differ.")
