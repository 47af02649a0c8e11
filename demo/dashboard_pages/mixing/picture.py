"""One picture's path through the mixing blocks, and one block close up.

The path is HTML, from left to right, on a phone from top to bottom: each block is a stacked bar of its
coefficients with, beside it, the average of the class.
"""

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cifar_core.runs.history import Shares, average_for, averages_in
from demo.charts.mixing_flow import mixing_flow
from demo.dashboard_pages.mixing.changed import choose_change, show_levels
from demo.dashboard_pages.mixing.flow import ALT, OF_ONE
from demo.dashboard_pages.mixing.kernel_pictures import (
    filters_html,
    filters_reading,
    filters_title,
    responses_html,
    responses_title,
)
from demo.dashboard_pages.mixing.networks import MixingNetwork, Record, opened_on_picture
from demo.shared.format import listed, whole_percent
from demo.shared.palette import INK, MUTED_INK, on_both
from demo.shared.pictures import bar_key, bar_parts, data_uri, image_tag, spoken
from demo.widgets.chart import show_chart
from demo.widgets.choice import choose
from demo.widgets.panels import plain

if TYPE_CHECKING:
    from cifar_core.explain.mixing import WhatIf
    from cifar_core.inference.preprocess import Images

UNUSUAL = 0.15  # a coefficient that lies so far from the class's average is worth a word
LOOK = f"""<style>
.way {{ display: flex; align-items: center; gap: .9rem; margin: 0 }}
.way img {{ width: 96px; height: 96px; image-rendering: pixelated; border-radius: 4px; flex: none }}
.way ol {{ display: flex; flex: 1; gap: .5rem; list-style: none; margin: 0; padding: 0 }}
.way li {{ flex: 1; margin: 0; padding: 0; text-align: center; min-width: 0 }}
.way .bars {{ display: flex; gap: 3px; height: 170px; justify-content: center }}
.way .bar {{ display: flex; flex-direction: column; width: 38px; border-radius: 3px; overflow: hidden }}
.way .mean {{ width: 11px; opacity: .55 }}
.way .bar span {{ display: flex; align-items: center; justify-content: center; font-size: .8rem;
  min-height: 0; min-width: 0; overflow: hidden }}
.way .answer {{ flex: none; font-weight: 600 }}
.way .end {{ color: {on_both(MUTED_INK)} }}
.way-key {{ display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; font-size: .85rem; margin: 0 0 .6rem }}
.way-key i {{ display: inline-block; width: .8rem; height: .8rem; margin-right: .4rem; border-radius: 2px }}
@media (max-width: 640px) {{
  .way {{ flex-direction: column; align-items: stretch }}
  .way ol {{ flex-direction: column; gap: .6rem; width: 100% }}
  .way li {{ display: grid; grid-template-columns: 2.2rem 1fr; align-items: center; text-align: left }}
  .way .bars {{ flex-direction: column; height: auto; order: 2 }}
  .way .bar {{ flex-direction: row; width: 100%; height: 22px }}
  .way .mean {{ height: 8px; width: 100% }}
}}
</style>"""


def show_picture(network: MixingNetwork, record: Record | None) -> None:
    """Pick a picture; its way through the blocks, then one block close up."""
    opened = opened_on_picture(network)
    if opened is None:
        return
    what_if, weights, picked = opened
    st.header("Its path through the blocks")
    images = picked.images
    (prediction,) = what_if.predict(images)
    compared = picked.truth or prediction.label
    changed = choose_change(what_if, prediction.seen, (weights.id, weights.stamp, picked.id))
    if changed is not None:
        images, prediction = changed.images, changed.answers[changed.now]
    known = averages_in(record.at(record.kept).mixing, record.class_names) if record else {}
    average = average_for(known, compared, prediction.mixing)
    st.markdown(f"**{plain(path_title(prediction.mixing, average, compared))}**")
    sure = f"{prediction.label}, {whole_percent(prediction.top[0][1])}"
    st.html(path_html(prediction.seen, prediction.mixing, average, sure))
    st.caption(plain(path_reading(average, compared)))
    if changed is not None:
        show_levels(changed)
    if len(prediction.mixing) > 1:
        way = {block: [shares] for block, shares in prediction.mixing.items()}
        show_chart(mixing_flow("This picture", way, OF_ONE), "flow", ALT.format("this picture"))
    show_block(what_if, images)


def show_block(what_if: "WhatIf", images: "Images") -> None:
    """The kernels of one block, what each makes of the picture, and the mix of them."""
    st.header("One block close up")
    blocks = list(what_if.blocks)
    block = choose("block", "Block", blocks, blocks[0])
    view = what_if.look(images, block)
    shares = view.coefficients.tolist()
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**{plain(responses_title(view.responses))}**")
        st.html(responses_html(view.responses, view.mixed, shares))
        height, width = view.mixed.shape
        st.caption(
            f"How each kernel of {block} alone would respond to its input ({height} × {width} positions), "
            "and how the mix responds. Brighter: a stronger response (mean magnitude over the channels), on "
            "one scale for all."
        )
    with right:
        st.markdown(f"**{plain(filters_title(view.kernels))}**")
        st.html(filters_html(view.kernels, view.mixed_kernel, shares))
        st.caption(plain(filters_reading(view.kernels)))


def path_html(picture: NDArray[np.uint8], used: Shares, average: Shares, answer: str) -> str:
    """The picture (H, W, 3), its blocks in their order, and the answer; `average` is empty where unknown."""
    most = max(len(values) for values in used.values())
    blocks = "".join(_block(name, values, average.get(name)) for name, values in used.items())
    image = image_tag(data_uri(picture), "The picture as the network sees it")
    return (
        f'<div class="way-key" aria-hidden="true">{bar_key(most)}</div>{LOOK}'
        f'<div class="way">{image}<ol>{blocks}</ol>'
        f'<div class="answer"><span class="end">says</span> {html.escape(answer)}</div></div>'
    )


def path_title(used: Shares, average: Shares, class_name: str) -> str:
    """A sentence about where the picture's mix differs from its class's average."""
    far = [(gap, block, kernel) for block in used for gap, kernel in [_largest_gap(block, used, average)]]
    unusual = [item for item in far if item[0] >= UNUSUAL]
    if not average:
        block = max(used, key=lambda name: max(used[name]))
        kernel = int(np.argmax(used[block]))
        return f"{block} leans most on one kernel: kernel {kernel + 1} with {used[block][kernel]:.2f}"
    if not unusual:
        return f"This picture is mixed like the average {class_name}, in every block"
    _, block, kernel = max(unusual)
    own, usual = used[block][kernel], average[block][kernel]
    others = [name for _, name, _ in unusual if name != block]
    also = f"; {listed(others)} differ{'s' if len(others) == 1 else ''} too" if others else ""
    return (
        f"In {block} kernel {kernel + 1} gets {own:.2f}, the average {class_name} gives it {usual:.2f}{also}"
    )


def path_reading(average: Shares, class_name: str) -> str:
    """A caption: how to read the path."""
    head = "Each wide bar is a block, in the network's order; a color is a kernel, its number the share in %."
    if not average:
        return f"{head} This network kept no record of its classes, so there is no average to compare with."
    return f"{head} The narrow bar beside it: the average {class_name} among the validation pictures."


def _largest_gap(block: str, used: Shares, average: Shares) -> tuple[float, int]:
    usual = average.get(block, used[block])
    gaps = [round(abs(own - other), 3) for own, other in zip(used[block], usual, strict=True)]
    kernel = int(np.argmax(gaps))
    return gaps[kernel], kernel


def _block(name: str, values: Sequence[float], average: Sequence[float] | None) -> str:
    words = spoken(values) + (f"; class average {spoken(average)}" if average is not None else "")
    mean = ""
    if average is not None:
        mean = f'<div class="bar mean">{bar_parts(average, numbered=False)}</div>'
    label = f"{html.escape(name)}: {words}"
    return (
        f'<li title="{label}"><div class="bars" role="img" aria-label="{label}">'
        f'<div class="bar">{bar_parts(values, numbered=True)}</div>{mean}</div>'
        f'<div style="color:{on_both(INK)}" aria-hidden="true">{html.escape(name)}</div></li>'
    )
