"""The accuracy under a mix set by hand, beside that of the network as it mixes by itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from cifar_core.errors import LabError
from cifar_core.inference.held_out import HeldOut
from cifar_core.metrics.uncertainty import CLEAR, paired_difference
from demo.charts.what_if import AFTER, BEFORE, Worth, worth_chart
from demo.dashboard_pages.mixing.hand_mix import Mixes, core_mix, to_text
from demo.dashboard_pages.mixing.networks import measured_pictures
from demo.shared.format import percent
from demo.shared.host import is_public
from demo.shared.palette import ACCENT, CURVE_INK, SEEN, TRACK, on_both
from demo.widgets.chart import show_chart
from demo.widgets.data_folder import show_missing
from demo.widgets.evaluation_pictures import count_pictures
from demo.widgets.networks import Network, network_of
from demo.widgets.panels import plain

if TYPE_CHECKING:
    from cifar_core.explain.mix_accuracy import MixAccuracy
    from cifar_core.explain.mixing import WhatIf

Right = NDArray[np.bool_]  # (N,): whether each picture is right

MOST_KNOWN = 2000  # mixes whose answers are kept, of 500 bytes each
EVERY_KERNEL = "Switch off every kernel in turn"
ROWS = "display:grid;grid-template-columns:9rem minmax(0,1fr) 5rem;gap:.2rem .8rem;align-items:center"
BAR = "height:12px;border-radius:2px"


def show_accuracy(what_if: "WhatIf", network: Network, mixes: Mixes, place: DeltaGenerator) -> None:
    """In `place` the accuracy, which grows more certain from chunk to chunk; below, each kernel's worth."""
    with place:
        try:
            measured = measured_pictures(network, what_if.card)
        except LabError as error:
            show_missing("", network.data_dir, error=f"The accuracy needs labeled pictures. {error}")
            return
        known = _known(network.id, network.stamp)
        accuracy = _accuracy_of(network.folder, network.stamp, measured.key, measured)
        drawn = st.empty()
    for before, after in answers(accuracy, known, mixes):
        with drawn.container():
            st.markdown(f"**{plain(accuracy_title(before, after))}**")
            st.html(accuracy_html(before, after, bool(mixes)))
            st.caption(accuracy_reading(before, after, measured))
    _show_worths(what_if, measured, accuracy, known)


@st.cache_resource(max_entries=20, show_spinner=False)
def _known(network: str, stamp: int) -> dict[str, Right]:
    """What was answered, for everyone: a mix as text -> whether each picture was right."""
    return {}


@st.cache_resource(max_entries=2, show_spinner=False)
def _accuracy_of(folder: Path, stamp: int, pictures: str, _measured: HeldOut) -> "MixAccuracy":
    from cifar_core.explain.mix_accuracy import MixAccuracy  # torch

    return MixAccuracy(network_of(folder, stamp), _measured.images, _measured.targets)


def answers(
    accuracy: "MixAccuracy", known: dict[str, Right], mixes: Mixes
) -> Iterator[tuple[Right, Right | None]]:
    """(as predicted, with the mix): first more and more pictures of the one, then of the other."""
    before: Right = np.zeros(0, bool)
    for before in _growing(accuracy, known, {}):
        yield before, None
    if mixes:
        yield from ((before, after) for after in _growing(accuracy, known, mixes))


def _growing(accuracy: "MixAccuracy", known: dict[str, Right], mixes: Mixes) -> Iterator[Right]:
    """Whether each picture is right, of which there are more each time; all at once where it is known."""
    text = to_text(mixes)
    if text in known:
        yield known[text]
        return
    parts: list[Right] = []
    for part in accuracy.right(core_mix(mixes)):
        parts.append(part)
        yield np.concatenate(parts)
    if len(known) >= MOST_KNOWN:
        known.pop(next(text for text in known if text), None)
    known[text] = np.concatenate(parts)


def accuracy_title(before: Right, after: Right | None) -> str:
    """The accuracy in a sentence, and whether the mix changes it, as far as this can be told."""
    if after is None:
        return f"As it mixes by itself, it is right about {percent(before.mean())} of the pictures"
    own = before[: len(after)]
    difference, error = paired_difference(own, after)
    head = f"With this mix it is right about {percent(after.mean())} of the pictures"
    if abs(difference) <= CLEAR * error:
        return f"{head}, by itself about {percent(own.mean())}: too close to tell"
    more = "more" if difference > 0 else "less"
    return f"{head}, {100 * abs(difference):.1f} points {more} than by itself"


def accuracy_html(before: Right, after: Right | None, mixed: bool) -> str:
    """A bar for the accuracy as predicted, and one for that with the mix, on pictures that both have seen."""
    count = len(before) if after is None else len(after)
    rows = [_row(BEFORE, float(before[:count].mean()), CURVE_INK)]
    if mixed:
        rows.append(_row(AFTER, None if after is None else float(after.mean()), ACCENT))
    return f'<div style="{ROWS}">{"".join(rows)}</div>'


def accuracy_reading(before: Right, after: Right | None, measured: HeldOut) -> str:
    """A caption: on which pictures, and how far chance reaches."""
    count = len(before) if after is None else len(after)
    which = count_pictures(measured)
    so_far = f"The first {count} of {which}; the others follow." if count < len(measured) else f"On {which}."
    if after is None:
        return so_far
    _, error = paired_difference(before[:count], after)
    return (
        f"{so_far} The standard error of the difference is {100 * error:.1f} points; up to "
        f"{CLEAR:g} of them may be chance."
    )


def _row(name: str, share: float | None, color: str) -> str:
    width = 0 if share is None else 100 * share
    fill = f'<div style="{BAR};width:{width:.1f}%;background:{on_both(color, SEEN)}"></div>'
    shown = "…" if share is None else percent(share)
    return f'<span>{name}</span><div style="{BAR};background:{TRACK}">{fill}</div><span>{shown}</span>'


def _show_worths(
    what_if: "WhatIf", measured: HeldOut, accuracy: "MixAccuracy", known: dict[str, Right]
) -> None:
    """On demand, how much the accuracy falls without each kernel; too much for a shared machine."""
    off = [(block, kernel) for block, count in what_if.blocks.items() if count > 1 for kernel in range(count)]
    missing: list[Mixes] = [{block: kernel} for block, kernel in off if to_text({block: kernel}) not in known]
    if not off or (missing and is_public()):
        return
    st.subheader("The accuracy without one kernel")
    if missing:
        if not st.button(EVERY_KERNEL):
            return
        bar = st.progress(0.0, text="Classifying")
        for done, mix in enumerate(missing, start=1):
            for _ in _growing(accuracy, known, mix):
                pass
            bar.progress(done / len(missing), text=f"{done} of {len(missing)} kernels")
        bar.empty()
    rows = [Worth(block, kernel, float(known[to_text({block: kernel})].mean())) for block, kernel in off]
    reading = (
        "A bar for each kernel of each block: by how many points the accuracy on "
        f"{count_pictures(measured)} changes when that kernel alone is switched off. Bars near zero: the "
        "other kernels can do its work."
    )
    chart = worth_chart(rows, float(known[""].mean()), "accuracy", reading)
    show_chart(chart, "worth-all", "Bar chart: change of the accuracy when one kernel is switched off")
