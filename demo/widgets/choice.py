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
    width: int | None = None,
    labeled: bool = False,
) -> str:
    """One of `options` (not empty), kept in the address as `?name=`; what is no option there is left out.

    words: what a reader sees of an option, itself where they name none. widget: "segmented", "select" or
    "slider". width: of a select, in pixels. labeled: whether the eye sees the label of a segmented choice.
    """
    key = key_of(name)
    if st.session_state.get(key) not in options:
        wanted = st.query_params.get(name, default)
        st.session_state[key] = wanted if wanted in options else default
    shown = (lambda option: words.get(option, option)) if isinstance(words, Mapping) else words
    chosen: str | None
    if widget == "select":
        chosen = st.selectbox(label, options, format_func=shown, key=key, width=width or "stretch")
    elif widget == "slider":
        chosen = st.select_slider(label, options, format_func=shown, key=key)
    else:
        chosen = st.segmented_control(
            label,
            options,
            format_func=shown,
            key=key,
            required=True,
            label_visibility="visible" if labeled else "collapsed",
            wrap=True,  # a phone would hide what does not fit on one line
        )
    st.query_params[name] = str(chosen)
    return str(chosen)


def choose_shown(label: str, options: Mapping[str, str], key: str, labeled: bool = True) -> str:
    """A key of `options`, the first until another one's words are chosen; the address holds the words."""
    first = next(iter(options))
    chosen = st.segmented_control(
        label,
        list(options),
        format_func=options.__getitem__,
        default=first,
        required=True,
        key=key,
        bind="query-params",
        label_visibility="visible" if labeled else "collapsed",
    )
    return str(chosen or first)


def key_of(name: str) -> str:
    """The key of the choice's widget."""
    return f"choice-{name}"


def forget(*names: str) -> None:
    """Let these choices begin anew."""
    for name in names:
        st.session_state.pop(key_of(name), None)
        if name in st.query_params:
            del st.query_params[name]
