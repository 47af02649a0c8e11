"""Results are kept by recipe and seed, survive a round trip, and read as one table."""

import dataclasses

import pytest

from cifar_core.runs.results import (
    HEADINGS,
    Result,
    cells,
    in_order,
    keep_result,
    read_results,
    repeats_table,
    results_table,
)
from cifar_core.runs.store import StoreError

RESULT = Result(
    recipe="s2-vgg",
    run_id="s2-vgg-20260102-030405-abcd",
    seed=0,
    epochs=20,
    accuracy=0.9123,
    n=10_000,
    stated=0.9016,
    stated_epochs=100,
    seconds=130.0,
    device="a CPU, 2 threads",
    precision="fp32",
    model="vgg",
    parameters=1_110_826,
    macs=87_900_000,
    tta=2,
)


def test_what_was_kept_is_read_again(tmp_path):
    path = tmp_path / "new" / "results.json"
    assert read_results(path) == []
    other = dataclasses.replace(RESULT, seed=1, stated=None, stated_epochs=None)
    keep_result(path, RESULT)
    keep_result(path, other)
    assert read_results(path) == [RESULT, other]


def test_a_newer_result_of_the_same_recipe_and_seed_takes_the_place(tmp_path):
    path = tmp_path / "results.json"
    newer = dataclasses.replace(RESULT, accuracy=0.92, run_id="another")
    for result in (RESULT, dataclasses.replace(RESULT, recipe="s4-scale"), newer):
        keep_result(path, result)
    assert [(one.recipe, one.accuracy) for one in read_results(path)] == [
        ("s4-scale", 0.9123),
        ("s2-vgg", 0.92),
    ]


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"results": [{}]}', '{"results": [{"recipe": 3}]}', '{"results": 3}']
)
def test_a_damaged_file_is_said_to_be(tmp_path, text):
    path = tmp_path / "results.json"
    path.write_text(text)
    with pytest.raises(StoreError, match=r"results\.json"):
        read_results(path)


def test_the_difference_is_own_minus_stated():
    assert RESULT.difference == pytest.approx(0.0107)
    assert dataclasses.replace(RESULT, stated=None).difference is None


def test_order_is_that_of_the_recipes_then_of_the_seeds():
    rows = [
        dataclasses.replace(RESULT, recipe=name, seed=seed)
        for name, seed in (("gone", 0), ("b", 1), ("a", 0), ("b", 0))
    ]
    assert [(row.recipe, row.seed) for row in in_order(rows, ["b", "a"])] == [
        ("b", 0),
        ("b", 1),
        ("a", 0),
        ("gone", 0),
    ]


def test_a_row_says_all_of_it():
    words = dict(zip(HEADINGS, cells(RESULT), strict=True))
    assert words["stated"] == "90.16 %" and words["own"] == "91.23 %" and words["difference"] == "+1.07"
    assert words["epochs (stated)"] == "20 (100)" and words["time"] == "2 min 10 s"
    assert words["parameters"] == "1,110,826" and words["MMAC"] == "87.9" and words["run"] == RESULT.run_id
    unstated = dict(
        zip(HEADINGS, cells(dataclasses.replace(RESULT, stated=None, stated_epochs=None)), strict=True)
    )
    assert (unstated["stated"], unstated["difference"], unstated["epochs (stated)"]) == ("–", "–", "20")


def test_the_table_is_markdown_with_aligned_columns():
    lines = results_table([RESULT, dataclasses.replace(RESULT, recipe="a-longer-name")]).splitlines()
    assert len(lines) == 4 and len({len(line) for line in lines}) == 1
    assert all(line.count("|") == len(HEADINGS) + 1 for line in lines)
    assert set(lines[1]) == set("|- ")


def test_runs_of_one_recipe_are_averaged_with_their_spread():
    runs = [dataclasses.replace(RESULT, accuracy=accuracy, seed=n) for n, accuracy in enumerate((0.90, 0.92))]
    alone = dataclasses.replace(RESULT, recipe="alone", accuracy=0.8)
    _, _, several, one = repeats_table([*runs, alone]).splitlines()
    assert "91.00 ± 1.41 %" in several and "0, 1" in several and "| 2 " in several
    assert "80.00 %" in one and "±" not in one
