"""Choices that the page's address holds, so that a view can be shared, reloaded and gone back to.

The address is the only memory: a widget shows what it says, and what a reader chooses is written there, one
entry in the browser's history for each choice. A default is not written. Streamlit's own
`bind="query-params"` follows Back and Forward as well, but it writes the words that a reader sees where these
addresses hold short keys, and makes no entry of its own in the history.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

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
    forgets: Sequence[str] = (),
) -> str:
    """One of `options` (not empty) that the address names as `?name=`; the default for anything else.

    words: what a reader sees of an option, itself where they name none. widget: "segmented", "select" or
    "slider". width: of a select, in pixels. labeled: whether the eye sees the label of a segmented choice.
    forgets: choices that begin anew with another option of this one.
    """
    wanted = st.query_params.get(name, default)
    chosen, key = wanted if wanted in options else default, f"choice-{name}"
    st.session_state[key] = chosen  # also where it seems to be so: that may be another page's widget
    held: dict[str, Any] = {"key": key, "on_change": _take, "args": (name, key, default, forgets)}
    shown = (lambda option: words.get(option, option)) if isinstance(words, Mapping) else words
    if widget == "select":
        st.selectbox(label, options, format_func=shown, width=width or "stretch", **held)
    elif widget == "slider":
        st.select_slider(label, options, format_func=shown, **held)
    else:
        st.segmented_control(
            label,
            options,
            format_func=shown,
            required=True,
            label_visibility="visible" if labeled else "collapsed",
            wrap=True,  # a phone would hide what does not fit on one line
            **held,
        )
    return chosen


def _take(name: str, key: str, default: str, forgets: Sequence[str]) -> None:
    chosen = str(st.session_state[key])
    write_address({**dict.fromkeys(forgets), name: None if chosen == default else chosen})


def write_address(choices: Mapping[str, str | None]) -> None:
    """Change the address at once, None taking a choice out: one step back undoes all of it.

    A page that binds widgets to its address cannot use this: Streamlit keeps those choices to itself.
    """
    before = st.query_params.to_dict()
    after = {name: value for name, value in {**before, **choices}.items() if value is not None}
    if after != before:
        st.query_params.from_dict(after)


def name_in_address(name: str, value: str) -> None:
    """Put what the page shows into an empty address, with no entry of its own in the history.

    Whatever Streamlit writes is a new entry, and one step back from it would lead to the page itself.
    """
    with_it = json.dumps(f"?{urlencode({name: value})}")
    script = f'location.search || history.replaceState(null, "", {with_it})'
    st.html(f"<script>{script}</script>", unsafe_allow_javascript=True)


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
