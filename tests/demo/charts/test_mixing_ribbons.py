"""The ribbons of the Live page: a chart a block, its kernels' shares stacked, wide and on a phone."""

import dataclasses

import pytest

from cifar_core.runs.events import BlockMixing, Epoch, Step
from cifar_core.runs.history import History
from demo.charts import mixing_ribbons
from demo.charts.mixing_ribbons import MAX_COLUMNS, MAX_MARKS
from tests.support.fake_runs import STEPS_PER_EPOCH, epoch_end, start
from tests.support.texts import says


def block(name: str, *shares: float, entropy: float = 0.9) -> BlockMixing:
    return BlockMixing(name, list(shares), [list(shares)] * 10, entropy)


def epochs_of(*blocks: BlockMixing, count: int = 3) -> list[Epoch]:
    """Epochs with the same mix."""
    return [
        dataclasses.replace(epoch_end(number, True, 1.0), mixing=list(blocks))
        for number in range(1, count + 1)
    ]


def told(epochs: list[Epoch] = (), steps: list[Step] = (), blocks: tuple[str, ...] = ("b1", "b2")) -> History:
    begin = dataclasses.replace(start(10, True), mixing_blocks=list(blocks))
    return History(start=begin, epochs=list(epochs), steps=list(steps))


def step(number: int, *mixing: list[float], temperature: float = 1.0) -> Step:
    return Step(1 + number // STEPS_PER_EPOCH, number, 1.0, 0.5, 0.1, 800.0, list(mixing), temperature)


def ribbons(chart) -> list[dict]:
    chart.figure  # noqa: B018 (plotly checks it)
    return [trace for trace in chart.data if "stackgroup" in trace]


def test_a_ribbon_grows_with_the_steps():
    steps = [
        step(5, [0.5, 0.5], [0.6, 0.4]),
        step(10, [0.4, 0.6], [0.7, 0.3]),
        step(15, [0.3, 0.7], [0.8, 0.2]),
    ]
    drawn = ribbons(mixing_ribbons(told(steps=steps)))
    assert [(one["name"], one["xaxis"], one["y"]) for one in drawn] == [
        ("kernel 1", "x", [0.5, 0.4, 0.3]),
        ("kernel 2", "x", [0.5, 0.6, 0.7]),
        ("kernel 1", "x2", [0.6, 0.7, 0.8]),
        ("kernel 2", "x2", [0.4, 0.3, 0.2]),
    ]
    assert drawn[0]["x"] == [0.1, 0.2, 0.3], "in epochs"
    assert [one["showlegend"] for one in drawn] == [True, True, False, False], "each kernel once"


def test_what_validation_measured_is_marked_on_the_ribbons():
    steps = [step(number, [0.5, 0.3, 0.2], [0.2, 0.2, 0.6]) for number in (25, 50, 75)]
    epochs = epochs_of(block("b1", 0.4, 0.3, 0.3), block("b2", 0.1, 0.2, 0.7), count=1)
    chart = mixing_ribbons(told(epochs, steps))
    marks = [trace for trace in chart.data if trace.get("mode") == "markers"]
    assert [(mark["x"], mark["y"]) for mark in marks] == [([1, 1], [0.4, 0.7]), ([1, 1], [0.1, 0.3])]
    assert "validation" in chart.reading


def test_a_run_of_an_earlier_version_is_drawn_from_its_epochs():
    epochs = epochs_of(block("b1", 0.7, 0.3), block("b2", 0.5, 0.5))
    epochs[1] = dataclasses.replace(epochs[1], mixing=[block("b1", 0.2, 0.8), block("b2", 0.9, 0.1)])
    chart = mixing_ribbons(told(epochs, [step(5)]))
    assert [one["y"] for one in ribbons(chart)] == [
        [0.7, 0.2, 0.7],
        [0.3, 0.8, 0.3],
        [0.5, 0.9, 0.5],
        [0.5, 0.1, 0.5],
    ]
    assert ribbons(chart)[0]["x"] == [1, 2, 3]
    assert not any(trace["x"] for trace in chart.data if trace.get("mode") == "markers"), "nothing to mark"


def test_coefficients_that_do_not_sum_to_1_are_shown_as_shares():
    chart = mixing_ribbons(told(epochs_of(block("b1", 0.9, 0.3), count=2)))
    assert [one["y"][0] for one in ribbons(chart)] == [0.75, 0.25]
    assert chart.table()["coefficient"][:2] == (0.9, 0.3), "the numbers are as they were told"


def test_one_point_is_a_ribbon_too():
    for history in (
        told(epochs_of(block("b1", 0.6, 0.4), count=1)),
        told(steps=[step(50, [0.6, 0.4])], blocks=("b1",)),
    ):
        drawn = ribbons(mixing_ribbons(history))
        assert drawn[0]["x"] == [0, 1] and drawn[0]["y"] == [0.6, 0.6]


def test_the_time_of_a_high_temperature_is_shaded():
    steps = [step(number, [0.5, 0.5], temperature=max(1.0, 4 - number / 10)) for number in (10, 20, 30, 40)]
    chart = mixing_ribbons(told(steps=steps, blocks=("b1",)))
    (shade,) = chart.layout["shapes"]
    assert (shade["x0"], shade["x1"]) == (0, 20 / STEPS_PER_EPOCH)
    assert "temperature" in chart.reading
    assert mixing_ribbons(told(steps=[step(10, [0.5, 0.5])], blocks=("b1",))).layout["shapes"] == []


def test_a_long_run_is_thinned_and_keeps_its_end_and_all_its_numbers():
    steps = [step(number, [0.6, 0.4]) for number in range(1, 2000)]
    epochs = epochs_of(block("b1", 0.6, 0.4), count=250)
    chart = mixing_ribbons(told(epochs, steps))
    assert len(ribbons(chart)[0]["x"]) <= MAX_COLUMNS and ribbons(chart)[0]["x"][-1] == 1999 / STEPS_PER_EPOCH
    marks = next(trace for trace in chart.data if trace.get("mode") == "markers")
    assert len(marks["x"]) <= MAX_MARKS and marks["x"][-1] == 250
    assert len(chart.table()["kernel"]) == 2 * 1999 + 2 * 250


def test_a_block_that_one_kernel_has_taken_over_says_so():
    chart = mixing_ribbons(told(epochs_of(block("b1", 0.6, 0.4), block("b2", 1.0, 0.0, entropy=0.01))))
    assert [name["text"] for name in chart.layout["annotations"]] == ["b1", "b2: one kernel alone"]
    assert says(chart.title, "b2", "one kernel")


def test_before_the_first_epoch_the_title_follows_the_steps():
    even = mixing_ribbons(told(steps=[step(5, [0.51, 0.49], [0.5, 0.5])]))
    assert "evenly" in even.title
    assert says(mixing_ribbons(told(steps=[step(5, [0.5, 0.5], [0.2, 0.8])])).title, "b2", "kernel 2", "0.80")


@pytest.mark.parametrize("count", [1, 2, 4, 6, 7, 11])
def test_no_block_covers_another_on_any_screen(count):
    chart = mixing_ribbons(told(epochs_of(*(block(f"b{number}", 0.5, 0.5) for number in range(count)))))
    for layout in (chart.layout, chart.narrow):
        numbers = [str(place) if place > 1 else "" for place in range(1, count + 1)]
        boxes = [(*layout[f"xaxis{n}"]["domain"], *layout[f"yaxis{n}"]["domain"]) for n in numbers]
        assert len(layout["annotations"]) == count
        for place, (left, right, low, high) in enumerate(boxes):
            assert 0 <= left < right <= 1 and 0 <= low < high <= 1
            assert (high - low) * chart.height >= 20, "there is something to see"
            for other_left, _, _, other_high in boxes[place + 1 :]:
                assert other_left >= right or other_high < low


def test_six_blocks_stand_in_two_rows_of_three_and_on_a_phone_in_three_of_two():
    chart = mixing_ribbons(told(epochs_of(*(block(f"b{number}", 0.5, 0.5) for number in range(6)))))
    for layout, columns in ((chart.layout, 3), (chart.narrow, 2)):
        places = {layout[axis]["domain"][0] for axis in layout if axis.startswith("xaxis")}
        assert len(places) == columns


def test_the_title_names_the_block_that_leans_most():
    even, alone = block("b1", 0.5, 0.5, entropy=1.0), block("b2", 1.0, 0.0, entropy=0.01)
    assert says(mixing_ribbons(told(epochs_of(even, alone))).title, "b2", "one kernel")
    leaning = block("b3", 0.8, 0.2, entropy=0.7)  # more on average than b4, which varies
    sharp = block("b4", 0.6, 0.4, entropy=0.3)
    assert says(mixing_ribbons(told(epochs_of(sharp, leaning))).title, "b3", "kernel 1", "0.80")
    assert "almost evenly" in mixing_ribbons(told(epochs_of(even))).title
