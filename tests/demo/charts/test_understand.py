"""Charts and pictures of the page Understand show the data that they are given, and say what is seen."""

import json

import numpy as np
import pytest

from cifar_core.explain.corruptions import CORRUPTIONS
from cifar_core.explain.robustness import Robustness
from cifar_core.metrics.calibration import reliability
from demo.charts.calibration import calibration_chart
from demo.charts.confusion import confused_pairs, confusion_chart, per_class_chart
from demo.charts.robustness import MEAN, MeasuredRun, compared_chart, kind_style, robustness_chart
from demo.dashboard_pages.understand.layer_pictures import (
    CELL,
    filter_reading,
    filter_sheet,
    filter_title,
    map_sheet,
    map_title,
    strongest,
)
from demo.dashboard_pages.understand.mistakes import Shown, gallery
from demo.shared.palette import CIVIDIS, CLASS_COLORS, RUN_COLORS
from demo.shared.pictures import between, enlarged, heated, signed, strengths
from tests.support.texts import says

NAMES = ("cat", "dog", "frog")
COUNTS = np.array([[6, 3, 1], [2, 8, 0], [0, 0, 10]])


def whole(last: float = 0.3, clean: float = 0.9) -> Robustness:
    rows = {kind: [0.8, 0.7, 0.6, 0.5, last + 0.01 * place] for place, kind in enumerate(CORRUPTIONS)}
    return Robustness("val-100-x", 100, "w", clean, rows)


# Confusion


def test_the_matrix_has_a_cell_for_each_pair_in_order_and_colors_mistakes_alone():
    cells = confusion_chart(COUNTS, NAMES).option["series"][0]["data"]
    assert [cell["label"]["formatter"] for cell in cells] == [str(count) for count in COUNTS.ravel()]
    assert [(cell["value"][1], cell["value"][0]) for cell in cells] == [divmod(i, 3) for i in range(9)]
    assert len({cell["name"] for cell in cells}) == 9, "what has no name of its own is chosen with others"
    assert [cell.get("visualMap") is False for cell in cells] == [i % 4 == 0 for i in range(9)]
    assert cells[1]["value"][2:] == [30.0, "cat, said dog, 30.0 % of the class: 3"]
    assert not cells[5]["label"]["show"]


def test_the_commonest_mistakes_come_first():
    assert confused_pairs(COUNTS) == [(0, 1, 3), (1, 0, 2), (0, 2, 1)]
    assert says(confusion_chart(COUNTS, NAMES).title, "cat", "dog", "3 of 10")
    perfect = np.diag([3, 4, 5])
    assert confused_pairs(perfect) == []
    assert says(confusion_chart(perfect, NAMES).title, "All 12")


def test_classes_have_their_color_and_the_hardest_is_named():
    chart = per_class_chart(COUNTS, NAMES)
    bars = chart.option["series"][0]["data"]
    assert [bar["value"] for bar in bars] == [60, 80, 100]
    assert [bar["itemStyle"]["color"] for bar in bars] == list(CLASS_COLORS[:3])
    assert says(chart.title, "cat", "60.00 %", "frog", "100.00 %")
    assert "10 pictures here" in chart.reading
    empty = per_class_chart(np.array([[1, 0], [0, 0]]), NAMES[:2])
    assert empty.option["series"][0]["data"][1]["value"] is None


# Calibration


def test_points_of_the_calibration_are_the_bins_that_hold_pictures():
    probs = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.05, 0.95]])
    plain = reliability(probs, np.array([0, 1, 0, 1]))
    chart = calibration_chart(plain, plain, 1.5)
    ideal, as_is, mended = chart.option["series"]
    assert [point["value"][:2] for point in as_is["data"]] == [[60, 100], [90, 50], [95, 100]]
    assert as_is["data"][1]["symbolSize"] > as_is["data"][0]["symbolSize"]
    assert mended["lineStyle"]["width"] > as_is["lineStyle"]["width"]
    assert ideal["data"] == [[0, 0], [100, 100]] and "1.50" in chart.reading


@pytest.mark.parametrize(
    ("probability", "start"),
    [(0.99, "Too sure: on"), (0.6, "Too modest: on"), (0.75, "As sure as it is right: on")],
)
def test_the_calibration_is_said_in_words(probability, start):
    result = reliability(np.tile([probability, 1 - probability], (4, 1)), np.array([0, 0, 0, 1]))
    assert calibration_chart(result, result, 1.0).title.startswith(start)


def test_the_calibration_at_the_slider_is_what_the_title_says():
    plain, mended = (
        reliability(np.tile([probability, 1 - probability], (4, 1)), np.array([0, 0, 0, 1]))
        for probability in (0.99, 0.75)
    )
    assert says(calibration_chart(plain, mended, 1.8).title, "1.80", "75.00 %", "75.00 %", "99.00 %")


# Robustness


def test_each_kind_has_a_line_from_the_clean_accuracy_on():
    chart = robustness_chart(whole())
    lines = {line["name"]: line for line in chart.option["series"]}
    assert list(lines) == list(CORRUPTIONS)
    assert lines["blur"]["data"] == [[0, 90], [1, 80], [2, 70], [3, 60], [4, 50], [5, 31]]
    looks = [(line["lineStyle"]["color"], line["lineStyle"]["type"]) for line in lines.values()]
    assert len(set(looks)) == len(CORRUPTIONS) and kind_style("blur") == lines["blur"]["lineStyle"]
    assert chart.title.startswith(
        "Noise hurts most: 90.00 % become 30.00 % at strength 5; pixelation hurts least"
    )


def test_a_further_kind_of_damage_has_a_line_of_its_own_look(monkeypatch):
    for name in ("rain", "snow"):
        monkeypatch.setitem(CORRUPTIONS, name, CORRUPTIONS["noise"])
    lines = robustness_chart(whole()).option["series"]
    looks = [(line["lineStyle"]["color"], line["lineStyle"]["type"]) for line in lines]
    assert [line["name"] for line in lines][-2:] == ["rain", "snow"] and len(set(looks)) == 10


def test_a_part_of_a_measurement_is_shown_as_such():
    part = Robustness("k", 100, "w", 0.9, {"noise": [0.5]})
    chart = robustness_chart(part)
    assert "grow as they are measured" in chart.title
    assert [len(line["data"]) for line in chart.option["series"]][:2] == [2, 1]


def test_networks_have_their_color_and_the_best_is_named():
    runs = [MeasuredRun("old", 0, whole(0.3)), MeasuredRun("new", 2, whole(0.4))]
    chart = compared_chart(runs, MEAN)
    assert [line["itemStyle"]["color"] for line in chart.option["series"]] == [RUN_COLORS[0], RUN_COLORS[2]]
    assert chart.option["series"][0]["data"][-1] == [5, 33.5]
    assert "new" in chart.title and "43.50 %" in chart.title and "old" not in chart.title
    assert says(compared_chart(runs, "noise").title, "new", "noise", "40.00 %", "strength 5")


def test_options_are_plain_json():
    probs = np.array([[0.9, 0.1]])
    result = reliability(probs, np.array([0]))
    charts = [
        confusion_chart(COUNTS, NAMES),
        per_class_chart(COUNTS, NAMES),
        calibration_chart(result, result, 1.0),
        robustness_chart(whole()),
        compared_chart([MeasuredRun("a", 0, whole())], MEAN),
    ]
    for chart in charts:
        json.dumps(chart.option, allow_nan=False)


# Pictures


def test_colors_hit_their_stops():
    ends = strengths(np.array([0.0, 1.0]))
    assert ["#" + bytes(color).hex() for color in ends] == [CIVIDIS[0], CIVIDIS[-1]]
    blue, white, red = signed(np.array([-2.0, 0.0, 2.0]), 2.0)
    assert blue[2] > blue[0] and red[0] > red[2] and white.tolist() == [247, 247, 247]
    assert (signed(np.zeros(3), 0.0) == 247).all()
    assert between(np.array([0.5]), ("#000000", "#ffffff")).tolist() == [[128, 128, 128]]


def test_a_heat_map_lights_up_where_it_is_high():
    heat = np.zeros((32, 32))
    heat[3, 4] = 1
    seen = heated(np.full((32, 32, 3), 100, np.uint8), heat).astype(int).sum(axis=2)
    assert (
        np.unravel_index(seen.argmax(), seen.shape) == (3, 4)
        and (np.delete(seen.ravel(), 100) < seen[3, 4]).all()
    )


def test_enlarging_keeps_every_pixel():
    picture = np.random.default_rng(0).integers(0, 255, (3, 3, 3), dtype=np.uint8)
    large = enlarged(picture, 32)
    assert large.shape == (33, 33, 3) and np.array_equal(large[::11, ::11], picture)


def test_maps_come_strongest_first_and_silence_is_counted():
    maps = np.stack([np.full((4, 4), value) for value in (0.01, 5.0, -7.0)]).astype(np.float32)
    assert strongest(maps, 2).tolist() == [2, 1]
    assert says(map_title(maps), "3 channels", "4 × 4", "1 of them")
    assert "all of them answer" in map_title(maps[1:])
    assert "1 of them nearly silent" in map_title(np.zeros((1, 2, 2)))
    assert map_sheet(maps).shape == (CELL, 3 * CELL + 2 * 2, 3)


def test_filters_that_see_colors_are_little_pictures():
    red = np.zeros((1, 3, 2, 2), np.float32)
    red[0, 0] = 1
    assert filter_sheet(red)[0, 0].tolist() == [255, 128, 128]
    assert "1 of 1 filters, each as the little picture" in filter_reading(red)


def test_other_filters_are_rows_of_channels():
    weight = np.zeros((20, 30, 3, 3), np.float32)
    weight[4, 7] = -1
    sheet = filter_sheet(weight)
    assert sheet[0, 0].tolist() == [5, 48, 97], (
        "the strongest filter's strongest channel stands first, in blue"
    )
    assert sheet.shape == (8 * 33 + 7 * 2, 12 * 33 + 11 * 2, 3)
    assert "8 of 20 filters" in filter_reading(weight) and "12 of 30 channels" in filter_reading(weight)


def test_the_likeness_of_kernels_is_said():
    one = np.random.default_rng(0).normal(size=(4, 3, 3, 3))
    assert says(filter_title(one[None]), "4 filters", "3 × 3", "3 channels")
    assert filter_title(np.stack([one, 2 * one])).startswith("The two kernels have a cosine of 1.00")
    three = np.stack([one, -one, 0.5 * one])
    assert filter_title(three).startswith("Of 3 kernels, 1 and 3 are most alike: they have a cosine of 1.00")


def test_the_gallery_says_what_was_said_and_brings_no_markup():
    picture = np.zeros((3, 32, 32), np.uint8)
    shown = [
        Shown(3, picture, "cat", "<b>dog", 0.984, 4.2, np.zeros((32, 32))),
        Shown(4, picture, "cat", "cat", 0.6, 0.5),
    ]
    text = gallery(shown)
    assert "cat, taken for &lt;b&gt;dog" in text and "<b>" not in text
    assert "98 % sure, loss 4.20" in text and "cat, right" in text
    assert text.count("<img") == 3 and 'alt="Picture 3, cat"' in text and "where the network looked" in text
