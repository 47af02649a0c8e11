"""A run's recorded epochs on a slider, and a button that plays them one after the other."""

from collections.abc import Callable

import streamlit as st

from cifar_core.runs.events import Epoch
from demo.dashboard_pages.mixing.networks import Record
from demo.widgets.choice import choose, write_address

PLAYING = "mixing-playing"  # in the session: the number of the epoch that plays now
SECONDS = 0.8  # an epoch


def choose_epoch(record: Record, name: str = "epoch", label: str = "Epoch", default: int = 0) -> int:
    """One of the recorded epochs; the kept one unless another is asked for."""
    numbers = [str(epoch.epoch) for epoch in record.epochs]
    if len(numbers) == 1:
        return int(numbers[0])
    wanted = str(default or record.kept)
    return int(choose(name, label, numbers, wanted if wanted in numbers else numbers[-1], str, "slider"))


def play_epochs(record: Record, draw: Callable[[Epoch], None]) -> None:
    """A slider over the epochs with a button that plays them, and what `draw` makes of the chosen one.

    While it plays only this part of the page is drawn anew; the address takes the epoch where it stops, so
    that one step back in the browser undoes the whole play.
    """
    playing = st.session_state.get(PLAYING) is not None
    st.fragment(_frame, run_every=SECONDS if playing else None)(record, draw)


def _frame(record: Record, draw: Callable[[Epoch], None]) -> None:
    numbers = [epoch.epoch for epoch in record.epochs]
    now = st.session_state.get(PLAYING)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(numbers) > 1:
            icon = ":material/play_arrow:" if now is None else ":material/pause:"
            pressed = st.button("Play" if now is None else "Stop", icon=icon, key="play-epochs")
        else:
            pressed = False
        if now is None:
            chosen = choose_epoch(record)
        else:
            chosen = now if now in numbers else numbers[-1]
            st.select_slider("Epoch", numbers, value=chosen, disabled=True, key=f"playing-{chosen}")
    draw(record.at(chosen))
    if now is None and pressed:
        st.session_state[PLAYING] = chosen if chosen != numbers[-1] else numbers[0]
        st.rerun()
    if now is not None:
        _go_on(numbers, chosen, pressed)


def _go_on(numbers: list[int], shown: int, stopped: bool) -> None:
    """Put the next epoch on; after the last one, or when stopped, leave the one shown in the address."""
    if not stopped and shown != numbers[-1]:
        st.session_state[PLAYING] = numbers[numbers.index(shown) + 1]
        return
    del st.session_state[PLAYING]
    write_address({"epoch": str(shown)})
    st.rerun()
