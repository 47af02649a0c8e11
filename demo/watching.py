"""How often a page looks at a run that goes on: each look takes some of the processor from it."""

from cifar_core.runs.store import Status
from demo.history import History

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
