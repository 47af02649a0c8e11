"""A mix set by hand: the answer for a picture at once, the accuracy on many pictures on demand."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from cifar_core.errors import LabError
from cifar_core.inference.held_out import HeldOut
from demo.charts.what_if import Worth, answer_change_chart, worth_chart
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
from demo.dashboard_pages.mixing.networks import MixingNetwork, measured_pictures, opened_on_picture
from demo.shared.format import percent
from demo.shared.host import is_public
from demo.shared.pictures import data_uri, image_tag
from demo.widgets.choice import choose, write_address
from demo.widgets.data_folder import show_missing
from demo.widgets.evaluation_pictures import count_pictures
from demo.widgets.networks import Network
from demo.widgets.panels import plain, show_chart, show_table
from demo.widgets.picture_choice import Picked

if TYPE_CHECKING:
    from cifar_core.explain.mixing import WhatIf
    from cifar_core.inference.prediction import Prediction

ALL = "All blocks"
PICTURE = "width:96px;height:96px;image-rendering:pixelated;border-radius:4px"
PICTURE_READING = (
    "A bar for each kernel of each block, from the first block down: what happens to this probability when "
    "that kernel alone is switched off and the others of its block take over its share. Left is a loss."
)
AT_ONCE = 50  # pictures between two moves of the progress bar
EVERY_KERNEL = "Switch off every kernel in turn"


def show_what_if(network: MixingNetwork) -> None:
    """Pick a picture, mix by hand; the answer follows at once, the accuracy on demand."""
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
    show_accuracy(what_if, weights, mixes)
    show_worth(what_if, picked, before, weights)


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
    if place == ALL:
        st.caption("Choose one block to move its coefficients one by one.")
    else:
        _sliders(place, mixes, used[place], what_if.shares_sum_to_one)
    st.write(plain(describe_mixes(mixes, blocks)))
    st.button("Reset to predicted", disabled=not mixes, on_click=_set_mixes, args=({},))


def _sliders(block: str, mixes: Mixes, used: Sequence[float], shares: bool) -> None:
    for kernel, value in enumerate(used):
        key = f"share-{block}-{kernel}"
        st.session_state[key] = round(float(value), 2)
        st.slider(
            f"a{kernel + 1}: share of kernel {kernel + 1} in {block}",
            0.0,
            1.0,
            step=0.01,
            key=key,
            on_change=_take_share,
            args=(key, block, kernel, mixes, tuple(used), shares),
        )
    if shares:
        st.caption("The shares of a block sum to 1: when you move one, the others make room.")


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


def show_accuracy(what_if: "WhatIf", network: Network, mixes: Mixes) -> None:
    """The accuracy with this mix and as predicted, once a button is pressed."""
    st.header("How often is it right with this mix?")
    try:
        measured = measured_pictures(network, what_if.card)
    except LabError as error:
        show_missing("", network.data_dir, error=f"This needs labeled pictures. {error}")
        return
    known = _measured_shares(network.id, network.stamp)
    with st.container(horizontal=True, vertical_alignment="center"):
        one = st.button(f"Measure on {len(measured)} pictures", disabled=to_text(mixes) in known)
        done = all(to_text(mix) in known for mix in _each_off(what_if))
        every = not is_public() and st.button(EVERY_KERNEL, disabled=done)  # too much for a shared machine
    if one or every:
        _measure(what_if, measured, known, [{}, mixes, *(_each_off(what_if) if every else [])])
        st.rerun()
    _show_table(what_if, measured, known, mixes)
    _show_worth(what_if, measured, known)


@st.cache_resource(max_entries=20, show_spinner=False)
def _measured_shares(network: str, stamp: int) -> dict[str, float]:
    """The measured accuracies, for everyone: a mix as text -> its share of right answers in 0..1."""
    return {}


def _each_off(what_if: "WhatIf") -> list[Mixes]:
    several = {block: count for block, count in what_if.blocks.items() if count > 1}
    return [{block: kernel} for block, count in several.items() for kernel in range(count)]


def _measure(what_if: "WhatIf", measured: HeldOut, known: dict[str, float], wanted: list[Mixes]) -> None:
    """Fill in what is not known yet, with a progress bar."""
    missing = {to_text(mix): mix for mix in wanted if to_text(mix) not in known}
    total = len(missing) * len(measured)
    done, bar = 0, st.progress(0.0, text="Classifying")
    for text, mix in missing.items():
        hits = 0
        for start in range(0, len(measured), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            hits += what_if.hits(measured.images[part], measured.targets[part], core_mix(mix))
            done += len(measured.targets[part])
            bar.progress(done / total, text=f"{done:,} of {total:,} answers")
        known[text] = hits / len(measured)


def _show_table(what_if: "WhatIf", measured: HeldOut, known: dict[str, float], mixes: Mixes) -> None:
    """As predicted, this mix, and how far they lie apart."""
    if "" not in known:
        st.caption(f"Classifies {count_pictures(measured)} with the mix that you have set.")
        return
    rows = [{"mix": "Every block as predicted", "right": percent(known[""]), "difference": "–"}]
    if mixes and to_text(mixes) in known:
        share = known[to_text(mixes)]
        points = f"{100 * (share - known['']):+.2f} points"
        rows.append(
            {"mix": describe_mixes(mixes, what_if.blocks), "right": percent(share), "difference": points}
        )
    show_table(rows)
    st.caption(f"Share of right answers on {count_pictures(measured)}, one view of each.")


def _show_worth(what_if: "WhatIf", measured: HeldOut, known: dict[str, float]) -> None:
    rows = [
        Worth(block, kernel, known[to_text(mix)])
        for mix in _each_off(what_if)
        for block, kernel in mix.items()
        if isinstance(kernel, int) and to_text(mix) in known
    ]
    if not rows or "" not in known or len(rows) < len(_each_off(what_if)):
        return
    reading = (
        "A bar for each kernel of each block: by how many points the accuracy on "
        f"{count_pictures(measured)} changes when that kernel alone is switched off. Bars near zero: the "
        "other kernels can do its work."
    )
    show_chart(
        worth_chart(rows, known[""], "accuracy", reading),
        "worth-all",
        "Bar chart: change of the accuracy when one kernel is switched off",
    )
