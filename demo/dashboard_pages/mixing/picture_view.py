"""The part of the Mixing page that follows one picture through the blocks."""

from typing import TYPE_CHECKING

import streamlit as st

from cifar_core.runs.history import Shares
from demo.dashboard_pages.mixing.choice import MixingNetwork, Record, opened_on_picture
from demo.dashboard_pages.mixing.kernel_pictures import (
    filters_html,
    filters_reading,
    filters_title,
    responses_html,
    responses_title,
)
from demo.dashboard_pages.mixing.path import path_html, path_reading, path_title
from demo.shared.format import whole_percent
from demo.widgets.choice import choose
from demo.widgets.panels import plain

if TYPE_CHECKING:
    from cifar_core.explain.mixing import WhatIf
    from cifar_core.inference.preprocess import Images


def show_picture(network: MixingNetwork, record: Record | None) -> None:
    """Pick a picture; its way through the blocks, then one block close up."""
    opened = opened_on_picture(network)
    if opened is None:
        return
    what_if, _, picked = opened
    (prediction,) = what_if.predict(picked.images)
    compared = picked.truth or prediction.label
    average = class_average(record, compared, prediction.mixing)
    st.subheader("Its way through the blocks")
    st.markdown(f"**{plain(path_title(prediction.mixing, average, compared))}**")
    sure = f"{prediction.label}, {whole_percent(prediction.top[0][1])}"
    st.html(path_html(prediction.seen, prediction.mixing, average, sure))
    st.caption(plain(path_reading(average, compared)))
    show_block(what_if, picked.images)


def class_average(record: Record | None, class_name: str, used: Shares) -> Shares:
    """Block -> mean coefficients of a class in the epoch whose weights are kept.

    Empty where unknown, or where the record is of other blocks than those `used`.
    """
    if record is None or class_name not in record.class_names:
        return {}
    row = record.class_names.index(class_name)
    mixing = record.at(record.kept).mixing
    average = {block.block: block.per_class[row] for block in mixing if row < len(block.per_class)}
    sizes = [{block: len(shares) for block, shares in some.items()} for some in (average, used)]
    return average if sizes[0] == sizes[1] else {}


def show_block(what_if: "WhatIf", images: "Images") -> None:
    """The kernels of one block, what each makes of the picture, and the mix of them."""
    st.subheader("One block close up")
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
            f"What each kernel of {block} alone would make of what reaches it ({height} × {width} places), "
            "and what the mix makes of it. Brighter: a stronger response, as the mean size over its "
            "channels; one scale for all."
        )
    with right:
        st.markdown(f"**{plain(filters_title(view.kernels))}**")
        st.html(filters_html(view.kernels, view.mixed_kernel, shares))
        st.caption(plain(filters_reading(view.kernels)))
