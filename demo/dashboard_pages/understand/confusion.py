"""The part Confusion: the matrix, the pictures behind a cell, per class, the worst pairs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from cifar_core.inference.held_out import HeldOut
from demo.charts.confusion import confused_pairs, confusion_chart, per_class_chart
from demo.dashboard_pages.understand.answers import Answers
from demo.dashboard_pages.understand.mistakes import show_found
from demo.shared.format import percent
from demo.widgets.chart import show_chart
from demo.widgets.choice import choose, write_address
from demo.widgets.panels import show_table

if TYPE_CHECKING:
    from cifar_core.inference.classifier import Classifier

MOST_PAIRS = 6


def take_cell(picked: Any, names: Sequence[str]) -> None:
    """Put a cell that was clicked into the two lists below the matrix; a mistake into those of Mistakes too.

    picked: what the browser sends, which must begin with the true and the predicted class's number.
    """
    if not isinstance(picked, list | tuple) or len(picked) < 2:
        return
    cell = [place for place in picked[:2] if type(place) is int and 0 <= place < len(names)]
    if len(cell) < 2:
        return
    lists = [("true", "predicted"), ("shows", "said")] if cell[0] != cell[1] else [("true", "predicted")]
    write_address({name: names[place] for pair in lists for name, place in zip(pair, cell, strict=True)})


def pair_rows(answers: Answers, names: Sequence[str]) -> list[dict[str, str]]:
    """The commonest mistakes as a table."""
    totals = answers.confusion.sum(axis=1)
    return [
        {
            "true class": names[row],
            "taken for": names[column],
            "pictures": f"{count:,}",
            "share of the class": percent(count / int(totals[row])),
        }
        for row, column, count in confused_pairs(answers.confusion, MOST_PAIRS)
    ]


def show_confusion(classifier: "Classifier", pictures: HeldOut, answers: Answers) -> None:
    """The matrix, the pictures behind its cell, and what follows for the classes."""
    names = pictures.class_names
    matrix = st.container()  # drawn when the cell with a frame is known
    st.header("The pictures behind a cell")
    worst = (confused_pairs(answers.confusion, 1) or [(0, 0, 0)])[0]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        true = choose("true", "True class", names, names[worst[0]], widget="select", width=320)
        usual = names[worst[1]]
        predicted = choose("predicted", "Predicted class", names, usual, widget="select", width=320)
    cell = names.index(true), names.index(predicted)
    alt = "Heat map of counts: true classes as rows, predicted classes as columns"
    with matrix:
        chart = confusion_chart(answers.confusion, names, cell)
        show_chart(chart, "confusion", alt, on_pick=lambda picked: take_cell(picked, names))
    show_found(classifier, pictures, answers, true, predicted)
    left, right = st.columns(2)
    with left:
        st.header("Class by class")
        alt = "Bar chart: share of right answers of each class"
        show_chart(per_class_chart(answers.confusion, names), "per-class", alt)
    with right:
        st.header("Most confused pairs")
        rows = pair_rows(answers, names)
        if rows:
            show_table(rows)
        else:
            st.write("No picture is mistaken, so no pair is confused.")
