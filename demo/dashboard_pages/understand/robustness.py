"""A network's accuracy under each kind of damage, measured on demand and compared."""

import dataclasses
import html
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from cifar_core.errors import reason_of
from cifar_core.explain.corruptions import CORRUPTIONS, STRENGTHS, corrupt
from cifar_core.explain.robustness import FILE, Robustness, cells_left, keep, load, measure
from cifar_core.format import describe_remaining, remaining_seconds
from cifar_core.inference.held_out import HeldOut
from cifar_core.runs.store import RunStore
from demo.charts.overlay import distinct_ranks, line_style
from demo.charts.robustness import MEAN, accuracy_of, compared_chart, kind_style, robustness_chart
from demo.dashboard_pages.understand.robustness_store import (
    known_of,
    measured_runs,
    robustness_file,
    version_of,
)
from demo.shared.format import duration
from demo.shared.host import is_public
from demo.shared.pictures import data_uri, image_tag, sheet
from demo.shared.ranking import pictures_of
from demo.widgets.chart import show_chart
from demo.widgets.choice import choose
from demo.widgets.networks import Network
from demo.widgets.panels import plain, show_legend

if TYPE_CHECKING:
    from cifar_core.inference.classifier import Classifier

TIMED = 20  # pictures whose time gives the estimate
CELLS = 1 + len(CORRUPTIONS) * STRENGTHS
GRID = "display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:.8rem 1.6rem"
SMALL = "font-size:.8rem;opacity:.7"
IMAGE = "display:block;width:100%;image-rendering:pixelated"
ABOUT = (
    f"The same pictures under {len(CORRUPTIONS)} kinds of damage in {STRENGTHS} strengths, after the "
    "benchmark CIFAR-10-C. The network sees one view of each, without test-time augmentation."
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
    start = known or Robustness(pictures.key, len(pictures), classifier.version)
    if not start.is_whole:
        show_button(robustness_file(store, network), network, classifier, pictures, start)
    if known is None:
        show_shipped(network, pictures.split, len(pictures))
    elif known.clean is not None:
        show_curves(known)
    st.html(damage_html(pictures, 0))
    st.caption(
        "Each row from left to right: strength 0 to 5, with what the strengths are. Noise, the side of a "
        "rotation and the direction of a shift are drawn by a fixed seed."
    )
    show_comparison(store, networks, pictures)


def show_shipped(network: Network, split: str, count: int) -> None:
    """What came with the network, measured on a copy of the pictures that is not this machine's."""
    kept = shipped_measurements(network)
    if not kept:
        return
    fitting = [one for one in kept if one.pictures.startswith(f"{split}-{count}-")]
    known = (fitting or kept)[0]
    which = pictures_of([accuracy_of(known, known.clean or 0.0)])
    st.caption(f"Measured when the network was shipped, on {which} of the project's copy of the data.")
    show_curves(known)


def show_curves(known: Robustness) -> None:
    """The curves, and how far chance may move them."""
    show_legend((kind, kind_style(kind)) for kind in CORRUPTIONS)
    alt = "Line chart: accuracy over the strength of each kind of damage"
    show_chart(robustness_chart(known), "robustness", alt)
    st.caption(describe_spread(known))


def shipped_measurements(network: Network) -> list[Robustness]:
    """The whole measurements that lie beside a network's weights, those on most pictures first.

    Raises:
        CheckpointError: when the weights are gone.
    """
    version = version_of(network.folder, network.stamp)
    kept = [one for one in load(network.folder / FILE) if one.is_whole and one.weights.startswith(version)]
    return sorted(kept, key=lambda one: one.n, reverse=True)


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
        f"{CELLS} times {len(pictures):,} pictures. You can leave at any time: it resumes where it stopped."
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
        st.error(plain(f"What was measured cannot be kept in {file.parent}: {reason_of(error)}."))
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
    clean, half = (100 * accuracy_of(known, share).error for share in (known.clean or 0.0, 0.5))
    return (
        f"Each point rests on {known.n:,} pictures. Its standard error is {clean:.1f} points at the left, "
        f"and {half:.1f} where half of the answers are right."
    )


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
    ranks = distinct_ranks(run.rank for run in runs)
    runs = [dataclasses.replace(run, rank=rank) for run, rank in zip(runs, ranks, strict=True)]
    show_legend((run.name, line_style(run.rank)) for run in runs)
    alt = "Line chart: accuracy of each network over the strength of the damage"
    show_chart(compared_chart(runs, kind), "compared", alt)
    if pictures.split == "val":
        st.caption("Each network on pictures that its own run set aside; those of two runs may differ.")
