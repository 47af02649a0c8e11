"""What a watcher should hear of a run: it learns no more, or it has ended. One sentence each, no more."""

import streamlit as st

from cifar_core.runs.history import History
from cifar_core.runs.store import Run, Status
from cifar_core.runs.summary import name_of
from demo.shared.format import STATE_TEXT, counted
from demo.widgets.panels import plain

PLATEAU_EPOCHS = 3  # at least; in a long run a tenth of it


def name_tab(run: Run, status: Status) -> None:
    """The state first in the browser tab's title, so that it is seen from another tab."""
    st.set_page_config(page_title=f"{STATE_TEXT[status.state]}: {name_of(run)}")


def describe_plateau(history: History) -> str:
    """A sentence when the watched loss has not fallen for a while; "" otherwise."""
    if not history.epochs or history.end is not None:
        return ""
    best = min(history.epochs, key=lambda epoch: epoch.val_loss)
    since = history.epochs[-1].epoch - best.epoch
    planned = history.start.total_steps // history.steps_per_epoch if history.start else 0
    if since < max(PLATEAU_EPOCHS, planned // 10):
        return ""
    what = f"The {history.monitored} loss has not fallen for {counted(since, 'epoch')}"
    advice = "a smaller learning rate may help, or the run may stop: the best weights are kept"
    return f"{what} ({best.val_loss:.2f} at epoch {best.epoch}): {advice}."


def show_plateau(status: Status, history: History) -> None:
    """The sentence, while something can still be done."""
    words = describe_plateau(history) if status.active else ""
    if words:
        st.info(plain(words))


def tell_the_end(run: Run, status: Status) -> None:
    """A toggle while the run goes on; when it ends, a short note, if that was asked for."""
    watched = st.session_state.setdefault("told_of", {})
    if status.active:
        watched[run.id] = st.toggle("Tell me when it ends", key="tell", persist_state="session")
    elif watched.pop(run.id, False):
        st.toast(plain(describe_end(run, status)), duration="infinite")


def describe_end(run: Run, status: Status) -> str:
    """How it ended, in a sentence."""
    said = f" {status.message}" if status.message else ""
    return f"{name_of(run)}: {STATE_TEXT[status.state].lower()}.{said}"


WAIT_SECONDS = 1.0  # between two looks while something is waited for: the first point, or an answer
LOOK_SECONDS = (2.0, 5.0)  # otherwise; looking more often would cost a run on two cores more than 3 %
LOOKS = 60  # at the head of a run in the time that is left


def looks(status: Status, history: History, asked: bool) -> tuple[float, float] | tuple[None, None]:
    """Seconds between two looks at the head and at the curves; a run that has ended is looked at once.

    A long run is looked at less often than a short one, and its curves only as often as there are points.
    asked: whether the run has been asked for something and has not answered yet.
    """
    if not status.active:
        return None, None
    if asked or not history.steps:
        return WAIT_SECONDS, WAIT_SECONDS
    often, seldom = LOOK_SECONDS
    head = min(seldom, max(often, (status.eta_seconds or seldom * LOOKS) / LOOKS))
    return head, min(seldom, max(head, history.seconds_a_point))
