"""The generated parts of checkpoints/README.md: the text around them stays, a row repeats its card."""

import dataclasses
import json
from pathlib import Path

import pytest

from cifar_core.checkpoint import load_card, write_card
from cifar_core.hub.overview import (
    DELETION,
    HEADINGS,
    fill_in,
    heat_maps_table,
    load_cards,
    networks_table,
    notes_list,
)
from tests.support.toy_checkpoints import save_toy

PAGE = (
    "before\n<!-- generated: a -->\nold\n<!-- end -->\nbetween\n<!-- generated: b -->\n<!-- end -->\nafter\n"
)


def test_parts_are_replaced_and_the_text_around_them_stays():
    once = fill_in(PAGE, {"a": r"new \1", "b": "more"})
    assert once.split("\n")[2] == r"new \1" and "old" not in once
    assert [line for line in PAGE.splitlines() if line != "old"] == [
        line for line in once.splitlines() if line not in (r"new \1", "more")
    ]
    assert fill_in(once, {"a": r"new \1", "b": "more"}) == once


def test_a_part_that_nobody_writes_is_an_error():
    with pytest.raises(KeyError):
        fill_in(PAGE, {"a": "new"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two measured checkpoints, the less accurate one with a note, and one that was measured on nothing."""
    for name, accuracy in (("low.v1", 0.5), ("high.v1", 0.75), ("none.v1", None)):
        save_toy(tmp_path / name)
        card = dataclasses.replace(load_card(tmp_path / name), metrics={}, notes=[])
        if accuracy is not None:
            card = card.with_metrics("test", accuracy, 1.0, 2_000)
        if name == "low.v1":
            card = dataclasses.replace(card, notes=["It was stopped.", "It went on."])
        write_card(tmp_path / name, card)
    return tmp_path


def test_rows_go_from_the_most_accurate_down(folder: Path):
    lines = networks_table(load_cards(folder), {"low.v1": 48_000}).splitlines()
    rows = [
        dict(zip(HEADINGS, (cell.strip() for cell in line.split("|")[1:-1]), strict=True))
        for line in lines[2:]
    ]
    assert [row["checkpoint"] for row in rows] == ["`high.v1`", "`low.v1`", "`none.v1`"]
    assert [row["test accuracy"] for row in rows[:2]] == ["75.00 %", "50.00 %"]
    assert [row["training images"] for row in rows] == ["–", "48,000", "–"]
    assert rows[0]["test images"] == "2,000"


def test_only_cards_with_notes_are_listed(folder: Path):
    (line,) = notes_list(load_cards(folder)).splitlines()
    assert "low.v1" in line and "It was stopped. It went on." in line


def test_weights_of_an_earlier_epoch_are_said_to_be(folder: Path):
    cards = load_cards(folder)
    early = dataclasses.replace(cards["low.v1"], epoch=6, config={**cards["low.v1"].config, "epochs": 10})
    assert "6 of 10" in networks_table({"low.v1": early}, {})


def test_heat_maps_have_a_row_where_they_were_measured(folder: Path):
    fall = {"value": 0.4321, "error": 0.012, "n": 1000}
    document = {"images": "test-1000-0123", "n": 1000, "probability": 0.8, "falls": {"heat map": fall}}
    (folder / "low.v1" / DELETION).write_text(json.dumps(document))
    heading, _, row = heat_maps_table(folder, load_cards(folder)).splitlines()
    assert "heat map" in heading
    assert all(words in row for words in ("`low.v1`", "1,000 test", "80.0 %", "−43.2 ± 1.2"))
