"""A report says the same as JSON and as a table, in words that fit a terminal."""

import json

from cifar_core.bench.report import WIDTH, Report, Row, Section, number, table
from cifar_core.estimate.timing import Statistic

SETTING = {
    "device": "A processor with quite a long name, 2 threads",
    "precision": "fp32",
    "threads": 2,
    "processors": 4,
    "load": 0.1,
    "beside": ["mixing_lite-20261123-101010-abcd"],
    "versions": {"python": "3.11.7", "torch": "2.14.1+cpu", "numpy": "2.4.6", "torchvision": "0.29.1"},
}


def report() -> Report:
    figure, gain = Statistic(1234.5, 1200.0, 1300.0, 5), Statistic(1.5, 1.25, 2.0, 5)
    rows = [Row("as shipped", {"images": figure, "gain": gain}, "a note"), Row("plain", {"images": figure})]
    section = Section("A step", {"images": "images a second", "gain": "times plain"}, rows)
    return Report("train", SETTING, [section], "It is quick.", ["ONNX Runtime: not installed"])


def test_the_text_fits_a_terminal_and_ends_with_its_conclusion():
    text = report().to_text()
    assert max(map(len, text.splitlines())) <= WIDTH
    assert text.splitlines()[-1] == "It is quick."
    for words in ("torchvision 0.29.1", "2 of 4 processors", "n = 5", "1,234", "1.50 [1.25, 2.00]", "–"):
        assert words in text
    assert "left out: ONNX Runtime: not installed" in text
    assert "A training runs beside it" in text


def test_columns_move_together_where_they_would_not_fit():
    figures = {name: Statistic(0.0867, 0.08, 0.09, 5) for name in ("plain", "loop", "winograd", "grouped")}
    figures |= {f"form {number}": Statistic(12345.6, 12000.0, 13000.0, 5) for number in range(4)}
    row = Row("128 → 256 at 32×32, K = 6", figures, "chosen: winograd")
    lines = table(Section("Layers", {name: name for name in figures}, [row], spread=False)).splitlines()
    assert WIDTH - 8 < max(map(len, lines)) <= WIDTH


def test_the_json_holds_every_figure():
    document = json.loads(json.dumps(report().to_json(), allow_nan=False))
    row = document["sections"][0]["rows"][0]
    assert row["figures"]["gain"] == {"median": 1.5, "low": 1.25, "high": 2.0, "n": 5}
    assert document["setting"] == SETTING


def test_numbers_have_three_digits():
    assert [number(value) for value in (0.12345, 1.0, 12.34, 99.9, 99.99, 12345.6)] == [
        *("0.123", "1.00", "12.3", "99.9", "100", "12,346")
    ]
