"""The charts and drawings of the Mixing page show the data they are given, and say in words what is seen."""

import dataclasses
import json

import numpy as np
import pytest

from cifar_core.inference.held_out import HeldOut
from cifar_core.runs.events import BlockMixing
from demo.charts.mixing_difference import comparable, mixing_difference, reordered
from demo.charts.mixing_time import (
    ENTROPY_PIXELS,
    LABEL_PIXELS,
    collapse_title,
    describe_warning,
    entropy_over_time,
    label_shifts,
    shares_over_time,
)
from demo.charts.what_if import Worth, answer_change_chart, change_title, worth_chart
from demo.dashboard_pages.mixing.favorites import favorites, favorites_html, favorites_title
from demo.dashboard_pages.mixing.kernel_pictures import (
    chosen_filters,
    filters_html,
    filters_title,
    responses_html,
    responses_title,
)
from demo.dashboard_pages.mixing.picture import path_html, path_title
from demo.shared.palette import DIVERGING_COLORS, KERNEL_COLORS
from tests.support.fake_runs import KERNELS, epoch_end
from tests.support.texts import says

NAMES = tuple("abcdefghij")


def epochs(count: int) -> list:
    return [epoch_end(number, True, 1.0) for number in range(1, count + 1)]


def series(chart, name: str) -> dict:
    return next(item for item in chart.option["series"] if item["name"] == name)


def mix_of(*rows: list[float], block: str = "b1") -> BlockMixing:
    mean = np.mean(rows, axis=0).tolist()
    return BlockMixing(block, mean, [list(row) for row in rows], 0.5)


# Over time


def test_a_band_reaches_from_the_lowest_class_to_the_highest():
    shown = epochs(3)
    chart = shares_over_time(shown, 2)
    rows = np.array([epoch.mixing[2].per_class for epoch in shown])[:, :, 1]
    lowest, spread = series(chart, "kernel 2, lowest class"), series(chart, "kernel 2, spread")
    assert (
        lowest["stack"] == spread["stack"] and lowest["stack"] != series(chart, "kernel 1, spread")["stack"]
    )
    assert lowest["data"] == pytest.approx(rows.min(axis=1), abs=1e-4)
    top = np.add(lowest["data"], spread["data"])
    assert top == pytest.approx(rows.max(axis=1), abs=2e-4)
    mean = series(chart, "kernel 2")
    assert mean["data"] == pytest.approx([epoch.mixing[2].mean[1] for epoch in shown], abs=1e-4)
    assert mean["lineStyle"]["color"] == KERNEL_COLORS[1]


def test_the_title_says_which_kernel_leads_and_since_when():
    shares = ([0.6, 0.4], [0.4, 0.6], [0.2, 0.8])
    shown = [
        dataclasses.replace(epoch, mixing=[mix_of(share, share)])
        for epoch, share in zip(epochs(3), shares, strict=True)
    ]
    assert says(shares_over_time(shown, 0).title, "b1", "kernel 2", "epoch 2", "0.80")
    assert says(shares_over_time(shown[1:], 0).title, "b1", "kernel 2", "from the start", "0.80")
    even = [dataclasses.replace(shown[0], mixing=[mix_of([0.5, 0.5])])]
    assert "nearly alike" in shares_over_time(even, 0).title


def test_a_collapse_is_a_warning_with_its_epoch():
    shown = epochs(5)  # the last block has one kernel alone from epoch 4 on
    assert says(collapse_title(shown), "stage3.1", "epoch 4")
    assert "No block has collapsed; stage3.1 is nearest" in collapse_title(shown[:3])
    chart = entropy_over_time(shown)
    assert [line["name"] for line in chart.option["series"]] == [block.block for block in shown[0].mixing]
    assert series(chart, "stage3.1")["data"] == pytest.approx(
        [epoch.mixing[-1].entropy for epoch in shown], abs=1e-4
    )
    assert chart.option["series"][0]["markLine"]["data"] == [{"yAxis": 0.1}]
    assert "stage3.1" in describe_warning(shown[-1]) and describe_warning(shown[0]) == ""


def test_labels_at_the_ends_of_lines_do_not_overlap():
    entropies = [0.95, 0.94, 0.1, 0.93, 0.0, 0.02, 0.5]
    shifts = label_shifts(entropies)
    tops = sorted(
        ENTROPY_PIXELS * (1 - value) + shift for value, shift in zip(entropies, shifts, strict=True)
    )
    assert min(np.diff(tops)) >= LABEL_PIXELS - 0.2 and tops[0] >= 0 and tops[-1] <= ENTROPY_PIXELS + 0.1
    assert shifts[-1] == 0, "what has room stays at its line"
    assert max(np.abs(label_shifts([0.5] * 40))) <= ENTROPY_PIXELS


# Differences


def test_the_difference_is_the_second_minus_the_first_with_zero_in_the_middle():
    one, other = [mix_of([0.5, 0.5], [0.5, 0.5])], [mix_of([0.5, 0.5], [0.1, 0.9])]
    chart = mixing_difference(one, other, ("cat", "dog"), ("epoch 1", "epoch 2"), matched=False)
    cells = {(cell[0], cell[1]): cell[2] for cell in chart.option["series"][0]["data"]}
    assert cells == {(0, 0): 0, (1, 0): 0, (0, 1): -0.4, (1, 1): 0.4}
    scale = chart.option["visualMap"]
    assert scale["min"] == -scale["max"] and scale["inRange"]["color"] == list(DIVERGING_COLORS)
    assert len(DIVERGING_COLORS) % 2 == 1, "zero has a color of its own"
    assert says(chart.title, "dog", "kernel 1 of b1", "0.40 less", "epoch 2")
    alike = mixing_difference(one, one, ("cat", "dog"), ("A", "B"), matched=True)
    assert says(alike.title, "A", "B", "alike") and "no common order" in alike.reading


def test_kernels_of_another_run_stand_beside_those_they_resemble():
    one = [mix_of([0.7, 0.2, 0.1], [0.1, 0.2, 0.7])]
    other = [mix_of([0.1, 0.6, 0.3], [0.6, 0.2, 0.2])]
    (matched,) = reordered(one, other)
    assert matched.per_class == [[0.6, 0.3, 0.1], [0.2, 0.2, 0.6]]
    assert matched.mean == pytest.approx([0.4, 0.25, 0.35])
    assert reordered(one, one)[0].per_class == one[0].per_class


def test_mixes_of_different_shape_are_not_subtracted():
    three, two = [mix_of([0.2, 0.3, 0.5])], [mix_of([0.5, 0.5])]
    assert comparable(three, three) == ""
    assert comparable(three, two).startswith("One has 1 block of 3 kernels, the other 1 block of 2 kernels")
    assert "other classes" in comparable(two, [mix_of([0.5, 0.5], [0.5, 0.5])])


# What if


def test_the_answer_says_what_it_was_before():
    cat, dog = np.array([0.8, 0.2]), np.array([0.3, 0.7])
    names = ("cat", "dog")
    assert says(change_title(cat, dog, names), "now", "dog", "70 %", "cat", "80 %")
    assert says(change_title(cat, np.array([0.6, 0.4]), names), "still", "cat", "60 %", "80 %")
    assert "As it mixes by itself" in change_title(cat, cat.copy(), names)
    before, after = answer_change_chart(cat, dog, names).option["series"]
    assert (before["data"], after["data"]) == ([80, 20], [30, 70])


def test_worth_is_a_change_in_points_and_the_worst_is_named():
    rows = [Worth("B1", 0, 0.9), Worth("B1", 1, 0.5, "dog"), Worth("B2", 0, 0.95)]
    chart = worth_chart(rows, 0.9, "accuracy", "reading")
    (bars,) = chart.option["series"]
    assert [bar["value"] for bar in bars["data"]] == [0, -40, 5]
    assert bars["data"][1]["itemStyle"]["color"] == KERNEL_COLORS[1]
    assert says(chart.title, "kernel 2 of B1", "40.0 points", "dog")
    assert "No single kernel is missed" in worth_chart(rows[:1], 0.9, "accuracy", "").title


# One picture


def test_the_path_shows_every_block_and_where_it_is_unusual():
    used = {"B1": [0.5, 0.5], "B2": [0.9, 0.1]}
    average = {"B1": [0.5, 0.5], "B2": [0.2, 0.8]}
    assert says(path_title(used, average, "cat"), "B2", "kernel 1", "0.90", "cat", "0.20")
    assert "like the average cat" in path_title(used, used, "cat")
    assert says(path_title(used, {}, "cat"), "B2", "kernel 1", "0.90")
    drawn = path_html(np.zeros((32, 32, 3), np.uint8), used, average, "<cat>")
    assert drawn.count("<li") == 2 and drawn.count('class="bar mean"') == 2
    assert "B2: kernel 1 90 %, kernel 2 10 %; class average kernel 1 20 %, kernel 2 80 %" in drawn
    assert "&lt;cat&gt;" in drawn and "<cat>" not in drawn
    assert 'class="bar mean"' not in path_html(np.zeros((32, 32, 3), np.uint8), used, {}, "cat")


def test_filters_in_which_the_kernels_differ_are_chosen():
    kernels = np.ones((2, 20, 5, 3, 3), np.float32)
    kernels[1, 7], kernels[1, 12] = -1, -1
    assert {7, 12} <= set(chosen_filters(kernels, 4)) and len(chosen_filters(kernels, 4)) == 4
    drawn = filters_html(kernels, kernels.mean(axis=0), [0.5, 0.5])
    assert drawn.count("<img") == 3 and "kernel 2" in drawn and "mixed" in drawn
    assert "nearly alike: their weights correlate with 1.00" in filters_title(kernels[[0, 0]])
    assert "quite different" in filters_title(np.stack([kernels[0], -kernels[0]]))


@pytest.mark.parametrize("channels", [3, 5])
def test_kernels_of_any_depth_can_be_drawn(channels):
    kernels = np.random.default_rng(0).normal(size=(3, 4, channels, 3, 3)).astype(np.float32)
    assert filters_html(kernels, kernels[0], [0.2, 0.3, 0.5]).count("<img") == 4
    assert filters_html(0 * kernels, 0 * kernels[0], [0.2, 0.3, 0.5]).count("<img") == 4


def test_the_kernel_that_responds_most_is_named():
    responses = np.stack([np.full((4, 4), value, np.float32) for value in (1.0, 3.0)])
    assert says(responses_title(responses), "Kernel 2", "3.0 times", "kernel 1")
    assert "alike" in responses_title(np.ones((2, 4, 4), np.float32))
    assert responses_html(responses, responses[0], [0.5, 0.5]).count("<img") == 3


def test_favorites_are_those_with_the_largest_share():
    shares = np.array([[0.1, 0.9], [0.7, 0.3], [0.4, 0.6]], np.float32)
    assert favorites(shares, 2).tolist() == [[1, 2], [0, 2]]
    mostly = favorites_title("B1", [["cat", "dog", "ship", "deer"], ["cat", "cat", "cat", "dog"]])
    assert "Kernel 2 of B1" in mostly and "cat: 3 of its 4 pictures" in mostly
    assert "No kernel of B1" in favorites_title("B1", [["cat", "dog", "ship"]] * 2)


def test_the_pictures_of_a_kernel_bring_no_markup():
    images = np.zeros((2, 3, 32, 32), np.uint8)
    pictures = HeldOut(images, np.array([0, 1]), ("<b>cat", "dog"), "val", 2, "k")
    shares = np.array([[0.2, 0.8], [0.7, 0.3]], np.float32)
    drawn = favorites_html(pictures, shares, favorites(shares, 1), [["dog"], ["<b>cat"]])
    assert 'alt="Kernel 2: &lt;b&gt;cat"' in drawn and "<b>" not in drawn
    assert "80 to 80 %" in drawn


def test_options_are_plain_json():
    """Streamlit refuses numpy numbers and NaN."""
    shown = epochs(2)
    mixing = shown[-1].mixing
    charts = [
        shares_over_time(shown, 0),
        entropy_over_time(shown),
        mixing_difference(shown[0].mixing, mixing, NAMES, ("a", "b"), matched=False),
        answer_change_chart(np.float32([0.4, 0.6]), np.float32([0.5, 0.5]), ("a", "b")),
        worth_chart([Worth("B1", 0, float(np.float32(0.5)))], 0.6, "accuracy", ""),
    ]
    for chart in charts:
        json.dumps(chart.option, allow_nan=False)
    assert len(charts[0].option["series"]) == 3 * KERNELS
