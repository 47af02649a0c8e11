"""The charts and drawings of the Mixing page show the data they are given, and say in words what is seen."""

import dataclasses
import json

import numpy as np
import pytest

from cifar_core.inference.held_out import HeldOut
from cifar_core.runs.events import BlockMixing, Epoch
from demo.charts import entropy_chart, mixing_per_class, picture_mixing_chart
from demo.charts.mixing import TAKEN_OVER, mixing_per_level
from demo.charts.mixing_difference import comparable, mixing_difference, reordered
from demo.charts.mixing_flow import flow_of, mixing_flow, parting_title
from demo.charts.mixing_time import (
    ENTROPY_PIXELS,
    LABEL_PIXELS,
    collapse_title,
    describe_warning,
    entropy_over_time,
    label_shifts,
    shares_over_time,
)
from demo.charts.what_if import NAMED, Worth, answer_change_chart, change_title, worth_chart
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


def traces(chart) -> dict[str, dict]:
    """Name -> trace, of a chart that plotly finds nothing wrong with, and a browser can read."""
    chart.figure  # noqa: B018 (plotly checks it)
    json.dumps([chart.data, chart.layout, chart.narrow], allow_nan=False)
    return {trace.get("name", ""): trace for trace in chart.data}


def mix_of(*rows: list[float], block: str = "b1", entropy: float = 0.5) -> BlockMixing:
    mean = np.mean(rows, axis=0).tolist()
    return BlockMixing(block, mean, [list(row) for row in rows], entropy)


def epoch_of(*mixing: BlockMixing, number: int = 1) -> Epoch:
    return dataclasses.replace(epoch_end(number, True, 1.0), mixing=list(mixing))


def network(blocks: int, kernels: int, classes: int) -> Epoch:
    """An epoch of a network of any size, its shares drawn at random."""
    draw = np.random.default_rng(0).dirichlet
    return epoch_of(
        *(mix_of(*draw([1] * kernels, classes).tolist(), block=f"B{n + 1}") for n in range(blocks))
    )


# Class by class


def test_two_kernels_are_one_cell_a_class_and_block():
    epoch = epoch_of(mix_of([0.9, 0.1], [0.5, 0.5]), mix_of([0.3, 0.7], [0.2, 0.8], block="b2"))
    chart = mixing_per_class(epoch, ("cat", "dog"))
    cells = traces(chart)[""]
    assert cells["z"] == [[0.4, -0.2], [0, -0.3]]
    assert cells["customdata"][0] == [["b1", 1, "cat", 90.0], ["b2", 2, "cat", 70.0]], "the one that leads"
    assert cells["text"] == [[90, 30], [50, 20]]
    scale = chart.layout["coloraxis"]
    assert scale["cmin"] == -scale["cmax"], "an even mix lies in the middle"
    assert [scale["colorscale"][end][1] for end in (0, -1)] == [KERNEL_COLORS[1], KERNEL_COLORS[0]]
    table = chart.table()
    assert table["class"] == ("cat",) * 4 + ("dog",) * 4
    assert table["coefficient"][:4] == (0.9, 0.1, 0.3, 0.7)


def test_more_kernels_are_a_small_stacked_bar_a_class_and_block():
    epoch = epoch_of(mix_of([0.2, 0.3, 0.5], [0.1, 0.1, 0.8]), mix_of([1, 0, 0], [0, 1, 0], block="b2"))
    drawn = traces(mixing_per_class(epoch, ("cat", "dog")))
    assert list(drawn) == ["kernel 1", "kernel 2", "kernel 3"]
    assert [bars["marker"]["color"] for bars in drawn.values()] == list(KERNEL_COLORS[:3])
    ends = [np.add(bars["base"], bars["x"]) for bars in drawn.values()]
    for before, bars in zip(ends, list(drawn.values())[1:], strict=False):
        assert bars["base"] == pytest.approx(before, abs=1e-3), "each begins where the one before ends"
    lengths = np.array([bars["x"] for bars in drawn.values()])
    assert lengths.sum(axis=0) == pytest.approx(lengths.sum(axis=0)[0], abs=1e-3)
    assert drawn["kernel 2"]["customdata"][2] == ["b1", 2, "dog", 10.0]


@pytest.mark.parametrize("kernels", [1, 2, 3])
@pytest.mark.parametrize(("blocks", "classes"), [(2, 2), (6, 5), (11, 10), (11, 100)])
def test_networks_of_every_size_fit(blocks, kernels, classes):
    names = [f"class number {n}" for n in range(classes)]
    chart = mixing_per_class(network(blocks, kernels, classes), names)
    traces(chart)
    assert 150 < chart.height < 700
    rows = chart.layout["yaxis"]
    assert rows["range"] == [classes - 0.5, -0.5]
    gap = (chart.height - 80) / classes * (rows["tickvals"][1] - rows["tickvals"][0])
    assert gap > 12, "two names would overprint"
    assert rows["ticktext"][1] == names[rows["tickvals"][1]]
    assert len(chart.table()["class"]) == classes * blocks * kernels


def test_coefficients_that_do_not_sum_to_1_are_shown_as_shares():
    cells = traces(mixing_per_class(epoch_of(mix_of([0.9, 0.3], [0.0, 0.0])), ("cat", "dog")))[""]
    assert cells["z"] == [[0.25], [0.0]]


def test_classes_without_names_are_numbered():
    chart = mixing_per_class(network(2, 3, 10), ())
    assert chart.layout["yaxis"]["ticktext"][:2] == ["class 0", "class 1"]


def test_the_class_title_names_the_widest_difference():
    epoch = epoch_of(mix_of(*[[0.5, 0.2]] * 9, [0.1, 0.3]))
    assert says(mixing_per_class(epoch, NAMES).title, "Kernel 1 of b1", "a", "0.50", "j", "0.10")
    even = epoch_of(mix_of(*[[0.5, 0.5]] * 10))
    assert "every class gets nearly the same mix" in mixing_per_class(even, NAMES).title


def test_a_block_with_one_kernel_left_has_its_own_color():
    chart = entropy_chart([mix_of([0.5, 0.5], entropy=1.0), mix_of([1, 0], block="b2", entropy=0.01)])
    assert says(chart.title, "1 block of 2", "one kernel")
    bars = traces(chart)[""]
    assert bars["x"] == [1.0, 0.01] and len(set(bars["marker"]["color"])) == 2


def test_a_picture_shows_a_bar_a_block():
    chart = picture_mixing_chart({"b1": [0.5, 0.5], "b2": [0.1, 0.2, 0.7]})
    assert [bars["x"] for bars in traces(chart).values()] == [[0.5, 0.1], [0.5, 0.2], [0.0, 0.7]]
    assert chart.layout["yaxis"]["ticktext"] == ["b1", "b2"]
    assert "b2 leans most on one kernel: kernel 3 with 0.70" in chart.title
    loud = picture_mixing_chart({"b1": [0.9, 0.8]})
    assert loud.layout["xaxis"]["range"][1] >= 1.7, "a sigmoid's coefficients need not sum to 1"


@pytest.mark.parametrize("kernels", [2, 3])
def test_the_levels_of_a_change_are_rows_and_the_chosen_one_is_framed(kernels):
    rows = np.random.default_rng(0).dirichlet([1] * kernels, 4).tolist()
    used = [{"b1": row, "b2": rows[0]} for row in rows]
    chart = mixing_per_level(used, ["as it is", "+1", "+2", "+3"], 2)
    traces(chart)
    assert chart.layout["yaxis"]["ticktext"] == ["as it is", "+1", "+2", "+3"]
    (frame,) = chart.layout["shapes"]
    assert (frame["y0"], frame["y1"]) == (1.5, 2.5)
    assert says(chart.title, "of b1 moves most")
    still = mixing_per_level(used[:1] * 2, ["as it is", "+1"], 0)
    assert "hardly move" in still.title


# From block to block


def test_a_stream_is_the_product_of_a_pictures_shares():
    (stream,) = flow_of({"b1": [[0.2, 0.8]], "b2": [[0.5, 0.5]]})
    assert stream == pytest.approx(np.array([[0.1, 0.1], [0.4, 0.4]]))


def test_streams_of_pictures_are_not_those_of_their_means():
    """Of two pictures one takes kernel 1 twice, one kernel 2 twice: nothing crosses."""
    (stream,) = flow_of({"b1": [[1, 0], [0, 1]], "b2": [[1, 0], [0, 1]]})
    assert stream == pytest.approx(np.array([[0.5, 0], [0, 0.5]]))


@pytest.mark.parametrize("kernels", [1, 2, 3])
@pytest.mark.parametrize("blocks", [2, 6, 11])
def test_what_flows_into_a_kernel_flows_on(blocks, kernels):
    epoch = network(blocks, kernels, 10)
    chart = mixing_flow("Cat", {block.block: block.per_class for block in epoch.mixing}, "")
    trace = traces(chart)[""]
    link, node = trace["link"], trace["node"]
    arrives, leaves = np.zeros(blocks * kernels), np.zeros(blocks * kernels)
    np.add.at(arrives, link["target"], link["value"])
    np.add.at(leaves, link["source"], link["value"])
    inner = slice(kernels, -kernels)
    assert arrives[inner] == pytest.approx(leaves[inner], abs=1e-2)
    assert sum(link["value"]) == pytest.approx(blocks - 1, abs=0.02)
    assert all(0 < at < 1 for at in (*node["x"], *node["y"])), "plotly.js ignores a position of 0"
    assert node["color"] == list(KERNEL_COLORS[:kernels]) * blocks
    assert [label["text"] for label in chart.layout["annotations"]] == [b.block for b in epoch.mixing]
    assert len(chart.table()["share"]) == (blocks - 1) * kernels**2


def test_the_titles_of_a_flow_name_the_widest_stream_and_where_two_classes_part():
    cat = {"b1": [[0.9, 0.1]], "b2": [[0.2, 0.8]]}
    ship = {"b1": [[0.8, 0.2]], "b2": [[0.9, 0.1]]}
    assert says(mixing_flow("Cat", cat, "").title, "Cat", "72 %", "kernel 1 of b1", "kernel 2 of b2")
    assert says(parting_title(cat, ship, ("cat", "ship")), "b2", "kernel 2", "80 % of cat", "10 % of ship")


# Over time


def test_a_band_reaches_from_the_lowest_class_to_the_highest():
    shown = epochs(3)
    chart = shares_over_time(shown, 2)
    drawn = traces(chart)
    assert len(drawn) == 2 * KERNELS
    rows = np.array([epoch.mixing[2].per_class for epoch in shown])[:, :, 1]
    band = drawn["kernel 2, classes"]
    assert band["x"] == [1, 2, 3, 3, 2, 1] and band["fill"] == "toself"
    assert band["y"][:3] == pytest.approx(rows.max(axis=1), abs=1e-4)
    assert band["y"][:2:-1] == pytest.approx(rows.min(axis=1), abs=1e-4)
    mean = drawn["kernel 2"]
    assert mean["y"] == pytest.approx([epoch.mixing[2].mean[1] for epoch in shown], abs=1e-4)
    assert mean["line"]["color"] == KERNEL_COLORS[1]
    table = chart.table()
    assert len(table["mean"]) == 3 * KERNELS and table["lowest class"][1] == min(rows[0])


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
    drawn = traces(chart)
    assert list(drawn) == [block.block for block in shown[0].mixing]
    assert drawn["stage3.1"]["y"] == pytest.approx([e.mixing[-1].entropy for e in shown], abs=1e-4)
    (mark,) = chart.layout["shapes"]
    assert mark["y0"] == mark["y1"] == TAKEN_OVER
    margin = chart.layout["margin"]
    assert chart.height - margin["t"] - margin["b"] == ENTROPY_PIXELS, "what the labels' places count on"
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
    assert traces(chart)[""]["z"] == [[0], [-0.4]], "of two kernels one tells both"
    scale = chart.layout["coloraxis"]
    assert scale["cmin"] == -scale["cmax"]
    assert [color for _, color in scale["colorscale"]] == list(DIVERGING_COLORS)
    assert len(DIVERGING_COLORS) % 2 == 1, "zero has a color of its own"
    assert says(chart.title, "dog", "kernel 1 of b1", "0.40 less", "epoch 2")
    alike = mixing_difference(one, one, ("cat", "dog"), ("A", "B"), matched=True)
    assert says(alike.title, "A", "B", "alike") and "no common order" in alike.reading


@pytest.mark.parametrize("classes", [2, 100])
def test_three_kernels_have_a_column_each_and_blocks_a_gap(classes):
    one, other = network(3, 3, classes).mixing, network(3, 3, classes).mixing[::-1]
    chart = mixing_difference(one, other, (), ("A", "B"), matched=False)
    (row, *_), words = traces(chart)[""]["z"], chart.layout["xaxis"]
    assert [value is None for value in row] == [place in (3, 7) for place in range(11)]
    assert row[0] == pytest.approx(other[0].per_class[0][0] - one[0].per_class[0][0], abs=1e-3)
    assert words["tickvals"] == [0, 1, 2, 4, 5, 6, 8, 9, 10] and "B1" in words["ticktext"][1]
    assert chart.narrow["xaxis"]["ticktext"] == ["B1", "B2", "B3"] and chart.height < 700
    assert len(chart.table()["difference"]) == 9 * classes


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
    assert "other classes" in comparable(three, three, same_classes=False)
    assert "other classes" in comparable(two, [mix_of([0.5, 0.5], [0.5, 0.5])])


# What if


def test_the_answer_says_what_it_was_before():
    cat, dog = np.array([0.8, 0.2]), np.array([0.3, 0.7])
    names = ("cat", "dog")
    assert says(change_title(cat, dog, names), "now", "dog", "70 %", "cat", "80 %")
    assert says(change_title(cat, np.array([0.6, 0.4]), names), "still", "cat", "60 %", "80 %")
    assert "As it mixes by itself" in change_title(cat, cat.copy(), names)
    before, after = traces(answer_change_chart(cat, dog, names)).values()
    assert (before["x"], after["x"]) == ([80, 20], [30, 70])


def test_of_many_classes_the_most_probable_are_shown():
    before, after = np.full(100, 0.001), np.full(100, 0.001)
    before[70], after[3] = 0.9, 0.9
    chart = answer_change_chart(before, after, [f"class {n}" for n in range(100)])
    assert {"class 3", "class 70"} <= set(chart.layout["yaxis"]["ticktext"]) and chart.height < 600
    assert says(chart.reading, f"{NAMED}", "100 classes")


def test_worth_is_a_change_in_points_and_the_worst_is_named():
    rows = [Worth("B1", 0, 0.9), Worth("B1", 1, 0.5, "dog"), Worth("B2", 0, 0.95)]
    chart = worth_chart(rows, 0.9, "accuracy", "reading")
    (bars,) = traces(chart).values()
    assert bars["x"] == [0, -40, 5]
    assert bars["marker"]["color"] == [KERNEL_COLORS[0], KERNEL_COLORS[1], KERNEL_COLORS[0]]
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
