"""Accuracy under a mix, measured on demand on a stated number of pictures, and kept for everyone."""

from typing import TYPE_CHECKING

import streamlit as st

from cifar_core.errors import LabError
from cifar_core.inference.held_out import HeldOut
from demo.charts.what_if import Worth, worth_chart
from demo.dashboard_pages.mixing.choice import measured_pictures
from demo.dashboard_pages.mixing.hand_mix import Mixes, core_mix, describe_mixes, to_text
from demo.shared.format import percent
from demo.shared.host import is_public
from demo.widgets.evaluation_pictures import count_pictures
from demo.widgets.networks import Network
from demo.widgets.panels import plain, show_chart, show_table

if TYPE_CHECKING:
    from cifar_core.explain.mixing import WhatIf

AT_ONCE = 50  # pictures between two moves of the progress bar
EVERY_KERNEL = "Switch off every kernel in turn"


def show_accuracy(what_if: "WhatIf", network: Network, mixes: Mixes) -> None:
    """How often the network is right under this mix and as predicted, once a button is pressed."""
    st.subheader("How often is it right with this mix?")
    try:
        measured = measured_pictures(network, what_if.card)
    except LabError as error:
        st.write(plain(f"This needs labeled pictures. {error}"))
        return
    kept = _kept(network.id, network.stamp)
    with st.container(horizontal=True, vertical_alignment="center"):
        one = st.button(f"Measure on {len(measured)} pictures", disabled=to_text(mixes) in kept)
        done = all(to_text(mix) in kept for mix in _each_off(what_if))
        every = not is_public() and st.button(EVERY_KERNEL, disabled=done)  # too much for a shared machine
    if one or every:
        _measure(what_if, measured, kept, [{}, mixes, *(_each_off(what_if) if every else [])])
        st.rerun()
    _show_table(what_if, measured, kept, mixes)
    _show_worth(what_if, measured, kept)


@st.cache_resource(max_entries=20, show_spinner=False)
def _kept(network: str, stamp: int) -> dict[str, float]:
    """What was measured, kept for everyone: a mix as text -> its share in 0..1."""
    return {}


def _each_off(what_if: "WhatIf") -> list[Mixes]:
    several = {block: count for block, count in what_if.blocks.items() if count > 1}
    return [{block: kernel} for block, count in several.items() for kernel in range(count)]


def _measure(what_if: "WhatIf", measured: HeldOut, kept: dict[str, float], wanted: list[Mixes]) -> None:
    """Fill in what is not known yet, with a progress bar."""
    missing = {to_text(mix): mix for mix in wanted if to_text(mix) not in kept}
    total = len(missing) * len(measured)
    done, bar = 0, st.progress(0.0, text="Asking the network")
    for text, mix in missing.items():
        hits = 0
        for start in range(0, len(measured), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            hits += what_if.hits(measured.images[part], measured.targets[part], core_mix(mix))
            done += len(measured.targets[part])
            bar.progress(done / total, text=f"{done:,} of {total:,} answers")
        kept[text] = hits / len(measured)


def _show_table(what_if: "WhatIf", measured: HeldOut, kept: dict[str, float], mixes: Mixes) -> None:
    """As predicted, this mix, and how far they lie apart."""
    if "" not in kept:
        st.caption(f"It asks the network about {count_pictures(measured)} under the mix that you have set.")
        return
    rows = [{"mix": "Every block as predicted", "right": percent(kept[""]), "difference": "–"}]
    if mixes and to_text(mixes) in kept:
        share = kept[to_text(mixes)]
        points = f"{100 * (share - kept['']):+.2f} points"
        rows.append(
            {"mix": describe_mixes(mixes, what_if.blocks), "right": percent(share), "difference": points}
        )
    show_table(rows)
    st.caption(f"Share of right answers on {count_pictures(measured)}, each seen once and as it is.")


def _show_worth(what_if: "WhatIf", measured: HeldOut, kept: dict[str, float]) -> None:
    rows = [
        Worth(block, kernel, kept[to_text(mix)])
        for mix in _each_off(what_if)
        for block, kernel in mix.items()
        if isinstance(kernel, int) and to_text(mix) in kept
    ]
    if not rows or "" not in kept or len(rows) < len(_each_off(what_if)):
        return
    reading = (
        "A bar for each kernel of each block: by how many points the accuracy on "
        f"{count_pictures(measured)} changes when that kernel alone is switched off. "
        "Bars near zero: the other kernels can do its work."
    )
    show_chart(
        worth_chart(rows, kept[""], "accuracy", reading),
        "worth-all",
        "Bar chart: change of the accuracy when one kernel is switched off",
    )
