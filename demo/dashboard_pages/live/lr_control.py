"""Change the learning rate of a run under way: a multiple of its schedule from the next step on."""

import streamlit as st

from cifar_core.format import describe_schedule
from cifar_core.runs.history import History
from cifar_core.runs.requests import FACTORS
from cifar_core.runs.store import Run, StoreError
from demo.widgets.panels import plain

HELP = (
    "From the next step on the schedule is multiplied by this number: 0.5 is half of it, 1 the schedule "
    f"itself. Allowed: {FACTORS[0]:g} to {FACTORS[1]:,.0f}. The run notes the change and keeps it."
)


def show_lr_control(run: Run, history: History) -> None:
    """What the rate is now, and four ways to change it."""
    with st.popover("Learning rate"):
        st.write(plain(format_rate(history)))
        with st.container(horizontal=True):
            for label, factor in choices(history.lr_factor):
                st.button(label, key=f"lr:{label}", on_click=ask_factor, args=(run, factor))
        with st.form("lr", border=False):
            factor = st.number_input(
                "Times the schedule",
                value=history.lr_factor,
                step=0.1,
                format="%g",
                help=HELP,
                key=f"lr:factor:{history.lr_factor:g}",  # a field of its own for each, so that it follows
            )
            if st.form_submit_button("Change"):
                ask_factor(run, factor)


def format_rate(history: History) -> str:
    """The rate now, and what part of the schedule that is."""
    part = describe_schedule(history.lr_factor)
    now = f"Now {history.steps[-1].lr:.3g}: " if history.steps else ""
    return f"{now}{part}." if now else f"{part[:1].upper()}{part[1:]}."


def choices(factor: float) -> list[tuple[str, float]]:
    """(button, factor of the schedule) from the present factor."""
    changed = [("Halve", factor / 2), ("Double", factor * 2)]
    return changed + ([("The schedule itself", 1.0)] if factor != 1 else [])


def ask_factor(run: Run, factor: float | None) -> None:
    """Leave the request; a sentence where that cannot be, which stays until the next one."""
    st.session_state.pop("control_trouble", None)
    if factor is None:
        st.session_state["control_trouble"] = run.id, "The factor is empty; give a number, such as 0.5."
        return
    try:
        run.request(factor=factor)
    except StoreError as error:
        st.session_state["control_trouble"] = run.id, str(error)
