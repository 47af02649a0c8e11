"""The time that is left follows from the pace so far."""

import pytest

from cifar_core.format import describe_remaining, remaining_seconds


@pytest.mark.parametrize(
    ("done", "total", "elapsed", "before", "left"),
    [
        (100, 150, 10.0, 0, 5.0),
        (100, 150, 10.0, 50, 10.0),  # only what was done in these ten seconds counts
        (150, 150, 10.0, 50, 0.0),
        (50, 150, 10.0, 50, None),
        (0, 10, 1.0, 0, None),
    ],
)
def test_the_rest_takes_as_long_as_the_pace_so_far_says(done, total, elapsed, before, left):
    assert remaining_seconds(done, total, elapsed, before) == left


def test_a_line_of_progress_ends_with_the_time_where_there_is_one():
    assert "2 min 10 s" in describe_remaining(130.0)
    assert describe_remaining(None) == describe_remaining(0.0) == ""
