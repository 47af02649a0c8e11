"""The parts that charts share: their numbers as a table, JSON that a browser reads, marks and axes."""

import json

import pytest

from demo.charts.figure import (
    Chart,
    category_axis,
    layout,
    line,
    table_of,
    to_json,
    value_axis,
    vertical_mark,
    with_short_names,
)


def chart(*traces, **axes) -> Chart:
    shape = layout(axes.get("x", value_axis("epoch")), axes.get("y", value_axis("accuracy (%)")))
    return Chart("A title", list(traces), shape, "How to read it.")


def test_a_chart_is_a_plotly_figure_with_its_title():
    drawn = chart(line("a", [1, 2], [3.0, 4.0], "#0072B2"))
    figure = drawn.figure
    assert figure.layout.title.text == "A title" and figure.data[0].y == (3.0, 4.0)


def test_what_plotly_does_not_know_is_refused():
    wrong = chart({"type": "scatter", "colour": "red"})
    with pytest.raises(ValueError, match="colour"):
        wrong.figure  # noqa: B018


def test_the_table_of_lines_has_a_row_a_point_under_the_axes_titles():
    drawn = chart(line("a", [1, 2], [3.0, 4.0], "#0072B2"), line("b", [1], [5.0], "#000000"))
    assert drawn.table() == {"line": ["a", "a", "b"], "epoch": [1, 2, 1], "accuracy (%)": [3.0, 4.0, 5.0]}


def test_the_table_of_a_heat_map_has_the_names_of_rows_and_columns():
    axes = {"x": category_axis(["cat", "dog"]), "y": category_axis(["B1"])}
    axes["x"]["title"], axes["y"]["title"] = {"text": "class"}, {"text": "block"}
    cells = {"type": "heatmap", "x": [0, 1], "y": [0], "z": [[0.25, 0.75]]}
    assert table_of([cells], layout(axes["x"], axes["y"])) == {
        "class": ["cat", "dog"],
        "block": ["B1", "B1"],
        "value": [0.25, 0.75],
    }


def test_a_number_that_is_none_is_a_gap_and_never_breaks_the_chart():
    text = to_json({"y": [1.0, float("nan"), float("inf")], "x": (1, 2), "name": "NaN"})
    assert json.loads(text) == {"y": [1.0, None, None], "x": [1, 2], "name": "NaN"}
    assert to_json({"y": [1.5]}) == '{"y":[1.5]}'


def test_a_mark_is_a_shape_that_plotly_takes():
    shape = vertical_mark(1.5, "#5A6572", "lr ×0.5")
    drawn = chart(line("a", [1, 2], [3.0, 4.0], "#0072B2"))
    drawn.layout["shapes"] = [shape]
    assert drawn.figure.layout.shapes[0].x0 == 1.5


def test_markup_in_a_name_is_letters_and_ours_stays():
    told = to_json({"text": ["<b>x</b>", "a<br>b", "%{x}<extra></extra>"]})
    assert json.loads(told)["text"] == ["&lt;b>x&lt;/b>", "a<br>b", "%{x}<extra></extra>"]


def test_long_names_along_an_axis_are_shortened_and_its_places_stay():
    names = ["a name that is much too long", "cup", "a long line<br>and a second one"]
    shape = layout(value_axis("share"), category_axis(names))
    short = with_short_names(shape, 10)["yaxis"]
    assert [len(name) for name in short["ticktext"]] == [10, 3, len(names[2])]
    assert short["tickvals"] == [0, 1, 2] and shape["yaxis"]["ticktext"] == names
    assert with_short_names(shape, 60) is shape
