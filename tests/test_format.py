"""The time that is left follows from the pace so far; columns of a table line up whatever the letters."""

import pytest

from cifar_core.format import describe_remaining, padded, places, remaining_seconds, table


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


@pytest.mark.parametrize(("text", "taken"), [("cup", 3), ("猫", 2), ("e\u0301te\u0301", 3), ("קופסה", 5)])
def test_a_letter_takes_its_places_in_a_terminal(text, taken):
    assert places(text) == taken and places(padded(text, 9)) == 9
    assert len({places(line) for line in table([["name"], [text]]).splitlines()}) == 1
