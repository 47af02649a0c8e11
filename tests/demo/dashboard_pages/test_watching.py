"""A page looks at a run as often as there may be something new to see, and no more often."""

import dataclasses

import pytest

from cifar_core.runs.events import Step
from cifar_core.runs.history import History
from cifar_core.runs.store import Status
from demo.dashboard_pages.live.alerts import LOOK_SECONDS, WAIT_SECONDS, looks
from tests.support.fake_runs import events

OFTEN, SELDOM = LOOK_SECONDS


def history(epochs: int = 2, images_per_second: float = 812.0) -> History:
    found = History()
    found.add(events(epochs, 6, half=False, mixes=True, quality=1.0))
    found.steps = [dataclasses.replace(step, images_per_second=images_per_second) for step in found.steps]
    return found


def test_a_run_that_has_ended_is_looked_at_once():
    assert looks(Status("finished"), history(), False) == (None, None)


@pytest.mark.parametrize(("epochs", "asked"), [(0, False), (2, True)])
def test_what_is_waited_for_is_seen_soon(epochs, asked):
    assert looks(Status("running", eta_seconds=9000.0), history(epochs), asked) == (WAIT_SECONDS,) * 2


@pytest.mark.parametrize(("left", "head"), [(5.0, OFTEN), (180.0, 3.0), (9000.0, SELDOM), (None, SELDOM)])
def test_a_long_run_is_looked_at_less_often(left, head):
    assert looks(Status("running", eta_seconds=left), history(images_per_second=1e6), False) == (head, head)


def test_curves_are_looked_at_when_a_point_may_have_come():
    status = Status("running", eta_seconds=5.0)
    five_steps = 5 * 45_000 / 50  # images from one point of these runs to the next
    assert looks(status, history(images_per_second=five_steps / 3.5), False) == (OFTEN, 3.5)
    assert looks(status, history(images_per_second=1.0), False) == (OFTEN, SELDOM)


def test_seconds_a_point_are_unknown_before_the_second():
    found = history(0)
    assert found.seconds_a_point == 0
    found.add([Step(1, 5, 1.0, 0.5, 0.1, 900.0)])
    assert found.seconds_a_point == 0
    found.add([Step(1, 10, 1.0, 0.5, 0.1, 900.0)])
    assert found.seconds_a_point == 5.0
