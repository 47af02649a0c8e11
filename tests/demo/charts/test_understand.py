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


def valid(chart):
    """The chart, once plotly and JSON have taken it."""
    assert chart.figure.layout.title.text == chart.title
    json.dumps([chart.data, chart.layout, chart.narrow], allow_nan=False)
    return chart


def test_the_matrix_colors_mistakes_alone_and_leaves_the_rest_blank():
    chart = valid(confusion_chart(COUNTS, NAMES))
    right, cells, plain, strong = chart.data
    assert cells["z"] == [[None, 30.0, 10.0], [20.0, None, None], [None, None, None]]
    assert [[z is not None for z in row] for row in right["z"]] == np.eye(3, dtype=bool).tolist()
    assert cells["customdata"][0][1] == [0, 1, 3, 30.0] and cells["customdata"][1][0][:2] == [1, 0]
    assert sorted(plain["text"] + strong["text"]) == sorted(str(count) for count in COUNTS.ravel() if count)
    assert strong["text"] == ["3", "2"], "what is written on a strong color"
    assert chart.layout["yaxis"]["autorange"] == "reversed", "the first class stands at the top"
    assert list(chart.table()["pictures"]) == COUNTS.ravel().tolist()


def test_the_chosen_cell_has_a_frame():
    (frame,) = valid(confusion_chart(COUNTS, NAMES, (0, 2))).layout["shapes"]
    assert (frame["x0"], frame["x1"], frame["y0"], frame["y1"]) == (1.5, 2.5, -0.5, 0.5)


@pytest.mark.parametrize("classes", [2, 5, 10, 100])
def test_matrix_and_bars_fit_any_number_of_classes(classes):
    names = [f"class {number}" for number in range(classes)]
    counts = np.full((classes, classes), 2) + np.diag(np.full(classes, 90))
    for chart in (valid(confusion_chart(counts, names)), valid(per_class_chart(counts, names))):
        assert chart.height <= 720
        written = chart.layout["yaxis"]["ticktext"]
        assert len(written) <= 25 and (classes > 25 or written == names)
    colors = set(chart.data[0]["marker"]["color"])
    assert len(chart.data[0]["y"]) == classes and len(colors) == (classes if classes <= 10 else 1)


def test_the_commonest_mistakes_come_first():
    assert confused_pairs(COUNTS) == [(0, 1, 3), (1, 0, 2), (0, 2, 1)]
    assert says(confusion_chart(COUNTS, NAMES).title, "cat", "dog", "3 of 10")
    tied = np.array([[6, 3, 1], [3, 7, 0], [0, 0, 10]])
    assert says(confusion_chart(tied, NAMES).title, "3 pictures each", "cat for dog", "dog for cat")
    perfect = np.diag([3, 4, 5])
    assert confused_pairs(perfect) == []
    assert says(valid(confusion_chart(perfect, NAMES)).title, "All 12")


def test_classes_have_their_color_and_the_hardest_is_named():
    chart = valid(per_class_chart(10 * COUNTS, NAMES))
    (bars,) = chart.data
    assert bars["x"] == [60, 80, 100] and bars["y"] == list(NAMES)
    assert bars["marker"]["color"] == list(CLASS_COLORS[:3])
    assert says(chart.title, "cat", "60.00 %", "frog", "100.00 %")
    assert "100 pictures here" in chart.reading
    empty = valid(per_class_chart(np.array([[1, 0], [0, 0]]), NAMES[:2]))
    assert empty.data[0]["y"] == ["cat"] and empty.layout["yaxis"]["categoryarray"] == ["cat", "dog"]


def test_on_few_pictures_no_class_is_called_the_hardest():
    few = np.array([[8, 1, 1], [0, 9, 1], [0, 1, 9]])
    assert "hardest" not in per_class_chart(few, NAMES).title
    assert "hardest" in per_class_chart(100 * few, NAMES).title


# Calibration


def test_points_of_the_calibration_are_the_bins_that_hold_pictures():
    probs = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.05, 0.95]])
    plain = reliability(probs, np.array([0, 1, 0, 1]))
    chart = valid(calibration_chart(plain, plain, 1.5))
    ideal, as_is, mended = chart.data
    assert (as_is["x"], as_is["y"], as_is["customdata"]) == ([60, 90, 95], [100, 50, 100], [1, 2, 1])
    sizes = as_is["marker"]["size"]
    assert sizes[1] > sizes[0]
    assert mended["line"]["width"] > as_is["line"]["width"]
    assert (ideal["x"], ideal["y"]) == ([0, 100], [0, 100]) and "1.50" in chart.reading
    assert list(chart.table()["pictures"]) == [1, 2, 1] * 2


def sure_of(probability, pictures=4000):
    """Three in four are right."""
    return reliability(np.tile([probability, 1 - probability], (pictures, 1)), np.arange(pictures) % 4 // 3)


@pytest.mark.parametrize(
    ("probability", "pictures", "start"),
    [
        (0.99, 4000, "Too sure"),
        (0.6, 4000, "Not sure enough"),
        (0.75, 4000, "Well calibrated"),
        (0.80, 100, "Well calibrated"),  # within what chance gives on so few
        (0.80, 4000, "Too sure"),
    ],
)
def test_the_calibration_is_said_in_words(probability, pictures, start):
    result = sure_of(probability, pictures)
    assert calibration_chart(result, result, 1.0).title.startswith(start)


def test_the_calibration_at_the_slider_is_what_the_title_says():
    chart = valid(calibration_chart(sure_of(0.99), sure_of(0.75), 1.8))
    assert says(chart.title, "1.80", "75.00 %", "75.00 %", "99.00 %")


# Robustness


def test_each_kind_has_a_line_from_the_clean_accuracy_on():
    chart = valid(robustness_chart(whole()))
    lines = {line["name"]: line for line in chart.data}
    assert list(lines) == list(CORRUPTIONS)
    assert lines["blur"]["x"] == [0, 1, 2, 3, 4, 5]
    assert lines["blur"]["y"] == pytest.approx([90, 80, 70, 60, 50, 31])
    looks = [(line["line"]["color"], line["line"]["dash"]) for line in lines.values()]
    assert (
        len(set(looks)) == len(CORRUPTIONS) and kind_style("blur")["color"] == lines["blur"]["line"]["color"]
    )
    assert says(chart.title, "Noise hurts most", "90.00 %", "30.00 %", "strength 5", "pixelation hurts least")


def test_a_further_kind_of_damage_has_a_line_of_its_own_look(monkeypatch):
    for name in ("rain", "snow"):
        monkeypatch.setitem(CORRUPTIONS, name, CORRUPTIONS["noise"])
    lines = robustness_chart(whole()).data
    looks = [(line["line"]["color"], line["line"]["dash"]) for line in lines]
    assert [line["name"] for line in lines][-2:] == ["rain", "snow"] and len(set(looks)) == 10


def test_a_part_of_a_measurement_is_shown_as_such():
    part = Robustness("k", 100, "w", 0.9, {"noise": [0.5]})
    chart = valid(robustness_chart(part))
    assert "grow as they are measured" in chart.title
    assert [len(line["x"]) for line in chart.data][:2] == [2, 1]


def test_networks_have_their_color_and_the_best_is_named():
    runs = [MeasuredRun("old", 0, whole(0.3)), MeasuredRun("new", 2, whole(0.5))]
    chart = valid(compared_chart(runs, MEAN))
    assert [line["line"]["color"] for line in chart.data] == [RUN_COLORS[0], RUN_COLORS[2]]
    assert chart.data[0]["y"][-1] == 33.5
    assert says(chart.title, "strength 5", "new", "53.50 %", "100 validation pictures", "above old")
    assert says(compared_chart(runs, "noise").title, "noise", "new", "50.00 %")


def test_networks_that_chance_may_part_are_not_ranked():
    runs = [MeasuredRun("old", 0, whole(0.3)), MeasuredRun("new", 2, whole(0.32))]
    assert says(compared_chart(runs, MEAN).title, "new and old", "too close")


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
