"""Which labeled pictures the reader wants to look at a network on: their split, and how many of them."""

from collections.abc import Sequence

import streamlit as st

from cifar_core.config import TrainConfig
from demo.host import is_public
from demo.labeled_pictures import SPLIT_WORDS, splits_of

COUNTS = (200, 500, 1000, 0)  # how many pictures can be asked for; 0 is all
FEW_COUNTS = (100, 200, 500, 1000)  # where each picture is looked at dozens of times


def choose_pictures(
    config: TrainConfig, name: str, counts: Sequence[int] = COUNTS, usual: int = 1000
) -> tuple[str, int]:
    """The split and the number of pictures that the reader wants; the URL holds the number as `name`."""
    splits = splits_of(config)
    if is_public():  # visitors share the processor
        counts = [count for count in counts if 0 < count <= usual]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        split = choice("Pictures", "split", splits, splits[0], SPLIT_WORDS)
        if len(counts) == 1:
            return split, counts[0]
        words = {str(count): f"{count:,}" if count else "all" for count in counts}
        return split, int(choice("How many, at most", name, list(words), str(usual), words))


def choice(label: str, name: str, options: Sequence[str], usual: str, words: dict[str, str]) -> str:
    """One of a few options side by side; the URL holds it under `name`."""
    remember(name, options, usual)
    chosen = str(
        st.segmented_control(
            label,
            options,
            format_func=lambda option: words.get(option, option),
            required=True,
            key=name,
            label_visibility="collapsed" if name == "part" else "visible",
        )
    )
    st.query_params[name] = chosen
    return chosen


def selection(
    label: str, name: str, options: Sequence[str], usual: str, words: dict[str, str], width: int = 320
) -> str:
    """One of many options, in a list of `width` pixels; the URL holds it under `name`."""
    remember(name, options, usual)
    chosen: str = st.selectbox(
        label, options, format_func=lambda option: words.get(option, option), key=name, width=width
    )
    st.query_params[name] = chosen
    return chosen


def remember(name: str, options: Sequence[str], usual: str) -> None:
    """Give the widget `name` the URL's value when it is first drawn, and a possible one at any time."""
    value = st.session_state.get(name, st.query_params.get(name))
    st.session_state[name] = value if value in options else usual
