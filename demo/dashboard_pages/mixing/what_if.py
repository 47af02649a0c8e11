"""A mix set by hand, block by block: the answer for a picture at once, and the accuracy on many pictures."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from demo.charts.what_if import Worth, answer_change_chart, worth_chart
from demo.dashboard_pages.mixing.accuracy import show_accuracy
from demo.dashboard_pages.mixing.hand_mix import (
    BY_HAND,
    Mixes,
    core_mix,
    describe_mixes,
    from_text,
    preset_of,
    presets,
    rebalanced,
    to_text,
)
from demo.dashboard_pages.mixing.networks import MixingNetwork, opened_on_picture
from demo.shared.pictures import data_uri, image_tag
from demo.widgets.chart import show_chart
from demo.widgets.choice import choose, write_address
from demo.widgets.networks import Network
from demo.widgets.panels import plain
from demo.widgets.picture_choice import Picked

if TYPE_CHECKING:
    from cifar_core.explain.mixing import WhatIf
    from cifar_core.inference.prediction import Prediction

ALL = "All blocks"
SLIDER = 140  # pixels, wide
PICTURE = "width:96px;height:96px;image-rendering:pixelated;border-radius:4px"
PICTURE_READING = (
    "A bar for each kernel of each block, from the first block down: what happens to this probability when "
    "that kernel alone is switched off and the others of its block take over its share. Left is a loss."
)


def show_what_if(network: MixingNetwork) -> None:
    """Pick a picture, mix by hand; the answer and the accuracy follow at once."""
    opened = opened_on_picture(network)
    if opened is None:
        return
    what_if, weights, picked = opened
    mixes = from_text(st.query_params.get("mix", ""), what_if.blocks, what_if.shares_sum_to_one)
    (before,) = what_if.predict(picked.images)
    (after,) = what_if.predict(picked.images, core_mix(mixes)) if mixes else (before,)
    left, right = st.columns([5, 6], gap="large")
    with left:
        st.header("Mix by hand")
        show_controls(what_if, mixes, after.mixing)
    with right:
        show_answer(before, after, what_if.card.class_names)
        many = st.container()
    show_worth(what_if, picked, before, weights)
    show_accuracy(what_if, weights, mixes, many)  # last: it takes the longest, and fills in as it goes


def show_controls(what_if: "WhatIf", mixes: Mixes, used: Mapping[str, Sequence[float]]) -> None:
    """A choice of block, a named setting, and a slider for each of its coefficients."""
    blocks = what_if.blocks
    place = choose("where", "Block", [ALL, *blocks], ALL)
    names = list(blocks) if place == ALL else [place]
    count = max(blocks[name] for name in names)
    named = {preset_of(mixes.get(name), blocks[name]) for name in names}
    options = [*presets(count), BY_HAND]
    key = f"preset-{place}"
    st.session_state[key] = named.pop() if len(named) == 1 else BY_HAND
    st.segmented_control(
        "Setting",
        options,
        key=key,
        required=True,
        label_visibility="collapsed",
        wrap=True,
        on_change=_take_preset,
        args=(key, names, dict(blocks), mixes, {name: tuple(used[name]) for name in names}),
    )
    st.button("Reset to predicted", disabled=not mixes, on_click=_set_mixes, args=({},))
    st.write(plain(describe_mixes(mixes, blocks)))
    with st.container(horizontal=True):  # as many beside each other as there is room for
        for block in blocks:
            with st.container(width=SLIDER):
                _sliders(block, mixes, used[block], what_if.shares_sum_to_one)
    if what_if.shares_sum_to_one:
        rest = "kernel 2 takes the rest" if count == 2 else "when you move one, the others make room"
        st.caption(f"The shares of a block sum to 1: {rest}.")


def _sliders(block: str, mixes: Mixes, used: Sequence[float], shares: bool) -> None:
    """One for each coefficient of the block; of two shares the first tells both."""
    moved = used[:1] if shares and len(used) == 2 else used
    for kernel, value in enumerate(moved):
        key = f"share-{block}-{kernel}"
        st.session_state[key] = round(float(value), 2)
        st.slider(
            f"{block}, kernel {kernel + 1}",
            0.0,
            1.0,
            step=0.01,
            key=key,
            on_change=_take_share,
            args=(key, block, kernel, mixes, tuple(used), shares),
        )


def _take_preset(
    key: str, names: list[str], blocks: dict[str, int], mixes: Mixes, used: dict[str, tuple[float, ...]]
) -> None:
    chosen = st.session_state[key]
    for name in names:
        named = presets(blocks[name])
        setting = used[name] if chosen == BY_HAND else named.get(chosen)
        mixes = {other: own for other, own in mixes.items() if other != name}
        if setting is not None:
            mixes[name] = setting
    _set_mixes(mixes)


def _take_share(
    key: str, block: str, kernel: int, mixes: Mixes, used: tuple[float, ...], shares: bool
) -> None:
    _set_mixes({**mixes, block: rebalanced(used, kernel, st.session_state[key], shares)})


def _set_mixes(mixes: Mixes) -> None:
    """Keep the mix where a reload and a link find it."""
    write_address({"mix": to_text(mixes) or None})


def show_answer(before: "Prediction", after: "Prediction", class_names: Sequence[str]) -> None:
    """The picture, and the probabilities as predicted and under the mix."""
    st.html(image_tag(data_uri(after.seen), "The picture as the network sees it", style=PICTURE))
    chart = answer_change_chart(before.probs, after.probs, class_names)
    show_chart(chart, "answer", "Bar chart: probability of each class, as predicted and with this mix")


def show_worth(what_if: "WhatIf", picked: Picked, before: "Prediction", network: Network) -> None:
    """The effect of each kernel on the answer for this picture; nothing where no block has two."""
    if max(what_if.blocks.values()) < 2:
        return
    st.header("This picture without one kernel")
    mark = (network.id, network.stamp, picked.id)
    kept = st.session_state.get("worth")
    if kept is None or kept[0] != mark:
        kept = st.session_state["worth"] = (mark, _worths(what_if, picked, before))
    base = float(before.top[0][1])
    chart = worth_chart(kept[1], base, f"probability of {before.label}", PICTURE_READING)
    show_chart(chart, "worth", "Bar chart: change of the probability when one kernel is switched off")


def _worths(what_if: "WhatIf", picked: Picked, before: "Prediction") -> list[Worth]:
    number = int(before.probs.argmax())
    rows = []
    for block, count in what_if.blocks.items():
        for kernel in range(count if count > 1 else 0):
            (answer,) = what_if.predict(picked.images, core_mix({block: kernel}))
            label = answer.label if answer.label != before.label else ""
            rows.append(Worth(block, kernel, float(answer.probs[number]), label))
    return rows
