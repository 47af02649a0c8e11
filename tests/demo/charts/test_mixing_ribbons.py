"""The ribbons of the Live page: a chart a block, its kernels' shares stacked, wide and on a phone."""

import dataclasses

import pytest

from cifar_core.runs.events import BlockMixing
from demo.charts import mixing_ribbons
from demo.charts.mixing_ribbons import KEY_HEIGHT, MAX_COLUMNS, NAME_HEIGHT
from tests.support.fake_runs import epoch_end
from tests.support.texts import says


def block(name: str, *shares: float, entropy: float = 0.9) -> BlockMixing:
    return BlockMixing(name, list(shares), [list(shares)] * 10, entropy)


def epochs_of(*blocks: BlockMixing, count: int = 3) -> list:
    one = dataclasses.replace(epoch_end(1, True, 1.0), mixing=list(blocks))
    return [dataclasses.replace(one, epoch=number) for number in range(1, count + 1)]


def test_a_ribbon_is_a_kernel_of_a_block_over_the_epochs():
    epochs = epochs_of(block("b1", 0.7, 0.3), block("b2", 0.5, 0.5))
    epochs[1] = dataclasses.replace(epochs[1], mixing=[block("b1", 0.2, 0.8), block("b2", 0.9, 0.1)])
    option = mixing_ribbons(epochs).option
    drawn = [(series["name"], series["xAxisIndex"], series["data"]) for series in option["series"]]
    assert drawn == [
        ("kernel 1", 0, [0.7, 0.2, 0.7]),
        ("kernel 2", 0, [0.3, 0.8, 0.3]),
        ("kernel 1", 1, [0.5, 0.9, 0.5]),
        ("kernel 2", 1, [0.5, 0.1, 0.5]),
    ]
    assert len({series["stack"] for series in option["series"]}) == 2
    assert option["legend"]["data"] == ["kernel 1", "kernel 2"]
    assert [title["text"] for title in option["title"]] == ["b1", "b2"]


def test_coefficients_that_do_not_sum_to_1_are_shown_as_shares():
    series = mixing_ribbons(epochs_of(block("b1", 0.9, 0.3))).option["series"]
    assert [one["data"][0] for one in series] == [0.75, 0.25]


def test_one_epoch_is_a_ribbon_too():
    option = mixing_ribbons(epochs_of(block("b1", 0.6, 0.4), count=1)).option
    assert option["xAxis"][0]["data"] == ["", "1"]
    assert option["series"][0]["data"] == [0.6, 0.6]


def test_a_long_run_keeps_its_last_epoch():
    epochs = epochs_of(block("b1", 0.6, 0.4), count=250)
    numbers = mixing_ribbons(epochs).option["xAxis"][0]["data"]
    assert len(numbers) <= MAX_COLUMNS and numbers[-1] == "250"


def test_a_block_that_one_kernel_has_taken_over_says_so():
    chart = mixing_ribbons(epochs_of(block("b1", 0.6, 0.4), block("b2", 1.0, 0.0, entropy=0.01)))
    assert [title["text"] for title in chart.option["title"]] == ["b1", "b2: one kernel alone"]
    assert says(chart.title, "b2", "one kernel")


@pytest.mark.parametrize("count", [1, 2, 4, 6, 7, 11])
def test_no_block_covers_another_on_any_screen(count):
    chart = mixing_ribbons(epochs_of(*(block(f"b{number}", 0.5, 0.5) for number in range(count))))
    for option in (chart.option, chart.option["media"][0]["option"]):
        boxes = [
            (float(grid["left"][:-1]), grid["top"] - NAME_HEIGHT, float(grid["width"][:-1]), grid["height"])
            for grid in option["grid"]
        ]
        assert len(boxes) == len(option["title"]) == count
        for place, (left, top, width, height) in enumerate(boxes):
            assert top >= KEY_HEIGHT and left + width <= 100
            assert top + NAME_HEIGHT + height < chart.height and height >= 30
            for other_left, other_top, *_ in boxes[place + 1 :]:
                assert other_left >= left + width or other_top >= top + NAME_HEIGHT + height


def test_six_blocks_stand_in_two_rows_of_three_and_on_a_phone_in_three_of_two():
    option = mixing_ribbons(epochs_of(*(block(f"b{number}", 0.5, 0.5) for number in range(6)))).option
    for frames, columns in ((option, 3), (option["media"][0]["option"], 2)):
        assert len({grid["left"] for grid in frames["grid"]}) == columns
