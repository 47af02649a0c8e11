"""A choice among a few that the page's address holds, so that a view can be shared and reloaded."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st


def choose(
    name: str,
    label: str,
    options: Sequence[str],
    default: str,
    words: Callable[[str], str] | Mapping[str, str] = str,
    widget: str = "segmented",
) -> str:
    """One of `options` (not empty), kept in the address as `?name=`; what is no option there is left out.

    words: what a reader sees of an option. widget: "segmented", "select" or "slider".
    """
    key = f"choice-{name}"
    if st.session_state.get(key) not in options:
        wanted = st.query_params.get(name, default)
        st.session_state[key] = wanted if wanted in options else default
    shown = words.__getitem__ if isinstance(words, Mapping) else words
    chosen: str | None
    if widget == "select":
        chosen = st.selectbox(label, options, format_func=shown, key=key)
    elif widget == "slider":
        chosen = st.select_slider(label, options, format_func=shown, key=key)
    else:
        chosen = st.segmented_control(
            label,
            options,
            format_func=shown,
            key=key,
            required=True,
            label_visibility="collapsed",
            wrap=True,  # a phone would hide what does not fit on one line
        )
    st.query_params[name] = str(chosen)
    return str(chosen)


def forget(*names: str) -> None:
    """Let these choices begin anew."""
    for name in names:
        st.session_state.pop(f"choice-{name}", None)
        if name in st.query_params:
            del st.query_params[name]
