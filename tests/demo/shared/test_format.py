"""Numbers, times and names read as the pages promise."""

import math

import pytest

from demo.shared.format import (
    amount,
    begun,
    counted,
    describe_sizes,
    duration,
    file_size,
    isolated,
    listed,
    percent,
    run_name,
    shortened,
    when,
    whole_percent,
)


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.912345, "91.23 %"), (1.0, "100.00 %"), (0.0, "0.00 %"), (None, "–"), (float("nan"), "–")],
)
def test_accuracy_has_two_digits(share, words):
    assert percent(share) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (59.6, "1 min 00 s"),
        (130, "2 min 10 s"),
        (3900, "1 h 05 min"),
        (190_000, "2 d 4 h"),
        (None, "–"),
        (float("inf"), "–"),
    ],
)
def test_time_reads_in_its_two_largest_units(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (3_485_029, "3.49 M"),
        (950, "950"),
        (0, "0"),
        (999_600, "1.00 M"),
        (108_208, "108 k"),
        (2e9, "2.00 G"),
    ],
)
def test_amounts_have_three_digits(number, words):
    assert amount(number) == words


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (3_485_029, "3.49 MB")]
)
def test_sizes_have_their_unit(size, words):
    assert file_size(size) == words


@pytest.mark.parametrize("moment", [0, 1e300, -1e300, math.nan, math.inf])
def test_what_is_no_time_has_a_dash(moment):
    assert when(moment) == "–"


def test_a_run_is_named_by_recipe_and_time():
    assert run_name("mixing_lite-20261122-140509-ab12") == "mixing_lite, 22 Nov 14:05:09"


@pytest.mark.parametrize("run_id", ["mixing_lite.default", "x-20261399-000000-ab12", ""])
def test_other_ids_stay_as_they_are(run_id):
    assert run_name(run_id) == run_id


def test_lists_and_counts():
    assert [listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
    assert [counted(1, "epoch"), counted(1200, "step")] == ["1 epoch", "1,200 steps"]


def test_an_unknown_moment_is_a_dash():
    assert when(0) == "–"
    assert "2001" in when(1e9)


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0 %"), (0.004, "< 1 %"), (0.006, "1 %"), (0.5, "50 %"), (0.997, "> 99 %"), (1.0, "100 %")],
)
def test_whole_percent_never_claims_none_or_all(share, text):
    assert whole_percent(share) == text


def test_sizes_of_training_pictures_are_told_by_epochs_where_they_change():
    assert describe_sizes([32, 32, 32]) == ""
    said = describe_sizes([20, 20, 26, 32, 32])
    assert "20 pixels in epochs 1 to 2, 26 pixels in epoch 3 and 32 pixels in epochs 4 to 5" in said


@pytest.mark.parametrize("letters", [10, 15, 26])
def test_long_names_keep_both_ends_and_their_length(letters):
    name = "mixing_lite-20261128-045911-645d"
    short = shortened(name, letters)
    assert len(short) == letters and short[:3] == name[:3] and short[-4:] == name[-4:]
    assert shortened(name, len(name)) == name


def test_a_sentence_begins_with_a_capital_and_names_stay_as_they_are():
    assert begun("iPad or MacBook") == "IPad or MacBook" and begun("") == ""


def test_words_from_right_to_left_stand_apart_from_the_numbers_beside_them():
    assert isolated("kernel 1: קופסה גדולה: 5 of 9") == "kernel 1: \u2068קופסה גדולה\u2069: 5 of 9"
    assert isolated("猫, Größe: 5") == "猫, Größe: 5"
